import { probeModel, type ProbeReport } from "../agents/probe-model.ts";
import { storeProbe } from "../agents/stored-probe.ts";
import { EXIT } from "../base/errors.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { withModel } from "./with-model.ts";

const PROGRESS_MS = 2000;

/** `atos models probe MODEL`: what a model can do, kept for those who choose models. */
export async function runModelsProbeCommand(text: string, output: Output): Promise<number> {
  return withModel(text, output, async ({ model, source }, signal) => {
    let toldAt = 0;
    const progress = (done: number, total: number, what: string): void => {
      if (performance.now() - toldAt < PROGRESS_MS) return;
      toldAt = performance.now();
      output.note(`${done} of ${total}: ${what}`);
    };
    const report = await probeModel(model, { nowMs: () => performance.now(), progress }, signal);
    const path = await storeProbe(commandContext().folder.probes, source, { report, at: new Date() });
    output.emit({ model: source.id, path, report });
    output.say(reportLines(source.id, report).join("\n"));
    return EXIT.done;
  });
}

function reportLines(id: string, report: ProbeReport): readonly string[] {
  const { promptTokensPerSecond, outputTokensPerSecond, thinking } = report;
  const formats = report.formats.map(({ format, right, of, wrong }) => {
    const best = format === report.best && right > 0 ? " ← best" : "";
    return `  ${format.padEnd(16)} ${right} of ${of}${best}${wrong.length === 0 ? "" : `  (${wrong.join("; ")})`}`;
  });
  return [
    `${id}: score ${report.score}`,
    "tool calls, right ones by format:",
    ...formats,
    `keeps to a JSON schema        ${yes(report.followsSchema)}`,
    `keeps to it when forced       ${yes(report.followsForcedSchema)}`,
    `stops by itself               ${yes(report.stops)}`,
    `heeds its system prompt       ${yes(report.honoursSystemPrompt)}`,
    `thinks when told to           ${yes(thinking?.on)}`,
    `leaves it when told to        ${yes(thinking?.off)}`,
    `tokens a second               prompt ${promptTokensPerSecond}, reply ${outputTokensPerSecond}`,
  ];
}

function yes(found: boolean | undefined): string {
  return found === undefined ? "can't be asked of this model" : found ? "yes" : "no";
}
