import { existsSync, lstatSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, normalize, relative, sep } from "node:path";
import { AtosError, usageError } from "../base/errors.ts";
import type { SandboxRequest } from "./sandbox.ts";

/**
 * The workspace's real path.
 *
 * A folder that holds the home folder or the whole machine is refused: it would be written to, and as root given to
 * another user, because someone passed the wrong path.
 *
 * @throws `sandbox/root` when it is no folder, or such a one.
 */
export function workspacePath(root: string): string {
  if (lstatSync(root, { throwIfNoEntry: false }) === undefined) {
    throw usageError("sandbox/root", `The workspace ${root} does not exist; create it before running a command in it.`);
  }
  const path = realpathSync(root);
  if (!lstatSync(path).isDirectory()) throw usageError("sandbox/root", `The workspace ${path} is not a folder.`);
  const home = homedir();
  // A service's user may have none.
  if (isInside(existsSync(home) ? realpathSync(home) : home, path)) {
    throw usageError(
      "sandbox/root",
      `The workspace ${path} contains the home folder; use a folder for this work alone.`,
    );
  }
  return path;
}

/**
 * What to show read-only, checked.
 *
 * A target under the workspace may not pass through a symbolic link: a command that ran before could have put it
 * there to have something else of the machine shown, or written to.
 *
 * @throws `sandbox/read-only` for a path that breaks these rules, or a source that is not there.
 */
export function readOnlyPaths(root: string, request: SandboxRequest): { source: string; target: string }[] {
  return (request.readOnly ?? []).map(({ source, target }) => ({
    source: sourcePath(source),
    target: targetPath(root, target),
  }));
}

function sourcePath(source: string): string {
  if (lstatSync(source, { throwIfNoEntry: false }) !== undefined) return realpathSync(source);
  throw new AtosError("sandbox/read-only", `${source} cannot be shown in the sandbox: it does not exist.`);
}

function targetPath(root: string, target: string): string {
  if (!isAbsolute(target) || normalize(target) !== target || target.endsWith("/") || target === "/workspace") {
    throw usageError(
      "sandbox/read-only",
      `${target} is no place to show something in the sandbox; give a plain absolute path.`,
    );
  }
  if (!isInside(target, "/workspace")) return target;
  let path = root;
  for (const name of relative("/workspace", target).split(sep)) {
    path = join(path, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new AtosError(
        "sandbox/read-only",
        `Nothing can be shown at ${target}: ${path} is a symbolic link. Remove it.`,
      );
    }
  }
  return target;
}

/** Whether `path` is `folder` or lies in it. */
function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`));
}
