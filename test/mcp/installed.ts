import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const INSTALL_TIMEOUT_MS = 300_000;

/** A file of the programs in package.json beside this one, which are installed first if they are not there yet. */
export async function installed(path: string): Promise<string> {
  const file = join(FOLDER, "node_modules", path);
  const command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  if (!existsSync(file)) await promisify(execFile)("npm", command, { cwd: FOLDER, timeout: INSTALL_TIMEOUT_MS });
  return file;
}
