import type { BuildEvent, PlannedTask, TaskState } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import { expectedLeftMs } from "./expected-left.ts";
import { timeSpentMs } from "./limits.ts";
import { placeOf } from "./step-place.ts";

export type Tokens = { readonly prompt: number; readonly output: number };

/** A turn or a check that has begun and not ended. */
export type AtWork = {
  readonly task: string;
  readonly step: string;
  readonly does: string;
  /** Absent for a check. */
  readonly model?: string;
  readonly forMs: number;
};

/** A task as it stands. */
export type TaskView = PlannedTask & {
  readonly state: TaskState;
  readonly why?: string;
  /** Samples begun at its tier and repairs of the last one; absent before it is begun. */
  readonly attempt?: { readonly sample: number; readonly repairs: number };
  /** The last model that worked on it. */
  readonly model?: string;
  readonly tokens: Tokens;
  /** Without pauses. */
  readonly spentMs: number;
  /** Done by the build that this one was forked from. */
  readonly kept: boolean;
};

/** A build as its trail tells it. */
export type BuildView = {
  readonly turns: number;
  readonly tokens: Tokens;
  /** Without pauses. */
  readonly spentMs: number;
  /** An estimate from the tasks and checks that are done, merging included; absent where there is nothing to go by. */
  readonly expectedLeftMs?: number;
  readonly limitReached?: string;
  readonly atWork: readonly AtWork[];
  /** In the order of the plan. */
  readonly tasks: readonly TaskView[];
};

/** What a build's trail says of it at the moment `now`. Pure. */
export function viewBuild(events: readonly RecordedEvent[], now: Date): BuildView {
  const ended = events.findLast(({ event }) => event.type === "build-finished");
  const until = ended?.at ?? now;
  const keptUntil = keptSeq(events);
  const atWork = ended === undefined ? workOf(events, until) : [];
  const seen = plannedTasks(events).map((task) => viewTask(task, events, { until, keptUntil }));
  const tasks = ended === undefined ? seen : seen.map(stopped);
  const left = ended === undefined ? leftMs(tasks, events) : undefined;
  const limit = events.map(({ event }) => event).find((event) => event.type === "limit-reached");
  return {
    turns: turnsOf(events).length,
    tokens: tokensOf(turnsOf(events)),
    spentMs: timeSpentMs(events, until),
    ...(left === undefined ? {} : { expectedLeftMs: left }),
    ...(limit === undefined ? {} : { limitReached: `${limit.most} ${limit.limit}` }),
    atWork,
    tasks,
  };
}

/** What the tasks still take, and then to put them together and check the whole. */
function leftMs(tasks: readonly TaskView[], events: readonly RecordedEvent[]): number | undefined {
  const tasksMs = isMerging(tasks) ? 0 : expectedLeftMs(tasks);
  // What has taken longer than usual already can't be told.
  if (tasksMs === undefined || (tasksMs === 0 && !isMerging(tasks))) return undefined;
  const checks = events.flatMap(({ event }) =>
    event.type === "tests-ran" && tasks.some(({ id }) => id === event.task) ? [event.durationMs] : [],
  );
  if (checks.length === 0) return isMerging(tasks) ? undefined : tasksMs;
  const merged = new Set(events.flatMap(({ event }) => (event.type === "merged" ? [event.task] : [])));
  const open = tasks.filter(
    ({ id, state }) => state !== "red" && state !== "skipped" && !merged.has(id) && !id.startsWith("merge:"),
  );
  const checkMs = checks.reduce((sum, ms) => sum + ms, 0) / checks.length;
  // Each branch that is merged is checked, and in the end the whole.
  return Math.round(tasksMs + (open.length + 1) * checkMs);
}

/** Whether the tasks are done, and only putting them together, the last check and the delivery are left. Pure. */
export function isMerging(tasks: readonly TaskView[]): boolean {
  return tasks.length > 0 && tasks.every(({ state }) => state !== "waiting" && state !== "running");
}

/** Up to which event a trail tells what the build did that it was forked from; 0 for one that was not. Pure. */
export function keptSeq(events: readonly RecordedEvent[]): number {
  const first = events[0]?.event;
  return first?.type === "build-forked" ? first.events + 1 : 0;
}

function plannedTasks(events: readonly RecordedEvent[]): readonly PlannedTask[] {
  const plan = events.map(({ event }) => event).findLast((event) => event.type === "plan-made");
  const added = events.flatMap(({ event }) => (event.type === "task-added" ? [event.task] : []));
  return [...(plan?.tasks ?? []), ...added];
}

/** What was waiting or at work when its build was ended goes on no more. */
function stopped(task: TaskView): TaskView {
  if (task.state !== "waiting" && task.state !== "running") return task;
  return { ...task, state: "skipped", why: "the build ended before it was done" };
}

type Times = { readonly until: Date; readonly keptUntil: number };

function viewTask(task: PlannedTask, events: readonly RecordedEvent[], { until, keptUntil }: Times): TaskView {
  const own = events.filter(({ event }) => "task" in event && event.task === task.id);
  const states = own.flatMap(({ at, seq, event }) => (event.type === "task-state" ? [{ at, seq, ...event }] : []));
  const last = states.at(-1);
  const begun = states.find(({ state }) => state === "running");
  const over = last !== undefined && last.state !== "running" ? last : undefined;
  const during =
    begun === undefined ? [] : events.filter(({ seq }) => seq >= begun.seq && seq <= (over?.seq ?? Infinity));
  const turns = turnsOf(own);
  const at = attemptOf(own);
  const model = own.findLast(({ event }) => event.type === "attempt-started" && event.kind === "turn")?.event;
  return {
    ...task,
    tier: at?.tier ?? task.tier,
    state: last?.state ?? "waiting",
    ...(last?.why === undefined ? {} : { why: last.why }),
    ...(at === undefined ? {} : { attempt: { sample: at.sample, repairs: at.repairs } }),
    ...(model?.type === "attempt-started" && model.model !== undefined ? { model: model.model } : {}),
    tokens: tokensOf(turns),
    spentMs: during.length === 0 ? 0 : timeSpentMs(during, over?.at ?? until),
    kept: over !== undefined && over.seq <= keptUntil,
  };
}

type Attempt = { readonly tier: TaskTier; readonly sample: number; readonly repairs: number };

/** How far a task is: its tier and sample by the name of its last step, the repairs by the edges since. */
function attemptOf(events: readonly RecordedEvent[]): Attempt | undefined {
  let attempt: Attempt | undefined;
  for (const { event } of events) {
    if (event.type === "edge-taken" && event.graph === "task" && event.to === "fix" && attempt !== undefined)
      attempt = { ...attempt, repairs: attempt.repairs + 1 };
    const place = event.type === "attempt-started" ? sampleOf(event.step) : undefined;
    if (place !== undefined && (attempt?.tier !== place.tier || attempt.sample !== place.sample))
      attempt = { ...place, repairs: 0 };
  }
  return attempt;
}

function sampleOf(step: string): Omit<Attempt, "repairs"> | undefined {
  const [, named, sample] = /^tasks\/[^/]+\/(simple|medium|complex)-(\d+)\//.exec(step) ?? [];
  const tier = (["simple", "medium", "complex"] as const).find((one) => one === named);
  return tier === undefined ? undefined : { tier, sample: Number(sample) };
}

/** What has begun since the build last went on, and has not ended. */
function workOf(events: readonly RecordedEvent[], now: Date): readonly AtWork[] {
  const stopped = events.findLastIndex(({ event }) => event.type === "build-paused");
  const since = events.slice(stopped + 1);
  const ended = new Set(since.flatMap(({ event }) => endOf(event)));
  const begun = new Map(
    since.flatMap(({ at, event }) => (event.type === "attempt-started" ? [[event.step, { at, event }] as const] : [])),
  );
  const open = [...begun.values()].filter(
    ({ at, event }) => !ended.has(event.step) && !isPassed(since, at, event.step),
  );
  return open.map(({ at, event: { task, step, model } }) => ({
    task,
    step,
    does: doerOf(step),
    ...(model === undefined ? {} : { model }),
    forMs: Math.max(0, now.getTime() - at.getTime()),
  }));
}

function endOf(event: BuildEvent): readonly string[] {
  return event.type === "turn-finished" || event.type === "tests-ran" || event.type === "tool-called"
    ? [event.step]
    : event.type === "build-started"
      ? ["start"]
      : event.type === "delivered"
        ? ["deliver"]
        : [];
}

/** A check that found nothing wrong tells so by nothing but the next step of its strand. */
function isPassed(events: readonly RecordedEvent[], at: Date, step: string): boolean {
  const index = events.findLastIndex((one) => one.event.type === "attempt-started" && one.event.step === step);
  const strand = JSON.stringify(placeOf(step));
  return events.slice(index + 1).some(({ event }) => {
    if (event.type === "verified") return step === "verify";
    const next = event.type === "attempt-started" ? event.step : stateStep(event);
    return next !== undefined && next !== step && JSON.stringify(placeOf(next)) === strand;
  });
}

function stateStep(event: BuildEvent): string | undefined {
  return event.type === "task-state" ? `tasks/${event.task}: ${event.state}` : undefined;
}

/** Who or what does a step, by its name. Pure. */
export function doerOf(step: string): string {
  if (/\/parse(?:-\d+)?$/.test(step)) return "parser";
  if (/\/test(?:-\d+)?$/.test(step) || step === "verify") return "tests";
  if (!/\/turn-\d+/.test(step)) return step;
  if (/\/review-\d+\//.test(step)) return "reviewer";
  if (step.startsWith("tasks/merge:")) return "integrator";
  const seats = { spec: "product manager", plan: "tech lead", tests: "tester" } as const;
  const [stage = ""] = step.split("/");
  return stage === "spec" || stage === "plan" || stage === "tests" ? seats[stage] : "developer";
}

function turnsOf(events: readonly RecordedEvent[]) {
  return events.flatMap(({ event }) => (event.type === "turn-finished" ? [event] : []));
}

function tokensOf(turns: ReturnType<typeof turnsOf>): Tokens {
  return {
    prompt: turns.reduce((sum, { usage }) => sum + usage.promptTokens, 0),
    output: turns.reduce((sum, { usage }) => sum + usage.outputTokens, 0),
  };
}
