import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { AtosError, messageOf, usageError } from "../base/errors.ts";
import { SANDBOX_ID } from "../sandbox/bubblewrap-arguments.ts";
import { workspacePath } from "../sandbox/request-paths.ts";

/** The folder that a command gets; when disposed, as its owner expects to find it. */
export type SandboxFolder = AsyncDisposable & { readonly path: string };

const PATH = "/usr/bin:/bin";
/** Of the operating system; below some of them work of one's own is usual. */
const SYSTEM = /^\/(bin|boot|dev|etc|lib(32|64|x32)?|proc|sbin|sys|usr)(\/|$)/;
const SHARED = /^\/(home|media|mnt|opt|run|srv|tmp|var|var\/[^/]+)$/;
const OWN_WORK = /^\/(dev\/shm|usr\/src|usr\/local\/src)\/./;

/**
 * Opens the folder `root`, or without one a fresh folder that goes when it is disposed.
 *
 * As root a command runs as another user, to whom the sandbox gives root's files in the folder. Afterwards all files
 * of that user there, new ones too, become root's; nobody else has that user's id. So what a run that was killed left
 * behind is put right by the next. Links are not followed. Set-user-id bits of such files are lost, as at any change
 * of owner.
 *
 * @throws `sandbox/root` when it is no folder, holds the home folder, holds or is in one of `kept`, lies in a `.git`, or
 *   as root is one of the system's own.
 */
export async function openSandboxFolder(root: string | undefined, kept: readonly string[]): Promise<SandboxFolder> {
  if (root === undefined) {
    const path = await realpath(await mkdtemp(join(tmpdir(), "atos-sandbox-")));
    return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
  }
  const path = workspacePath(resolve(root));
  const own = await Promise.all(kept.map((folder) => realpath(folder).catch(() => resolve(folder))));
  const touched = own.find((folder) => isWithin(folder, path) || isWithin(path, folder));
  if (touched !== undefined || path.split(sep).includes(".git")) {
    const whose = touched === undefined ? "git's own" : `ATOS's own (${touched})`;
    throw usageError(
      "sandbox/root",
      `${path} is no folder for a command: it is ${whose}. Use a folder for this work alone.`,
    );
  }
  const asRoot = process.getuid?.() === 0;
  if (asRoot && isSystemFolder(path)) {
    throw usageError(
      "sandbox/root",
      `As root, ${path} can't be given to a command: its files would belong to another user while it runs. Use a folder for this work alone.`,
    );
  }
  return { path, [Symbol.asyncDispose]: () => (asRoot ? giveBack(path) : Promise.resolve()) };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}${sep}`);
}

/** Whether a folder belongs to the operating system, or to everyone. Pure. */
export function isSystemFolder(path: string): boolean {
  return (SYSTEM.test(path) && !OWN_WORK.test(path)) || SHARED.test(path);
}

async function giveBack(path: string): Promise<void> {
  const id = String(SANDBOX_ID);
  try {
    await promisify(execFile)("chown", ["-R", "-P", "-h", `--from=${id}`, "0:0", "--", path], { env: { PATH } });
  } catch (error) {
    const advice = `See to it by: chown -R -h --from=${id} 0:0 ${path}`;
    throw new AtosError(
      "cli/not-given-back",
      `some files in ${path} still belong to user ${id}, whom the command ran as: ${messageOf(error)}. ${advice}`,
      { cause: error },
    );
  }
}

/** A command may have closed folders of its own to their owner, who is this process where it is not root's. */
async function removeFolder(path: string): Promise<void> {
  if (process.getuid?.() !== 0) await promisify(execFile)("chmod", ["-R", "u+rwX", path], { env: { PATH } });
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
