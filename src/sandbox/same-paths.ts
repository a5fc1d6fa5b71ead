import { lstatSync, realpathSync } from "node:fs";
import { AtosError, usageError } from "../base/errors.ts";
import type { SandboxRequest } from "./sandbox.ts";

/**
 * What to show read-only where nothing can be shown elsewhere than where it is: the real paths.
 *
 * One inside the workspace would be writable, and one that holds the workspace is more than was asked for; both are
 * refused, as is a target that is not its source.
 *
 * @throws `sandbox/read-only` for a path that breaks these rules, or a source that is not there.
 */
export function samePaths(root: string, request: SandboxRequest): string[] {
  return (request.readOnly ?? []).map(({ source, target }) => {
    if (source !== target) {
      throw usageError(
        "sandbox/read-only",
        `${source} cannot be shown at ${target}: this sandbox shows a path only where it is.`,
      );
    }
    if (lstatSync(source, { throwIfNoEntry: false }) === undefined) {
      throw new AtosError("sandbox/read-only", `${source} cannot be shown in the sandbox: it does not exist.`);
    }
    const path = realpathSync(source);
    if (`${path}/`.startsWith(`${root}/`) || `${root}/`.startsWith(`${path}/`)) {
      throw usageError(
        "sandbox/read-only",
        `${path} cannot be shown read-only: it and the workspace ${root} lie in each other.`,
      );
    }
    return path;
  });
}
