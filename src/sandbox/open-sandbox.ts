import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { missingError } from "../base/errors.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import type { Sandbox } from "./sandbox.ts";
import { openUnconfined } from "./unconfined.ts";

/**
 * Opens the best sandbox that this machine has; with `unsafe`, none at all.
 *
 * Tries it once, so that what opens also runs.
 *
 * @throws `sandbox/none` when the machine has none that works: what is missing, and how to get it.
 */
export async function openSandbox(options: { readonly unsafe: boolean }): Promise<Sandbox> {
  if (options.unsafe) return openUnconfined();
  const bwrap = findProgram("bwrap", process.env["PATH"]);
  if (bwrap !== undefined) return openBubblewrap(bwrap, process.execPath);
  throw missingError(
    "sandbox/none",
    "This machine has no sandbox to run code in: bubblewrap (bwrap) was not found. Install it with " +
      "apt-get install bubblewrap (dnf, pacman and apk know it by the same name), or run code without a sandbox by --unsafe.",
  );
}

/** The program's full path, from PATH or the usual folders; relative entries of PATH are passed over. */
function findProgram(name: string, path = ""): string | undefined {
  const folders = [...path.split(delimiter), "/usr/local/bin", "/usr/bin", "/bin"].filter((folder) =>
    isAbsolute(folder),
  );
  return folders.map((folder) => join(folder, name)).find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
