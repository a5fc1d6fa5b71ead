// A node:test reporter that prints one JSON line behind the mark in ATOS_REPORT_MARK.
import { basename, relative } from "node:path";

const NOT_RUN = new Set(["hookFailed", "cancelledByParent"]);

export default async function* report(source) {
  const tests = [];
  const started = performance.now();
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const skipped = Boolean(data.skip || data.todo);
    // A suite that was run is told by its tests; one that was skipped has none to tell it.
    if (data.details?.type === "suite" && type === "test:pass" && !skipped) continue;
    // A file without tests is told as one that passed.
    if (type === "test:pass" && data.nesting === 0 && data.file !== undefined && data.name === basename(data.file))
      continue;
    const error = data.details?.error;
    // A failed suite only repeats what its tests said.
    if (error?.failureType === "subtestsFailed") continue;
    const cause = error?.cause instanceof Error ? error.cause : error;
    const message = error === undefined ? "" : `${cause.name ?? "Error"}: ${cause.message}`;
    const outcome = type === "test:fail" ? "failed" : skipped ? "skipped" : "passed";
    const file = data.file === undefined ? "" : relative(process.cwd(), data.file);
    // It never came to its own lines: the file was not loaded, or what goes before it failed.
    const kept = NOT_RUN.has(error?.failureType) || data.name === file || (file !== "" && data.name === basename(file));
    tests.push({
      file,
      name: data.name,
      outcome,
      message: outcome === "failed" ? message : "",
      error: outcome === "failed" && kept,
    });
  }
  const durationMs = Math.round(performance.now() - started);
  yield `\n${process.env.ATOS_REPORT_MARK}${JSON.stringify({ runner: "node:test", tests, durationMs })}\n`;
}
