import { EXIT } from "../base/errors.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { listTasks } from "../store/tasks.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { renderEvent } from "./render-event.ts";
import { showPath } from "./show-path.ts";
import { countSwaps, swapTimeline } from "./swap-timeline.ts";
import { terminalWidth } from "./terminal-width.ts";
import { connect } from "./worker-client.ts";

const LAST_LINES = 8;
const SIGNS = { waiting: "○", running: "●", green: "✔", red: "✘", skipped: "–" } as const;

/** `atos status [ID]`: one build, its tasks and what happened last; the newest one if none is named. */
export async function runStatusCommand(id: string | undefined, output: Output): Promise<number> {
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const build = await chosenBuild(db, id);
  const tasks = await listTasks(db, build.id);
  const events = await allBuildEvents(db, build.id);
  const usage = events.flatMap(({ event }) => (event.type === "turn-finished" ? [event.usage] : []));
  const tokens = {
    prompt: usage.reduce((sum, one) => sum + one.promptTokens, 0),
    output: usage.reduce((sum, one) => sum + one.outputTokens, 0),
  };
  const { goal, state, outDirectory, createdAt, updatedAt, result } = build;
  output.emit({
    id: build.id,
    state,
    goal,
    outDirectory,
    createdAt,
    updatedAt,
    turns: usage.length,
    tokens,
    tasks: tasks.map((task) => ({
      id: task.id,
      state: task.state,
      tier: task.tier,
      files: task.files,
      after: task.after,
      description: task.description,
    })),
    result,
    swaps: countSwaps(events),
  });
  output.say(
    `${build.id}  ${state}  ${goal.split("\n")[0] ?? ""}\n→ ${showPath(outDirectory)} · ${usage.length} turns · ${tokens.prompt} + ${tokens.output} tokens`,
  );
  for (const task of tasks)
    output.say(`${SIGNS[task.state]} ${task.state.padEnd(8)} ${task.id} (${task.tier}): ${task.description}`);
  const lines = events.flatMap(({ event }) => renderEvent(event) ?? []);
  output.say(`\n${lines.slice(-LAST_LINES).join("\n")}`);
  const timeline = swapTimeline(events, terminalWidth());
  if (timeline.length > 0) output.say(`\n${timeline.join("\n")}`);
  if (state === "paused") output.say(`\nGo on: atos resume ${build.id}`);
  return EXIT.done;
}
