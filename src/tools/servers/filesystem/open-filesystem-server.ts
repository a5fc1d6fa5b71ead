import type { ToolServer } from "../../tool.ts";
import { deleteFileTool, editFileTool, moveFileTool, writeFileTool } from "./change-tools.ts";
import { listFilesTool } from "./list-files.ts";
import { readFileTool } from "./read-file.ts";
import { searchFilesTool } from "./search-files.ts";

export type FilesystemDeps = {
  /** The workspace: nothing outside of it is read or changed. */
  readonly root: string;
};

/**
 * The files of one workspace.
 *
 * A path is walked part by part, each opened from the folder before it and never through a link, so that a name that
 * changes its meaning between two looks leads nowhere else. `.git` and `.atos` are nowhere to be found.
 */
export function openFilesystemServer({ root }: FilesystemDeps): ToolServer {
  return {
    name: "filesystem",
    instructions: "Files of one folder. Paths are relative to it and written with forward slashes.",
    tools: [
      readFileTool(root),
      writeFileTool(root),
      editFileTool(root),
      listFilesTool(root),
      searchFilesTool(root),
      moveFileTool(root),
      deleteFileTool(root),
    ],
  };
}
