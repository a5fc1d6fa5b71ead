import { z } from "zod";
import { defineTool, type Tool } from "../../tool.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { filePath } from "./path-argument.ts";
import { readInside } from "./read-inside.ts";
import { textOf } from "./text-of.ts";

/** Shown at once: what a small context can hold beside the rest. */
const MAX_CHARACTERS = 32_000;
const line = (aliases: readonly string[]) =>
  z
    .int()
    .min(1)
    .max(5_000_000)
    .meta({ "x-aliases": [...aliases] })
    .optional();

export function readFileTool(root: string): Tool {
  return defineTool({
    name: "read_file",
    title: "Read a file",
    description: "Read a text file or a range of its lines. Not for folders: list_files.",
    input: z.strictObject({
      path: filePath,
      start_line: line(["start", "line_start", "from_line"]),
      end_line: line(["end", "line_end", "to_line"]),
    }),
    output: z.object({
      path: z.string(),
      content: z.string(),
      start_line: z.int(),
      end_line: z.int(),
      total_lines: z.int(),
      /** There is more of what was asked for. */
      cut: z.boolean(),
    }),
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
    effect: "none",
    pathArguments: ["path"],
    example: { path: "src/name.ts" },
    run: ({ path, start_line: start, end_line: end }) =>
      asResult(() => {
        const { restOfLine, ...part } = linesOf(textOf(readInside(root, path), path), { path, start, end });
        const note = part.cut ? `\n[${cutNote(path, { ...part, restOfLine })}]` : "";
        return { ok: true, output: { path, ...part }, text: part.content === "" ? "[empty]" : part.content + note };
      }),
  });
}

type Wanted = { readonly path: string; readonly start: number | undefined; readonly end: number | undefined };

type Cut = { readonly end_line: number; readonly total_lines: number; readonly restOfLine: number };

function cutNote(path: string, { end_line: last, total_lines: total, restOfLine }: Cut): string {
  const next = `read on with start_line ${last + 1}`;
  if (restOfLine === 0) return `cut after line ${last} of ${total}; ${next}`;
  const rest = `the last ${restOfLine} characters of line ${last} are not shown; see them by run_command, like: sed -n ${last}p '${path}' | tail -c 4000`;
  return last < total ? `${rest}; or ${next} of ${total}` : rest;
}

/** The lines that were asked for, as many as fit; at least a piece of the first. Pure. */
function linesOf(text: string, { path, start = 1, end = Number.MAX_SAFE_INTEGER }: Wanted) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const total = lines.length;
  if (start > Math.max(total, 1))
    throw new ToolFailure(`${path} has ${total} lines; a start_line of ${start} is behind its end.`);
  if (end < start) throw new ToolFailure(`end_line ${end} is before start_line ${start}; swap them.`);
  let [characters, last] = [0, start - 1];
  while (last < Math.min(end, total)) {
    characters += (lines[last] ?? "").length + 1;
    if (characters > MAX_CHARACTERS && last >= start) break;
    last++;
  }
  const whole = lines.slice(start - 1, last).join("\n") + (last === total && !text.endsWith("\n") ? "" : "\n");
  const content = total === 0 ? "" : whole.slice(0, MAX_CHARACTERS);
  const cut = last < Math.min(end, total) || content.length < whole.length;
  return { content, start_line: start, end_line: last, total_lines: total, cut, restOfLine: restOf(whole, content) };
}

/** Of a line that is too long to be shown; the line feed at its end is nothing to read. */
function restOf(whole: string, content: string): number {
  return whole.slice(content.length).replace(/\n$/, "").length;
}
