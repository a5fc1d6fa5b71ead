import { EXIT, usageError } from "../base/errors.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { Workspaces } from "../journal/workspaces.ts";
import { listEffects } from "../store/effects.ts";
import { type TracedStep, traceSteps } from "../workflows/trace-steps.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import { requireTask, tasksOf } from "./debug-tasks.ts";
import type { Output } from "./output.ts";
import { type ShownStep, showStep } from "./show-trace.ts";
import { connect } from "./worker-client.ts";

export type DebugFlags = {
  readonly build?: string;
  readonly full?: boolean;
  readonly graph?: boolean;
  readonly from?: string;
  readonly seed?: string;
  readonly out?: string;
  readonly replay?: boolean;
};

const MOST_DIFF_BYTES = 1 << 20;

/** `atos debug [TASK]`: one task from the inside, or which there are; what else it can do is in files of its own. */
export async function runDebugCommand(task: string | undefined, flags: DebugFlags, output: Output): Promise<number> {
  refuseMixedFlags(task, flags);
  if (flags.graph === true) return (await import("./debug-graph.ts")).runDebugGraph(task, flags, output);
  if (flags.replay === true) return (await import("./debug-replay.ts")).runDebugReplay(flags, output);
  if (flags.from !== undefined)
    return (await import("./fork.ts")).runForkCommand({ ...flags, task, from: flags.from }, output);
  return showTask(task, flags, output);
}

function refuseMixedFlags(task: string | undefined, { graph, replay, from, seed, out }: DebugFlags): void {
  const kinds = [graph === true && "--graph", replay === true && "--replay", from !== undefined && "--from"].filter(
    Boolean,
  );
  if (kinds.length > 1) throw usageError("cli/bad-debug", `give one of ${kinds.join(", ")}`);
  if (from === undefined && (seed !== undefined || out !== undefined))
    throw usageError("cli/bad-debug", "--seed and --out belong to a fork: give --from STEP too");
  if (replay === true && task !== undefined)
    throw usageError("cli/bad-debug", "--replay is of a whole build: name no task, and the build with --build");
}

async function showTask(task: string | undefined, flags: DebugFlags, output: Output): Promise<number> {
  const context = commandContext();
  await using connection = await connect(context, output.note);
  const { db } = connection;
  const { id } = await chosenBuild(db, flags.build);
  const effects = await listEffects(db, id);
  const tasks = tasksOf(effects);
  if (task === undefined) {
    output.emit({ build: id, tasks });
    output.say(
      `build ${id} has steps of: ${tasks.join(", ") || "nothing yet"}\nLook at one: atos debug ${tasks[0] ?? "TASK"}`,
    );
    return EXIT.done;
  }
  requireTask(id, tasks, task);
  const traced = traceSteps({ events: await allBuildEvents(db, id), effects }, task);
  const steps = await withDiffs(Workspaces.look(context.folder.workspaces), traced);
  const turns = steps.flatMap((step) => (step.kind === "turn" ? [step.turn] : []));
  output.emit({ build: id, task, turns, steps });
  output.say(`build ${id} · task ${task} · ${turns.length} turn${turns.length === 1 ? "" : "s"}`);
  for (const step of steps) output.say(`\n${showStep(step, flags.full ?? false)}`);
  return EXIT.done;
}

async function withDiffs(workspaces: Workspaces, steps: readonly TracedStep[]): Promise<readonly ShownStep[]> {
  const shown: ShownStep[] = [];
  for (const step of steps)
    shown.push(
      step.kind === "files" ? { ...step, diff: await workspaces.diff(step.from, step.tree, MOST_DIFF_BYTES) } : step,
    );
  return shown;
}
