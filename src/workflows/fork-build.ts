import { AtosError, usageError } from "../base/errors.ts";
import type { BuildEvent, PlannedTask } from "../base/events.ts";
import { allBuildEvents, appendBuildEvents } from "../journal/build-events.ts";
import { type Build, insertBuild } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { copyEffects, type Effect, listEffects } from "../store/effects.ts";
import { insertTasks, listTasks, setTaskState } from "../store/tasks.ts";
import { type BuildRequest, buildRequestSchema, WORKFLOW_VERSION } from "./build-request.ts";
import { keptEvents } from "./fork-events.ts";
import { keptState, keptSteps } from "./fork-steps.ts";

export type ForkWish = {
  readonly build: Build;
  /** The first steps that the fork does itself: one, or of several strands one each. */
  readonly steps: readonly string[];
  /** Absent: that of the build. It holds for what is asked anew. */
  readonly seed?: number;
  readonly outDirectory: string;
  /** The fork's own. */
  readonly id: string;
  readonly worker: string;
  /** Whether somebody is there to be asked about the plan. */
  readonly canAsk: boolean;
  readonly at: Date;
};

/**
 * Queues a build that has the finished steps of another one up to but without `steps`, and goes on from there. The other
 * build stays as it is.
 *
 * @throws {AtosError} `workflows/no-such-step`, `workflows/other-version`.
 */
export async function forkBuild(
  db: Db,
  wish: ForkWish,
): Promise<{ readonly build: Build; readonly kept: readonly string[] }> {
  const { build, steps, id, worker, outDirectory, at } = wish;
  const old = requestOf(build);
  return db.transaction().execute(async (trx) => {
    // Steps before their events: of what is finished meanwhile neither is taken over.
    const effects = await listEffects(trx, build.id);
    const tasks = await listTasks(trx, build.id);
    const unknown = steps.find((step) => !effects.some(({ name }) => name === step));
    if (unknown !== undefined)
      throw usageError(
        "workflows/no-such-step",
        `build ${build.id} has no step ${JSON.stringify(unknown)}; atos debug TASK shows a task's steps`,
      );
    const kept = keptSteps(effects, tasks, steps);
    const request = forkRequest(old, wish, { effects, kept });
    const forked = { from: build.id, step: steps.join(", ") };
    const made = await insertBuild(trx, { id, goal: build.goal, request, worker, outDirectory, forked, at });
    await copyEffects(trx, { from: build.id, to: id, names: kept });
    const events = keptEvents({ events: await allBuildEvents(trx, build.id), effects }, new Set(kept));
    await addTasks(trx, { id, at }, { tasks: tasksIn(events), kept });
    const { seed } = request;
    const first = { type: "build-forked", ...forked, steps: kept.length, events: events.length, seed } as const;
    await appendBuildEvents(trx, id, { events: [first, ...events], at });
    return { build: made, kept };
  });
}

function requestOf({ id, request }: Build): BuildRequest {
  const read = buildRequestSchema.safeParse(request);
  if (read.success && read.data.workflowVersion === WORKFLOW_VERSION) return read.data;
  throw new AtosError(
    "workflows/other-version",
    `build ${id} was made by another version of ATOS; only that version can go on from its steps`,
    { exitCode: 2 },
  );
}

/**
 * What decides the fork. The date of its commits is the old build's, so that what was taken over stays the same. Pure.
 */
export function forkRequest(
  old: BuildRequest,
  { id, seed = old.seed, outDirectory, canAsk }: Pick<ForkWish, "id" | "seed" | "outDirectory" | "canAsk">,
  { effects, kept }: { readonly effects: readonly Pick<Effect, "name" | "kind">[]; readonly kept: readonly string[] },
): BuildRequest {
  const { keptSeeds: before = {}, repository, ...rest } = old;
  const turns = effects.filter(({ kind, name }) => kind === "turn" && kept.includes(name));
  const seeds = turns.map(({ name }) => [name, before[name] ?? old.seed] as const);
  const other = seeds.filter(([, own]) => own !== seed);
  return {
    ...rest,
    outDirectory,
    seed,
    // They were the old build's, and what was taken over may have spent them.
    limits: {},
    askPlan: old.askPlan && canAsk,
    planOnly: false,
    ...(other.length === 0 ? {} : { keptSeeds: Object.fromEntries(other) }),
    ...(repository === undefined ? {} : { repository: { ...repository, branch: `atos/${id}` } }),
  };
}

/** The tasks that a trail tells of, those of its last plan and those added to it. */
function tasksIn(events: readonly BuildEvent[]): readonly PlannedTask[] {
  const plan = events.findLast((event) => event.type === "plan-made");
  return [...(plan?.tasks ?? []), ...events.flatMap((event) => (event.type === "task-added" ? [event.task] : []))];
}

async function addTasks(
  db: Db,
  { id: buildId, at }: { readonly id: string; readonly at: Date },
  { tasks, kept }: { readonly tasks: readonly PlannedTask[]; readonly kept: readonly string[] },
): Promise<void> {
  await insertTasks(db, { buildId, tasks, at });
  for (const { id } of tasks) {
    const state = keptState(kept, id);
    if (state !== "waiting") await setTaskState(db, { buildId, id, state, at });
  }
}
