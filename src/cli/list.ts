import { EXIT, usageError } from "../base/errors.ts";
import { listBuilds } from "../store/builds.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { showPath } from "./show-path.ts";
import { connect } from "./worker-client.ts";

/** `atos list`: the newest builds. */
export async function runListCommand(limitText: string, output: Output): Promise<number> {
  const limit = Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw usageError(
      "cli/bad-limit",
      `--limit must be a whole number from 1 to 1000, not ${JSON.stringify(limitText)}`,
    );
  await using connection = await connect(commandContext(), output.note);
  const builds = await listBuilds(connection.db, limit);
  output.emit(
    builds.map(({ id, state, goal, outDirectory, createdAt }) => ({ id, state, goal, outDirectory, createdAt })),
  );
  if (builds.length === 0) output.say('no builds yet; start one: atos build "…" --out DIR');
  for (const build of builds) {
    const goal = build.goal.split("\n")[0] ?? "";
    output.say(
      `${build.id}  ${build.state.padEnd(9)}  ${goal.length > 60 ? `${goal.slice(0, 59)}…` : goal}  → ${showPath(build.outDirectory)}`,
    );
  }
  return EXIT.done;
}
