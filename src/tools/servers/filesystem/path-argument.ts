import { z } from "zod";

/** Other names that models use. */
const FILE_NAMES = ["file_path", "filepath", "filename", "file"];
const FOLDER_NAMES = ["dir", "directory", "folder"];

/** A file of the workspace. Whether its form is one that is taken, the tool says, with advice. */
export const filePath = z
  .string()
  .min(1)
  .max(4096)
  .meta({ description: "relative to the workspace", "x-aliases": FILE_NAMES });

/** A folder of the workspace. */
export const folderPath = z
  .string()
  .min(1)
  .max(4096)
  .meta({ description: "folder; absent: the workspace", "x-aliases": FOLDER_NAMES });

/** Text that is taken as it is written. */
export function verbatim(max: number, aliases: readonly string[], min = 0) {
  return z
    .string()
    .min(min)
    .max(max)
    .meta({ "x-verbatim": true, "x-aliases": [...aliases] });
}
