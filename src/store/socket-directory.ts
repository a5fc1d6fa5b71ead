import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AtosError, missingError, usageError } from "../base/errors.ts";

/**
 * The private directory for the sockets of the state folder at `stateDirectory`, made when missing.
 *
 * Short, because a socket's path is limited to about 100 bytes and a state folder's path is not. The same
 * state folder has the same one as long as XDG_RUNTIME_DIR and TMPDIR stay the same, so hand the server's
 * address on rather than find it again in another process.
 *
 * @throws {AtosError} `store/no-state-directory`, or `store/socket-directory-unsafe` when somebody else owns it
 *   or can enter it.
 */
export function socketDirectory(stateDirectory: string): string {
  const uid = process.getuid?.();
  if (uid === undefined) {
    throw missingError(
      "store/platform",
      "This platform has no user ids to protect a socket with. Set DATABASE_URL to a Postgres server.",
    );
  }
  const name = createHash("sha256").update(realPath(stateDirectory)).digest("hex").slice(0, 12);
  const directory = path.join(runtimeDirectory(uid), `atos-${uid}-${name}`);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) {
      throw missingError("store/socket-directory", `Cannot make the socket directory ${directory}.`, error);
    }
  }
  refuseUnlessPrivate(directory, uid);
  return directory;
}

function realPath(stateDirectory: string): string {
  try {
    return realpathSync(stateDirectory);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw usageError("store/no-state-directory", `The state folder ${stateDirectory} doesn't exist. Make it first.`);
  }
}

// Some logins inherit another user's XDG_RUNTIME_DIR (su, sudo); only one's own will do.
function runtimeDirectory(uid: number): string {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  if (runtime === undefined || !path.isAbsolute(runtime)) return tmpdir();
  const found = lstatSync(runtime, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid ? runtime : tmpdir();
}

// lstat: a symbolic link put there by somebody else would lead anywhere.
function refuseUnlessPrivate(directory: string, uid: number): void {
  const found = lstatSync(directory);
  const mode = found.mode & 0o777;
  if (found.isDirectory() && found.uid === uid && mode === 0o700) return;
  const what = found.isDirectory() ? `a directory of user ${found.uid} with mode ${mode.toString(8)}` : "no directory";
  throw new AtosError(
    "store/socket-directory-unsafe",
    `${directory} should be a directory of user ${uid} with mode 700, but is ${what}, so others could reach the ` +
      "database through it. Remove it, or set XDG_RUNTIME_DIR to a directory of your own.",
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
