import { z } from "zod";
import type { ToldTest } from "./command-report.ts";

const eventSchema = z.object({
  Action: z.string(),
  Package: z.string().default(""),
  Test: z.string().default(""),
  Output: z.string().default(""),
});

const OUTCOMES: Readonly<Record<string, ToldTest["outcome"]>> = { pass: "passed", fail: "failed", skip: "skipped" };
/** What `go test` itself says around a test's own words. */
const FRAMING = /^\s*(?:=== (?:RUN|PAUSE|CONT|NAME)|--- (?:PASS|FAIL|SKIP): )/;

/** Reads the events of `go test -json`. A test with subtests is told by those, unless it failed by itself. Pure. */
export function readGoTests(stdout: string): readonly ToldTest[] {
  const outputs = new Map<string, string[]>();
  const ends: { readonly package: string; readonly name: string; readonly outcome: ToldTest["outcome"] }[] = [];
  const key = (inPackage: string, name: string): string => `${inPackage} ${name}`;
  for (const line of stdout.split("\n")) {
    const event = readEvent(line);
    if (event === undefined || event.Test === "") continue;
    const outcome = OUTCOMES[event.Action];
    if (outcome !== undefined) ends.push({ package: event.Package, name: event.Test, outcome });
    const own = outputs.get(key(event.Package, event.Test)) ?? [];
    outputs.set(key(event.Package, event.Test), own);
    if (event.Action === "output" && !FRAMING.test(event.Output)) own.push(event.Output);
  }
  const wordsOf = (inPackage: string, name: string): string => {
    const own = trimmed(outputs.get(key(inPackage, name)) ?? []);
    const above = name.lastIndexOf("/");
    // A panic ends the test above with the subtest, and is told of that.
    return own === "" && above > 0 ? wordsOf(inPackage, name.slice(0, above)) : own;
  };
  const isTold = (end: (typeof ends)[number]): boolean => {
    const below = ends.filter((other) => other.package === end.package && other.name.startsWith(`${end.name}/`));
    if (below.length === 0) return true;
    return end.outcome !== "passed" && below.every(({ outcome }) => outcome !== "failed");
  };
  return ends.filter(isTold).map((end) => ({
    ...end,
    message: end.outcome === "failed" ? wordsOf(end.package, end.name) : "",
  }));
}

/** A test's own words: of a panic its first line and its stack, else all lines, without their margin. */
function trimmed(lines: readonly string[]): string {
  const all = lines.join("").split("\n");
  const panic = all.findIndex((line) => line.startsWith("panic: "));
  const own = panic < 0 ? all : all.slice(panic).map((line) => line.replace(/ \[recovered.*\]$/, ""));
  return own
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

function readEvent(line: string): z.infer<typeof eventSchema> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return eventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
