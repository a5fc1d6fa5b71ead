// A node:test reporter that prints one JSON line behind the mark in ATOS_REPORT_MARK.
import { readFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { setTimeout } from "node:timers/promises";

const NOT_RUN = new Set(["hookFailed", "cancelledByParent"]);
/** Given to what the tests left running, for it to end or to fail. */
const LINGER_MS = 1000;
const STEP_MS = 50;
// When this is loaded; the report itself is asked for only after the first test.
const BEFORE = process.getActiveResourcesInfo();

export default async function* report(source) {
  const tests = [];
  const started = performance.now();
  let coverage;
  for await (const { type, data } of source) {
    if (type === "test:coverage") coverage = coverageOf(data.summary.files);
    const test = type === "test:diagnostic" ? lateError(data.message) : testOf(type, data);
    if (test !== undefined) tests.push(test);
  }
  const durationMs = Math.round(performance.now() - started);
  // Node itself no longer listens, and with --test-force-exit would end the process now: the error would go unseen.
  process.on("uncaughtException", (error) => {
    process.exitCode = 1;
    tests.push(afterTheTests(wordsOf(error)));
  });
  for (let waited = 0; waited < LINGER_MS && leftOpen().length > 0; waited += STEP_MS) await setTimeout(STEP_MS);
  const value = { runner: "node:test", tests, durationMs, leftOpen: leftOpen(), coverage };
  yield `\n${process.env.ATOS_REPORT_MARK}${JSON.stringify(value)}\n`;
}

function testOf(type, data) {
  if (type !== "test:pass" && type !== "test:fail") return undefined;
  const skipped = Boolean(data.skip || data.todo);
  // A suite that was run is told by its tests; one that was skipped has none to tell it.
  if (data.details?.type === "suite" && type === "test:pass" && !skipped) return undefined;
  const file = data.file === undefined ? "" : relative(process.cwd(), data.file);
  const isFile = file !== "" && data.nesting === 0 && (data.name === file || data.name === basename(file));
  // A file without tests is told as one that passed.
  if (type === "test:pass" && isFile) return undefined;
  const error = data.details?.error;
  // A failed suite only repeats what its tests said.
  if (error?.failureType === "subtestsFailed") return undefined;
  const cause = error?.cause instanceof Error ? error.cause : error;
  const outcome = type === "test:fail" ? "failed" : skipped ? "skipped" : "passed";
  // It never came to its own lines: the file was not loaded, or what goes before it failed.
  const kept = isFile || NOT_RUN.has(error?.failureType);
  return {
    file,
    name: data.name,
    outcome,
    message: outcome === "failed" && error !== undefined ? wordsOf(cause) : "",
    error: outcome === "failed" && kept,
    at: outcome === "failed" ? placeOf(cause) : undefined,
  };
}

/** The first place of the stack, and with it the deepest, that is the project's own. */
function placeOf(error) {
  const folder = `${process.cwd()}/`;
  for (const [, place, line] of String(error?.stack ?? "").matchAll(/(?:file:\/\/)?(\/[^\n():]+):(\d+):\d+/g)) {
    const path = place.includes("%") ? decoded(place) : place;
    if (path.startsWith(folder) && !path.includes("/node_modules/"))
      return { file: path.slice(folder.length), line: Number(line) };
  }
  return undefined;
}

function decoded(place) {
  try {
    return decodeURIComponent(place);
  } catch {
    return place;
  }
}

/** Of the files that were asked for, also of those that were never loaded. Blank lines are no lines. */
function coverageOf(loaded) {
  return JSON.parse(process.env.ATOS_COVERED_FILES).map((path) => {
    const counts = new Map(
      loaded.find((file) => relative(process.cwd(), file.path) === path)?.lines.map(({ line, count }) => [line, count]),
    );
    const lines = readFileSync(path, "utf8")
      .split("\n")
      .flatMap((text, index) => (text.trim() === "" ? [] : [index + 1]));
    return { path, lines: lines.length, covered: lines.filter((line) => counts.get(line) > 0).length };
  });
}

/** Node tells of an error that came after its test had passed, and counts it for none. */
function lateError(message) {
  return message.includes("generated asynchronous activity after the test ended") ? afterTheTests(message) : undefined;
}

function afterTheTests(message) {
  return { file: "", name: "after the tests", outcome: "failed", message, error: true };
}

function wordsOf(error) {
  return error instanceof Error || typeof error?.message === "string"
    ? `${error.name ?? "Error"}: ${error.message}`
    : `Error: ${String(error)}`;
}

/** What keeps the process from ending, beside what did so before the tests. */
function leftOpen() {
  const known = [...BEFORE];
  return process.getActiveResourcesInfo().filter((name) => {
    const at = known.indexOf(name);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}
