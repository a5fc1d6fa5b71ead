import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** The program's full path, from PATH or the usual folders; relative entries of PATH are passed over. */
export function findProgram(name: string, path = ""): string | undefined {
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
