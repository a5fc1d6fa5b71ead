import { z } from "zod";
import { defineTool, type Tool } from "../../tool.ts";
import { asResult } from "../tool-failure.ts";
import { folderPath } from "./path-argument.ts";
import { shownPath } from "./shown-path.ts";
import { type WalkedEntry, walkInside } from "./walk-inside.ts";

const MAX_ENTRIES = 500;
const DEFAULT_DEPTH = 3;

const entry = z.object({ path: z.string(), kind: z.enum(["file", "folder", "link", "other"]), bytes: z.int() });

export function listFilesTool(root: string): Tool {
  return defineTool({
    name: "list_files",
    title: "List files",
    description: "List files and folders. Use it before guessing a path; for text within files use search_files.",
    input: z.strictObject({
      path: folderPath.optional(),
      depth: z
        .int()
        .min(1)
        .max(10)
        .meta({ description: `folders deep; absent: ${DEFAULT_DEPTH}`, "x-aliases": ["max_depth"] })
        .optional(),
    }),
    output: z.object({ entries: z.array(entry), cut: z.boolean() }),
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
    effect: "none",
    pathArguments: ["path"],
    example: {},
    run: ({ path = ".", depth = DEFAULT_DEPTH }, { signal }) =>
      asResult(async () => {
        const entries: z.infer<typeof entry>[] = [];
        let cut = false;
        for await (const found of walkInside(root, { path, depth }, signal)) {
          cut = entries.length === MAX_ENTRIES;
          if (cut) break;
          entries.push({ path: found.path, kind: found.kind, bytes: found.bytes });
        }
        entries.sort((one, other) => (one.path < other.path ? -1 : 1));
        const lines = entries.map(lineOf);
        if (cut) lines.push(`[the first ${MAX_ENTRIES} only; list a folder with path, or use a smaller depth]`);
        return { ok: true, output: { entries, cut }, text: lines.length === 0 ? "[empty]" : lines.join("\n") };
      }),
  });
}

function lineOf({ path, kind }: Pick<WalkedEntry, "path" | "kind">): string {
  return shownPath(path) + { file: "", folder: "/", link: " (link)", other: " (not a file)" }[kind];
}
