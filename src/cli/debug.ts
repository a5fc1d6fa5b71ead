import { EXIT, usageError } from "../base/errors.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { listEffects } from "../store/effects.ts";
import { type TracedTurn, traceTask } from "../workflows/trace-task.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { connect } from "./worker-client.ts";

/** `atos debug [TASK]`: every turn of one task from the inside; without one, which there are. */
export async function runDebugCommand(
  task: string | undefined,
  flags: { readonly build?: string; readonly full?: boolean },
  output: Output,
): Promise<number> {
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const { id } = await chosenBuild(db, flags.build);
  const effects = await listEffects(db, id);
  const tasks = [...new Set(effects.filter(({ kind }) => kind === "turn").map((effect) => effect.task))];
  if (task === undefined) {
    output.emit({ build: id, tasks });
    output.say(
      `build ${id} asked models for: ${tasks.join(", ") || "nothing yet"}\nLook at one: atos debug ${tasks[0] ?? "TASK"}`,
    );
    return EXIT.done;
  }
  if (!tasks.includes(task))
    throw usageError(
      "cli/no-such-task",
      `the build ${id} has asked no model for a task ${task}; those it has are ${tasks.join(", ") || "none yet"}`,
    );
  const turns = traceTask({ events: await allBuildEvents(db, id), effects }, task);
  output.emit({ build: id, task, turns });
  output.say(`build ${id} · task ${task} · ${turns.length} turn${turns.length === 1 ? "" : "s"}`);
  for (const turn of turns) output.say(`\n${showTurn(turn, flags.full ?? false)}`);
  return EXIT.done;
}

function showTurn(turn: TracedTurn, full: boolean): string {
  const { prompt, usage } = turn;
  const attempts = turn.attempts === 1 ? "" : ` · attempt ${turn.attempts}`;
  const lines = [`${turn.step} · ${turn.role} · ${turn.model}${attempts} · ${(turn.durationMs / 1000).toFixed(1)} s`];
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
