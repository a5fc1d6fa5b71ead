import { z } from "zod";
import { plainArgument } from "../../plain-argument.ts";

/** Other names that models use. */
const FILE_NAMES = ["file_path", "filepath", "filename", "file"];
const FOLDER_NAMES = ["dir", "directory", "folder"];

/** A path of the workspace, in its plain form. Whether it is one that is taken, the tool says, with advice. */
export const workspacePath = z.string().min(1).max(4096).overwrite(plainArgument);

export const filePath = workspacePath.meta({ description: "relative to the workspace", "x-aliases": FILE_NAMES });

/** A folder of the workspace; empty is the workspace too. */
export const folderPath = z
  .string()
  .max(4096)
  .overwrite(plainArgument)
  .meta({ description: "folder; absent: the workspace", "x-aliases": FOLDER_NAMES });

/** Text that is taken as it is written. */
export function verbatim(max: number, aliases: readonly string[], min = 0) {
  return z
    .string()
    .min(min)
    .max(max)
    .meta({ "x-verbatim": true, "x-aliases": [...aliases] });
}
