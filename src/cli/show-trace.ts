import type { BuildEvent } from "../base/events.ts";
import type { TracedStep } from "../workflows/trace-steps.ts";
import type { TracedTurn } from "../workflows/trace-task.ts";
import { renderEvent, seconds } from "./render-event.ts";

const OUTPUT_LINES = 12;
const DIFF_LINES = 60;

/** A traced step, with the diff of the files that it wrote. */
export type ShownStep = TracedStep & { readonly diff?: string };

/** One step of a task, for people. `full`: nothing is cut. Pure. */
export function showStep(step: ShownStep, full: boolean): string {
  return `${step.kept === true ? "(kept) " : ""}${textOf(step, full)}`;
}

function textOf(step: ShownStep, full: boolean): string {
  switch (step.kind) {
    case "turn":
      return showTurn(step.turn, full);
    case "files":
      return [`${step.step} wrote`, cut(step.diff ?? "", full ? Infinity : DIFF_LINES)].join("\n");
    case "check":
      return showCheck(step, full);
    case "event":
      return step.event.type === "edge-taken" ? edgeText(step.event, step.why) : (renderEvent(step.event) ?? "");
  }
}

function edgeText(
  { graph, from, to, on }: Extract<BuildEvent, { type: "edge-taken" }>,
  why: string | undefined,
): string {
  return `${graph}: ${from} → ${to}, on ${on}${why === undefined || why === "" ? "" : `: ${why}`}`;
}

function showCheck({ step, ok, output, passed }: Extract<TracedStep, { kind: "check" }>, full: boolean): string {
  const ended = ok === undefined ? "not finished" : ok ? "ok" : "red";
  const counts = passed === 0 ? "" : ` · ${passed} passed`;
  const wrong = output.map((text) => cut(text, full ? Infinity : OUTPUT_LINES).replaceAll(/^/gm, "  "));
  return [`${step} · ${ended}${counts}`, ...wrong].join("\n");
}

function cut(text: string, most: number): string {
  const lines = text.trimEnd().split("\n");
  return lines.length <= most
    ? lines.join("\n")
    : [...lines.slice(0, most), `… ${lines.length - most} more lines (--full)`].join("\n");
}

function showTurn(turn: TracedTurn, full: boolean): string {
  const { prompt, usage } = turn;
  const attempts = turn.attempts === 1 ? "" : ` · attempt ${turn.attempts}`;
  const lines = [`${turn.step} · ${turn.role} · ${turn.model}${attempts} · ${seconds(turn.durationMs)}`];
  if (prompt !== undefined) {
    const parts = prompt.parts.map(({ part, tokens }) => `${part} ${tokens}`).join(" · ");
    lines.push(`  prompt ${prompt.exact ? "" : "at most "}${prompt.tokens} tokens: ${parts}`);
    lines.push(`  cache  ${usage.cachedTokens} of ${usage.promptTokens} tokens were known already`);
  }
  lines.push(`  reply  ${usage.outputTokens} tokens, ended by ${turn.finish}`);
  if (turn.compacted !== undefined) {
    const { tokensBefore, shortened } = turn.compacted;
    const what = shortened.map(({ part, from, to }) => `${part} ${from} → ${to}`).join(", ");
    lines.push(`  shortened from ${tokensBefore} tokens, in characters: ${what}`);
  }
  if (turn.rejected !== undefined) lines.push(`  the reply could not be used: ${turn.rejected}`);
  if (prompt !== undefined) lines.push("── prompt as sent ──", promptText(prompt, full));
  if (turn.reasoning !== undefined) lines.push("── reasoning ──", turn.reasoning);
  lines.push("── reply ──", turn.reply);
  return lines.join("\n");
}

/** What was sent before is printed with the turn that sent it first. */
function promptText({ text, extends: same, extendsWhole }: NonNullable<TracedTurn["prompt"]>, full: boolean): string {
  if (full || same === 0) return text;
  const before = extendsWhole ? "the whole prompt of the turn before" : "that of the turn before up to there";
  return `[${same} characters: ${before}]\n${text.slice(same)}`;
}
