import { AtosError, usageError } from "../base/errors.ts";
import { type Build, buildUsingDirectory } from "../store/builds.ts";
import { type Effect, listEffects } from "../store/effects.ts";
import { listTasks, type Task } from "../store/tasks.ts";
import { buildRequestSchema } from "../workflows/build-request.ts";
import { checkOutDirectory } from "../workflows/check-out-directory.ts";
import { forkBuild } from "../workflows/fork-build.ts";
import { retrySteps, stepNamed } from "../workflows/named-steps.ts";
import { chosenBuild } from "./chosen-build.ts";
import { type CommandContext, commandContext } from "./context.ts";
import { counted } from "./counted.ts";
import { requireTask, tasksOf } from "./debug-tasks.ts";
import { finish } from "./finish.ts";
import { followBuild } from "./follow.ts";
import { newBuildId } from "./new-build-id.ts";
import type { Output } from "./output.ts";
import { readSeed, SEEDS } from "./read-seed.ts";
import { showPath } from "./show-path.ts";
import { connect, type Connection } from "./worker-client.ts";

export type ForkFlags = {
  readonly task: string | undefined;
  readonly from: string;
  readonly build?: string;
  readonly seed?: string;
  readonly out?: string;
};

export type RetryFlags = { readonly build?: string; readonly out?: string };

/** Beyond what samples of the same seed draw: see `openConversation`. */
const SEEDS_APART = 10_007;
const MOST_FOLDERS = 100;

type Chosen = { readonly steps: readonly string[]; readonly seed: number | undefined };

/** `atos debug TASK --from STEP`: a new build that goes on from inside of another one. */
export async function runForkCommand(flags: ForkFlags, output: Output): Promise<number> {
  const { task, from } = flags;
  const seed = flags.seed === undefined ? undefined : readSeed(flags.seed);
  return forked(flags, output, async ({ db }, build) => {
    const effects = await listEffects(db, build.id);
    if (task !== undefined) requireTask(build.id, tasksOf(effects), task);
    return { steps: [stepNamed(effects, { task, step: from })], seed };
  });
}

/** `atos retry TASK`: a red task once more, with another seed. */
export async function runRetryCommand(task: string, flags: RetryFlags, output: Output): Promise<number> {
  return forked(flags, output, async ({ db }, build) => {
    if (build.state !== "red" && build.state !== "cancelled" && build.state !== "green")
      throw usageError(
        "cli/not-finished",
        `build ${build.id} is ${build.state}; only a task of a finished build is tried again. Go on with it: atos resume ${build.id}`,
      );
    const [effects, tasks] = [await listEffects(db, build.id), await listTasks(db, build.id)];
    const { steps, why } = retrySteps(effects, tasks.map(asLeft), task);
    if (why !== undefined) throw notRetried(build.id, { why, task, tasks: tasks.map(({ id }) => id), effects });
    const { seed } = buildRequestSchema.pick({ seed: true }).parse(build.request);
    return { steps, seed: (seed + SEEDS_APART) % SEEDS };
  });
}

/** Rows of a build that was ended keep what they were: what was at work was not done, and what waited was never begun. */
function asLeft(task: Task): Task {
  const states = { running: "red", waiting: "skipped" } as const;
  return task.state === "running" || task.state === "waiting" ? { ...task, state: states[task.state] } : task;
}

type NotRetried = {
  readonly why: string;
  readonly task: string;
  readonly tasks: readonly string[];
  readonly effects: readonly Effect[];
};

function notRetried(build: string, { why, task, tasks, effects }: NotRetried): AtosError {
  const known = [...new Set([...tasks, ...tasksOf(effects)])];
  const see = known.includes(task)
    ? `What can be done again: atos debug ${task} --build ${build} shows its steps, and --from STEP begins at one`
    : `Those of build ${build} are ${known.join(", ") || "none"}`;
  return usageError("cli/not-retried", `${why}. ${see}`);
}

/** Queues the fork that `choose` decides on, says what it keeps, and follows it to its end. */
async function forked(
  { build: named, out }: RetryFlags,
  output: Output,
  choose: (connection: Connection, build: Build) => Promise<Chosen>,
): Promise<number> {
  const context = commandContext();
  const id = await queueFork(context, output, async (connection) => {
    const build = await chosenBuild(connection.db, named);
    if (build.worker !== connection.workerId)
      throw usageError(
        "cli/other-installation",
        `build ${build.id} belongs to another installation that shares this database; ask there`,
      );
    const { steps, seed } = await choose(connection, build);
    const at = new Date();
    const outDirectory = await outDirectoryOf(connection, context, { build, out });
    const made = await forkBuild(connection.db, {
      build,
      steps,
      ...(seed === undefined ? {} : { seed }),
      outDirectory,
      id: newBuildId(at),
      worker: connection.workerId,
      canAsk: !output.json && Boolean(process.stdin.isTTY) && Boolean(process.stdout.isTTY),
      at,
    });
    output.emit({ type: "build-queued", build: made.build.id, outDirectory, forkedFrom: build.id });
    output.say(
      `build ${made.build.id} → ${showPath(outDirectory)}\nkeeps ${counted(made.kept.length, "finished step")} of ${build.id}, which stays as it is, and goes on without its limits\n`,
    );
    return made.build.id;
  });
  return finish(output, await followBuild(context, output, { buildId: id, fromSeq: 0 }), id);
}

async function queueFork(
  context: CommandContext,
  output: Output,
  queue: (connection: Connection) => Promise<string>,
): Promise<string> {
  await using connection = await connect(context, output.note);
  return await queue(connection);
}

/** The folder that was named, or one beside the old build's. What works on a repository goes there again, on a branch of its own. */
async function outDirectoryOf(
  { db, workerId: worker }: Connection,
  { folder }: CommandContext,
  { build, out }: { readonly build: Build; readonly out: string | undefined },
): Promise<string> {
  const { repository } = buildRequestSchema.pick({ repository: true }).parse(build.request);
  if (repository !== undefined) {
    if (out === undefined) return build.outDirectory;
    throw usageError("cli/bad-debug", `build ${build.id} works on a repository, and so does its fork: leave out --out`);
  }
  if (out !== undefined) return checkOutDirectory(out, folder.root);
  for (let number = 1; number <= MOST_FOLDERS; number++) {
    const wanted = `${build.outDirectory}-fork${number === 1 ? "" : `-${number}`}`;
    const fit = await checkOutDirectory(wanted, folder.root).catch((error: unknown) => {
      if (error instanceof AtosError && error.code === "workflows/bad-directory") return undefined;
      throw error;
    });
    if (fit !== undefined && (await buildUsingDirectory(db, { worker, outDirectory: fit })) === undefined) return fit;
  }
  throw usageError(
    "cli/no-out",
    `${build.outDirectory}-fork and ${MOST_FOLDERS - 1} others like it are in use; say where the repository shall go: --out DIR`,
  );
}
