import type { FileCoverage } from "../test-report.ts";

/** Lines by whether they were reached; a line of several blocks was if one of them was. */
type Lines = Map<number, boolean>;

/**
 * The coverage of `sources` out of a report in the form of Go (`-coverprofile`) or of lcov. A file that the report says
 * nothing of is left away. Pure.
 */
export function readCoverage(
  text: string,
  form: "go-cover" | "lcov",
  sources: readonly string[],
): readonly FileCoverage[] {
  const byFile = new Map<string, Lines>();
  const linesOf = (named: string): Lines => {
    const file = sources.filter((path) => named === path || named.endsWith(`/${path}`)).toSorted(longestFirst)[0];
    const lines = (file === undefined ? undefined : byFile.get(file)) ?? new Map<number, boolean>();
    if (file !== undefined) byFile.set(file, lines);
    return lines;
  };
  const reached = (lines: Lines, line: number, count: number): void => {
    lines.set(line, count > 0 || lines.get(line) === true);
  };
  let current: Lines = new Map();
  for (const line of text.split("\n")) {
    const block = /^(.+):(\d+)\.\d+,(\d+)\.\d+ \d+ (\d+)$/.exec(line);
    if (form === "go-cover" && block !== null) {
      const [, file = "", first, last, count] = block;
      const lines = linesOf(file);
      for (let at = Number(first); at <= Math.min(Number(last), Number(first) + 10_000); at++)
        reached(lines, at, Number(count));
    }
    if (form !== "lcov") continue;
    if (line.startsWith("SF:")) current = linesOf(line.slice(3).trim());
    const counted = /^DA:(\d+),(\d+)/.exec(line);
    if (counted !== null) reached(current, Number(counted[1]), Number(counted[2]));
  }
  return [...byFile]
    .map(([path, lines]) => ({
      path,
      lines: lines.size,
      covered: [...lines.values()].filter((one) => one).length,
    }))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function longestFirst(one: string, other: string): number {
  return other.length - one.length;
}
