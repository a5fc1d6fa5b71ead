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

/** A test may stand so deep in others; what is deeper counts as if it stood there. */
const MAX_DEPTH = 100;

type End = { readonly package: string; readonly name: string; readonly outcome: ToldTest["outcome"] };

/** Reads the events of `go test -json`. A test with subtests is told by those, unless it failed by itself. Pure. */
export function readGoTests(stdout: string): readonly ToldTest[] {
  const outputs = new Map<string, string[]>();
  const ends: End[] = [];
  for (const line of stdout.split("\n")) {
    const event = readEvent(line);
    if (event === undefined || event.Test === "") continue;
    const outcome = OUTCOMES[event.Action];
    if (outcome !== undefined) ends.push({ package: event.Package, name: event.Test, outcome });
    const key = keyOf(event.Package, event.Test);
    const own = outputs.get(key) ?? [];
    outputs.set(key, own);
    if (event.Action === "output" && !FRAMING.test(event.Output)) own.push(event.Output);
  }
  const words = new Map<string, string>();
  const ownWords = (key: string): string => {
    const said = words.get(key) ?? trimmed(outputs.get(key) ?? []);
    words.set(key, said);
    return said;
  };
  return toldOf(ends).map((end) => {
    if (end.outcome !== "failed") return { ...end, message: "" };
    // A panic ends the test above with the subtest, and is told of that.
    const places = [end.name, ...above(end.name).toReversed()].map((name) => keyOf(end.package, name));
    return { ...end, message: places.map(ownWords).find((said) => said !== "") ?? "" };
  });
}

/** Those that tell something of their own, in the same order. Pure; looks at each a few times, however many they are. */
export function toldOf(all: readonly End[]): readonly End[] {
  const ends = all.map(({ package: inPackage, name, outcome }) => ({ package: inPackage, name, outcome }));
  const holding = new Map<string, { failed: boolean }>();
  for (const { package: inPackage, name, outcome } of ends)
    for (const holder of above(name)) {
      const key = keyOf(inPackage, holder);
      const known = holding.get(key) ?? { failed: false };
      known.failed ||= outcome === "failed";
      holding.set(key, known);
    }
  return ends.filter(({ package: inPackage, name, outcome }) => {
    const below = holding.get(keyOf(inPackage, name));
    return below === undefined || (outcome !== "passed" && !below.failed);
  });
}

/** The tests that a subtest stands in, the outermost first. */
function above(name: string): readonly string[] {
  const parts = name.split("/", MAX_DEPTH);
  const whole = parts.join("/") === name;
  return parts.slice(0, whole ? -1 : undefined).map((_, index) => parts.slice(0, index + 1).join("/"));
}

function keyOf(inPackage: string, name: string): string {
  return `${inPackage} ${name}`;
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
