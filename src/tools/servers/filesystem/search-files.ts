import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { defineTool, type Tool } from "../../tool.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { matchGlob } from "./match-glob.ts";
import { folderPath } from "./path-argument.ts";
import { readEntry } from "./read-inside.ts";
import { type LineSearch, searchFixed, searchPattern } from "./search-lines.ts";
import { shownPath } from "./shown-path.ts";
import { textOrNot } from "./text-of.ts";
import { type WalkedEntry, walkInside } from "./walk-inside.ts";

const DEPTH = 30;
/** A longer one can be made so that a search for it takes seconds in one file. */
const MAX_QUERY = 300;
const DEFAULT_RESULTS = 50;
const MAX_RESULTS = 200;
/** Read in one search; what comes later is told of. */
const MAX_BYTES = 100_000_000;
/** Read before other work of this process has its turn. */
const BYTES_A_TURN = 1_000_000;
const WIDTH = 200;
/** Of a line whose cut would come within a word: half of a secret would no longer be known for one. */
const MAX_WIDTH = 2000;

const match = z.object({ path: z.string(), line: z.int(), text: z.string() });
const output = z.object({ matches: z.array(match), files_searched: z.int(), cut: z.boolean() });
type Found = z.infer<typeof output>;
type Search = {
  readonly root: string;
  readonly path: string;
  readonly glob: string | undefined;
  readonly most: number;
  readonly find: LineSearch;
};

export function searchFilesTool(root: string): Tool {
  return defineTool({
    name: "search_files",
    title: "Search in files",
    description: "Find lines that hold a text. Not for file names: list_files.",
    input: z.strictObject({
      query: z
        .string()
        .min(1)
        .max(MAX_QUERY)
        .meta({ "x-aliases": ["pattern", "search", "text"] }),
      path: folderPath.optional(),
      glob: z
        .string()
        .min(1)
        .max(200)
        .meta({ description: "like *.ts", "x-aliases": ["include", "file_pattern"] })
        .optional(),
      regex: z.boolean().optional(),
      max_results: z
        .int()
        .min(1)
        .max(MAX_RESULTS)
        .meta({ "x-aliases": ["limit", "max"] })
        .optional(),
    }),
    output,
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
    effect: "none",
    pathArguments: ["path"],
    walks: true,
    example: { query: "TODO", glob: "*.ts" },
    run: ({ query, path = ".", glob, regex = false, max_results: most = DEFAULT_RESULTS }, { signal }) =>
      asResult(async () => {
        const find = regex ? searchPattern(query) : searchFixed(query);
        const found = await search({ root, path, glob, most, find }, signal);
        return { ok: true, output: found, text: textFor(found, query, regex) };
      }),
  });
}

async function search({ root, path, glob, most, find }: Search, signal: AbortSignal): Promise<Found> {
  const matches: Found["matches"] = [];
  let [files, bytes, turnAt] = [0, 0, BYTES_A_TURN];
  for await (const entry of walkInside(root, { path, depth: DEPTH }, signal)) {
    if (entry.kind !== "file" || (glob !== undefined && !matchGlob(glob, entry.path))) continue;
    bytes += entry.bytes;
    if (bytes > MAX_BYTES) return { matches, files_searched: files, cut: true };
    if (bytes > turnAt) {
      turnAt = bytes + BYTES_A_TURN;
      await setImmediate();
      signal.throwIfAborted();
    }
    const text = readText(entry);
    if (text === undefined) continue;
    files++;
    for (const { line, text: whole } of find(text, most + 1 - matches.length)) {
      if (matches.length === most) return { matches, files_searched: files, cut: true };
      matches.push({ path: entry.path, line, text: shownPart(whole.trim()) });
    }
  }
  return { matches, files_searched: files, cut: false };
}

/** The beginning of a line, to the end of a word. */
function shownPart(line: string): string {
  let end = WIDTH;
  while (end < Math.min(line.length, MAX_WIDTH) && /[\w+/=.~:@-]/.test(line[end] ?? "")) end++;
  return line.slice(0, end);
}

/** Undefined for what is no text, and for what can't be read or is gone: a search goes on. */
function readText({ folder, name, path }: WalkedEntry): string | undefined {
  try {
    return textOrNot(readEntry(folder, name, path));
  } catch (error) {
    if (error instanceof ToolFailure) return undefined;
    throw error;
  }
}

function textFor({ matches, files_searched: files, cut }: Found, query: string, regex: boolean): string {
  if (matches.length === 0) {
    const advice =
      regex || !/[\\[\](){}|*+?^$]|\.\*/.test(query)
        ? "try a shorter text"
        : "set regex to true if it is an expression";
    return `[no match in ${files} files; ${advice}]`;
  }
  const lines = matches.map(({ path, line, text }) => `${shownPath(path)}:${line}: ${text}`);
  if (cut) lines.push("[there is more; narrow it with path or glob]");
  return lines.join("\n");
}
