import { lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { messageOf } from "../../base/errors.ts";

export type ClaimsPlace = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `os.tmpdir()`. */
  readonly temporary: string;
  /** `process.getuid()`; absent where users have no numbers. */
  readonly uid: number | undefined;
};

/**
 * The folder that all workers of a user on this machine share, whatever their state folders: made when missing,
 * or why there is none. Nobody else can enter it; a symbolic link or somebody else's folder is refused.
 */
export function claimsFolder({
  env,
  temporary,
  uid,
}: ClaimsPlace): { readonly folder: string } | { readonly refused: string } {
  if (uid === undefined) return { refused: "users have no numbers here" };
  const runtime = env["XDG_RUNTIME_DIR"];
  // Some logins inherit another user's (su, sudo); only one's own will do.
  const usesRuntime = runtime !== undefined && isAbsolute(runtime) && isFolderOf(runtime, uid);
  const folder = usesRuntime ? join(runtime, "atos") : join(temporary, `atos-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) return { refused: `${folder} can't be made (${messageOf(error)})` };
  }
  try {
    const found = lstatSync(folder);
    const mode = found.mode & 0o777;
    if (found.isDirectory() && found.uid === uid && mode === 0o700) return { folder };
    const what = found.isDirectory() ? `belongs to user ${found.uid} with mode ${mode.toString(8)}` : "is no folder";
    return { refused: `${folder} ${what} and should be a folder of user ${uid} with mode 700; remove it` };
  } catch (error) {
    return { refused: `${folder} can't be looked at (${messageOf(error)})` };
  }
}

function isFolderOf(path: string, uid: number): boolean {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === uid;
  } catch {
    // Not there: then the other place serves.
    return false;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
