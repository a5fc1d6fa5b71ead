import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtosError, EXIT } from "../base/errors.ts";
import { type Build, insertBuild, setWish } from "../store/builds.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { BuildRequest } from "../workflows/build-request.ts";
import { type BuildWish, prepareBuild } from "../workflows/prepare-build.ts";
import type { Solution, Solve, Way } from "../workflows/eval/eval-result.ts";
import { readFolder } from "../workflows/eval/read-folder.ts";
import type { CommandContext } from "./context.ts";
import { type Followed, followBuild } from "./follow.ts";
import { newBuildId } from "./new-build-id.ts";
import type { Output } from "./output.ts";
import { countSwaps } from "./swap-timeline.ts";
import { connect } from "./worker-client.ts";

export type SolveDeps = {
  readonly context: CommandContext;
  /** What is the same for every task. */
  readonly wish: Omit<BuildWish, "goal" | "out" | "shape" | "createdAtMs">;
  readonly note: (text: string) => void;
  readonly nowMs: () => number;
};

const EMPTY = { turns: 0, promptTokens: 0, outputTokens: 0, swaps: 0, files: [] };

/** Goals that are refused before any work throw this, with exit 3; in an evaluation they are an outcome. */
const REFUSED = "workflows/outside-domain";

/**
 * Solves tasks by builds of this installation's worker: `team` by ordinary ones, `single` by ones of that shape.
 * Each delivers to a folder of its own that goes again.
 *
 * It throws `cli/eval-stopped` when a build parks. That build is cancelled: the task is begun anew.
 */
export function solveByBuild(deps: SolveDeps): Solve {
  return async (way, { goal }, signal) => {
    const folder = await mkdtemp(join(tmpdir(), "atos-eval-"));
    const startedMs = deps.nowMs();
    try {
      const solved = await solve(deps, { way, goal, out: join(folder, "out") }, signal);
      return { ...solved, durationMs: Math.round(deps.nowMs() - startedMs) };
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  };
}

type Wish = { readonly way: Way; readonly goal: string; readonly out: string };

async function solve(deps: SolveDeps, wish: Wish, signal: AbortSignal): Promise<Omit<Solution, "durationMs">> {
  const request = await requestOf(deps, wish);
  if ("refused" in request) return { ...EMPTY, outcome: "refused", why: request.refused };
  signal.throwIfAborted();
  const buildId = await queue(deps, request.request);
  // The one that shows nothing; a build's first Ctrl-C pauses it, here as everywhere.
  const quiet: Output = { json: true, say: () => {}, emit: () => {}, note: deps.note };
  const followed = await followBuild(deps.context, quiet, { buildId, fromSeq: 0 });
  if (followed.kind === "left" || followed.build.state === "paused") throw await stopped(deps, followed, buildId);
  const { build, events } = followed;
  return {
    ...costOf(events),
    outcome: outcomeOf(wish.way, build),
    why: whyOf(events),
    build: buildId,
    files: await readFolder(build.outDirectory),
  };
}

async function requestOf(
  deps: SolveDeps,
  { way, goal, out }: Wish,
): Promise<{ request: BuildRequest } | { refused: string }> {
  try {
    const { request } = await prepareBuild({ ...deps.wish, goal, out, shape: way, createdAtMs: Date.now() });
    return { request };
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== REFUSED) throw error;
    // Its first line; what the model can do instead is told nobody here.
    return { refused: (error.message.split("\n")[0] ?? "").replace(/:$/, "") };
  }
}

async function queue({ context, note }: SolveDeps, request: BuildRequest): Promise<string> {
  await using connection = await connect(context, note);
  const at = new Date(request.createdAtMs);
  const id = newBuildId(at);
  const { goal, outDirectory } = request;
  await insertBuild(connection.db, {
    id,
    goal,
    request,
    evaluation: true,
    worker: connection.workerId,
    outDirectory,
    at,
  });
  return id;
}

/** Nobody goes on with a build whose folder goes: it is cancelled. Returns what to throw. */
async function stopped({ context, note }: SolveDeps, followed: Followed, buildId: string): Promise<AtosError> {
  await using connection = await connect(context, note);
  await setWish(connection.db, { id: buildId, wish: "cancel", at: new Date() });
  const exitCode = followed.kind === "left" ? undefined : followed.position.pauseExitCode;
  if (followed.kind === "left" || exitCode === undefined || exitCode === EXIT.interrupted)
    return new AtosError("cli/interrupted", "interrupted; the results so far are kept, --resume goes on", {
      exitCode: EXIT.interrupted,
    });
  const why = followed.events.findLast(({ event }) => event.type === "build-paused")?.event;
  return new AtosError(
    "cli/eval-stopped",
    `a build of the evaluation could not go on: ${why?.type === "build-paused" ? why.why : "it was paused"}. The results so far are kept: put it right, then go on with --resume`,
    { exitCode: exitCode === EXIT.missing ? EXIT.missing : exitCode === EXIT.usage ? EXIT.usage : EXIT.failed },
  );
}

/** One reply has no tests of its own: it says nothing of itself, and is recorded as red. */
function outcomeOf(way: Way, { state }: Build): Solution["outcome"] {
  if (state === "refused" || (way === "team" && (state === "green" || state === "red"))) return state;
  return "none";
}

function whyOf(events: readonly RecordedEvent[]): string {
  const last = events.findLast(({ event }) => event.type === "build-finished")?.event;
  return last?.type === "build-finished" ? last.why : "";
}

function costOf(events: readonly RecordedEvent[]): Pick<Solution, "turns" | "promptTokens" | "outputTokens" | "swaps"> {
  const usages = events.flatMap(({ event }) => (event.type === "turn-finished" ? [event.usage] : []));
  return {
    turns: usages.length,
    promptTokens: usages.reduce((sum, usage) => sum + usage.promptTokens, 0),
    outputTokens: usages.reduce((sum, usage) => sum + usage.outputTokens, 0),
    swaps: countSwaps(events).loads,
  };
}
