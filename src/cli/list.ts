import { EXIT, usageError } from "../base/errors.ts";
import { commandContext } from "./context.ts";
import { type ListedBuild, newestBuilds } from "../store/newest-builds.ts";
import type { Output } from "./output.ts";
import { showPath } from "./show-path.ts";
import { terminalWidth } from "./terminal-width.ts";
import { connect } from "./worker-client.ts";

const LEAST_GOAL_CHARS = 20;
const MOST_GOAL_CHARS = 60;

export type ListFlags = { readonly limit: string; readonly all?: boolean };

/** `atos list`: the newest builds; with `--all` also those that `atos eval` made. */
export async function runListCommand({ limit: limitText, all = false }: ListFlags, output: Output): Promise<number> {
  const limit = Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw usageError(
      "cli/bad-limit",
      `--limit must be a whole number from 1 to 1000, not ${JSON.stringify(limitText)}`,
    );
  await using connection = await connect(commandContext(), output.note);
  const builds = await newestBuilds(connection.db, { limit, all });
  output.emit(builds.map(({ evaluation, ...build }) => ({ ...build, ...(evaluation ? { evaluation } : {}) })));
  if (builds.length === 0) output.say('no builds yet; start one: atos build "…" --out DIR');
  for (const build of builds)
    output.say(listLine(build, process.stdout.isTTY ? terminalWidth() : Number.POSITIVE_INFINITY));
  return EXIT.done;
}

/** One build in one line, which fits `width` columns if the goal can be cut for it. Pure. */
export function listLine({ id, state, goal, outDirectory, evaluation }: ListedBuild, width: number): string {
  const begin = `${id}  ${state.padEnd(9)}  ${evaluation ? "eval: " : ""}`;
  const end = `  → ${showPath(outDirectory)}`;
  const room = Math.min(MOST_GOAL_CHARS, Math.max(LEAST_GOAL_CHARS, width - begin.length - end.length));
  const [first = ""] = goal.split("\n");
  return `${begin}${first.length > room ? `${first.slice(0, room - 1)}…` : first}${end}`;
}
