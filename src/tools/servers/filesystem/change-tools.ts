import { z } from "zod";
import { defineTool, type Tool } from "../../tool.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { deleteInside } from "./delete-inside.ts";
import { moveInside } from "./move-inside.ts";
import { filePath, verbatim, workspacePath } from "./path-argument.ts";
import { MAX_FILE_BYTES, readInside } from "./read-inside.ts";
import { replaceText } from "./replace-text.ts";
import { textOf } from "./text-of.ts";
import { writeInside } from "./write-inside.ts";

const DESTRUCTIVE = { readOnly: false, destructive: true, openWorld: false } as const;

export function writeFileTool(root: string): Tool {
  return defineTool({
    name: "write_file",
    title: "Write a file",
    description: "Create a file or replace all of it. For a small change use edit_file.",
    input: z.strictObject({
      path: filePath,
      content: verbatim(MAX_FILE_BYTES, ["contents", "text", "code", "body", "file_text"]),
    }),
    output: z.object({ path: z.string(), bytes: z.int(), created: z.boolean() }),
    annotations: { ...DESTRUCTIVE, idempotent: true },
    effect: "workspace",
    pathArguments: ["path"],
    example: { path: "src/name.ts", content: "export const name = 1;\n" },
    run: ({ path, content }) =>
      asResult(() => {
        const { bytes, created } = writeInside(root, path, content);
        return {
          ok: true,
          output: { path, bytes, created },
          text: `${created ? "created" : "replaced"} ${path} (${bytes} bytes)`,
        };
      }),
  });
}

export function editFileTool(root: string): Tool {
  return defineTool({
    name: "edit_file",
    title: "Edit a file",
    description: "Replace a piece of text that is in the file once. Read the file first.",
    input: z.strictObject({
      path: filePath,
      search: verbatim(MAX_FILE_BYTES, ["old_string", "old_str", "old_text", "old", "find"], 1),
      replace: verbatim(MAX_FILE_BYTES, ["new_string", "new_str", "new_text", "new", "replacement"]),
      all: z
        .boolean()
        .meta({ description: "every place", "x-aliases": ["replace_all"] })
        .optional(),
    }),
    output: z.object({ path: z.string(), replaced: z.int(), line: z.int() }),
    annotations: { ...DESTRUCTIVE, idempotent: false },
    effect: "workspace",
    pathArguments: ["path"],
    example: { path: "src/name.ts", search: "= 1", replace: "= 2" },
    run: ({ path, search, replace, all = false }) =>
      asResult(() => {
        const done = replaceText(textOf(readInside(root, path), path), { search, replace, all });
        if (!done.ok) throw new ToolFailure(`${path} was not changed: ${done.why}`);
        writeInside(root, path, done.text);
        const { count, line, loosely } = done;
        const text = `edited ${path}: ${count === 1 ? `line ${line}` : `${count} places`}${loosely ? " (found by ignoring white space)" : ""}`;
        return { ok: true, output: { path, replaced: count, line }, text };
      }),
  });
}

export function moveFileTool(root: string): Tool {
  return defineTool({
    name: "move_file",
    title: "Move or rename",
    description: "Move or rename a file or folder. Nothing is overwritten.",
    input: z.strictObject({
      path: filePath,
      new_path: workspacePath.meta({ "x-aliases": ["to", "destination", "target"] }),
    }),
    output: z.object({ path: z.string(), new_path: z.string() }),
    annotations: { ...DESTRUCTIVE, idempotent: false },
    effect: "workspace",
    pathArguments: ["path", "new_path"],
    example: { path: "src/name.ts", new_path: "src/names.ts" },
    run: ({ path, new_path }) =>
      asResult(() => {
        moveInside(root, path, new_path);
        return { ok: true, output: { path, new_path }, text: `moved ${path} to ${new_path}` };
      }),
  });
}

export function deleteFileTool(root: string): Tool {
  return defineTool({
    name: "delete_file",
    title: "Delete",
    description: "Delete a file or an empty folder; with recursive a folder and all in it.",
    input: z.strictObject({ path: filePath, recursive: z.boolean().optional() }),
    output: z.object({ path: z.string(), deleted: z.int() }),
    annotations: { ...DESTRUCTIVE, idempotent: false },
    effect: "workspace",
    pathArguments: ["path"],
    example: { path: "src/old.ts" },
    run: ({ path, recursive = false }) =>
      asResult(() => {
        const deleted = deleteInside(root, path, { recursive });
        return {
          ok: true,
          output: { path, deleted },
          text: `deleted ${path}${deleted > 1 ? ` (${deleted} entries)` : ""}`,
        };
      }),
  });
}
