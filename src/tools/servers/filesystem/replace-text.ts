import { nearestLines } from "./nearest-lines.ts";
import { MAX_FILE_BYTES } from "./read-inside.ts";
import { textFinder } from "./text-finder.ts";

export type Replacement = {
  readonly search: string;
  readonly replace: string;
  /** Every place, not the only one. */
  readonly all: boolean;
};

export type Replaced =
  | {
      readonly ok: true;
      readonly text: string;
      readonly count: number;
      /** Of the first place, from 1. */
      readonly line: number;
      /** Found only when white space at the ends of lines, or the depth of indentation, was not looked at. */
      readonly loosely: boolean;
    }
  | { readonly ok: false; readonly why: string };

type Place = { readonly start: number; readonly end: number; readonly replace: string };
const MAX_LINES_TOLD = 5;
/** Of a search that is also compared loosely: line by line against each line of the file. */
const MAX_LOOSE_LINES = 200;
/** Comparisons of lines, and lines that are held against each other in full: what takes longer is not found loosely. */
const MAX_COMPARISONS = 10_000_000;
const MAX_TRIED_LINES = 500_000;
const MAX_PLACES = 10_000;

/**
 * Puts `replace` in the place of `search`. Pure.
 *
 * First as it is written, with the file's own line ends. When that is nowhere, whole lines are compared without the
 * white space at their ends, then with another depth of indentation, which the new lines take on. At most 10,000 places
 * are replaced, and nothing when the text would become too large for a file.
 */
export function replaceText(text: string, replacement: Replacement): Replaced {
  const { search, replace } = ownLineEnds(text, replacement);
  if (search === replace)
    return {
      ok: false,
      why: "search and replace are the same, so nothing would change; write the new text in replace.",
    };
  const exact = exactPlaces(text, { search, replace, all: replacement.all });
  const places = exact.length > 0 ? exact : looseMatches(text, search, replace);
  const [first] = places;
  if (first === undefined) return { ok: false, why: notFound(text, search) };
  if (places.length > 1 && !replacement.all) return { ok: false, why: tooMany(text, places) };
  if (places.length > MAX_PLACES)
    return {
      ok: false,
      why: `the search text is there more than ${MAX_PLACES} times; write a program that changes it and run it by run_command.`,
    };
  const length = places.reduce((sum, { start, end, replace: put }) => sum + put.length - (end - start), text.length);
  if (length > MAX_FILE_BYTES)
    return {
      ok: false,
      why: `the file would have ${(length / 1e6).toFixed(1)} MB, more than the ${MAX_FILE_BYTES / 1e6} MB that are written; put less in each place.`,
    };
  let [done, from] = ["", 0];
  for (const { start, end, replace: put } of places) {
    done += text.slice(from, start) + put;
    from = end;
  }
  return {
    ok: true,
    text: done + text.slice(from),
    count: places.length,
    line: lineAt(text, first.start),
    loosely: exact.length === 0,
  };
}

/** Models write line feeds; a file that has carriage returns before all of its own keeps them. */
function ownLineEnds(text: string, { search, replace }: Replacement): { search: string; replace: string } {
  const own = (part: string) => part.replaceAll("\r\n", "\n").replaceAll("\n", "\r\n");
  const isMixed = /(?<!\r)\n/.test(text);
  return text.includes("\r\n") && (!isMixed || textFinder(search)(text, 0) < 0)
    ? { search: own(search), replace: own(replace) }
    : { search, replace };
}

function exactPlaces(text: string, { search, replace, all }: Replacement): readonly Place[] {
  const places: Place[] = [];
  const find = textFinder(search);
  let start = find(text, 0);
  while (start >= 0 && places.length <= MAX_PLACES) {
    places.push({ start, end: start + search.length, replace });
    start = find(text, start + search.length);
  }
  // "aa" is in "aaa" twice, so which is meant is not known.
  const [only, another] = places;
  const over = only === undefined || another !== undefined || all ? -1 : find(text, only.start + 1);
  return over < 0 ? places : [...places, { start: over, end: over + search.length, replace }];
}

function looseMatches(text: string, search: string, replace: string): readonly Place[] {
  const ends = linePlaces(text, search, { key: (line) => line.trimEnd(), replace: () => replace });
  if (ends.length > 0) return ends;
  const wanted = indentOf(search);
  return linePlaces(text, search, {
    key: (line) => line.trim(),
    replace: (found) => {
      const given = indentOf(found);
      return sameShape(found, search) ? reindented(replace, wanted, given) : undefined;
    },
  });
}

type Comparison = {
  readonly key: (line: string) => string;
  /** What is put in the place of the lines that were found, or undefined when they are not alike after all. */
  readonly replace: (found: string) => string | undefined;
};

function linePlaces(text: string, search: string, { key, replace }: Comparison): readonly Place[] {
  const wanted = search
    .replace(/\r?\n$/, "")
    .split("\n")
    .map(key);
  if (wanted.length > MAX_LOOSE_LINES || wanted.every((line) => line === "")) return [];
  const lines = text.split("\n");
  if (lines.length * wanted.length > MAX_COMPARISONS) return [];
  const keys = lines.map(key);
  const places: Place[] = [];
  let [tried, length] = [0, 0];
  for (let index = 0, start = 0; index + wanted.length <= lines.length; index++) {
    if (tried > MAX_TRIED_LINES || length > MAX_FILE_BYTES || places.length > MAX_PLACES) break;
    const isFree = (places.at(-1)?.end ?? 0) <= start;
    if (isFree && wanted.every((line, offset) => keys[index + offset] === line)) {
      tried += wanted.length;
      const found = lines.slice(index, index + wanted.length).join("\n");
      const put = replace(found);
      const endsLine = search.endsWith("\n") && index + wanted.length < lines.length;
      // A carriage return belongs to the end of the line, not to what stands in it.
      const width = found.replace(/\r$/, "").length;
      if (put !== undefined) {
        places.push({ start, end: start + (endsLine ? found.length + 1 : width), replace: put });
        length += put.length;
      }
    }
    start += (lines[index] ?? "").length + 1;
  }
  return places;
}

/** The white space before the first line that has something. */
function indentOf(text: string): string {
  return /^[^\S\n]*(?=\S)/m.exec(text)?.[0] ?? "";
}

/** Whether the lines are indented alike, but for one depth that is added or missing everywhere. */
function sameShape(found: string, search: string): boolean {
  const [given, wanted] = [indentOf(found), indentOf(search)];
  const shape = (text: string, indent: string) =>
    text
      .split("\n")
      .map((line) => (line.trim() === "" ? "" : line.startsWith(indent) ? line.slice(indent.length).trimEnd() : "\0"))
      .join("\n")
      .trimEnd();
  return shape(found, given) === shape(search, wanted) && !shape(found, given).includes("\0");
}

function reindented(text: string, from: string, to: string): string {
  return text
    .split("\n")
    .map((line) =>
      line.trim() === "" ? line : line.startsWith(from) ? to + line.slice(from.length) : to + line.trimStart(),
    )
    .join("\n");
}

function notFound(text: string, search: string): string {
  const near = nearestLines(text, search);
  const shown = near === undefined ? "" : ` The nearest lines are ${near.from} to ${near.to}:\n${near.text}\n`;
  return `the search text is not in the file.${shown === "" ? " " : shown}Copy the lines to replace exactly as read_file shows them.`;
}

function tooMany(text: string, places: readonly Place[]): string {
  const lines = places.slice(0, MAX_LINES_TOLD).map(({ start }) => lineAt(text, start));
  const more = places.length > lines.length ? ", …" : "";
  return `the search text is there ${places.length} times (lines ${lines.join(", ")}${more}). Add lines around it until it is there once, or set all to true.`;
}

function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
