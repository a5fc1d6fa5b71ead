import { z } from "zod";
import type { BuildEvent } from "../base/events.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { Effect } from "../store/effects.ts";
import { whyTaken } from "./graphs.ts";
import { type TracedTurn, traceTask } from "./trace-task.ts";
import { keptSeq } from "./view-build.ts";

/** One thing that happened to a task. `kept`: in the build that this one was forked from. */
export type TracedStep = { readonly seq: number; readonly at: Date; readonly kept?: true } & (
  | { readonly kind: "turn"; readonly turn: TracedTurn }
  /** The files of a turn's reply, as two trees. */
  | { readonly kind: "files"; readonly step: string; readonly from: string; readonly tree: string }
  | {
      readonly kind: "check";
      readonly step: string;
      /** Absent while it goes on, and when it was cut off. */
      readonly ok?: boolean;
      /** What the parser or the tests said of what is wrong, one text for each. */
      readonly output: readonly string[];
      readonly passed: number;
    }
  /** What only the trail tells: an edge with its reason, a call, a review, an end. */
  | { readonly kind: "event"; readonly event: BuildEvent; readonly why?: string }
);

const testSchema = z.object({ name: z.string(), outcome: z.string(), message: z.string() });
const runSchema = z.object({ green: z.boolean(), tests: z.array(testSchema) });
const problemsSchema = z.array(z.object({ file: z.string(), message: z.string() }));
const verificationSchema = z.object({
  problems: problemsSchema,
  acceptance: runSchema.optional(),
  own: runSchema.optional(),
});

/** What of the trail is told as it is. Turns, checks and written files are told by what the ledger has of them. */
const TOLD: ReadonlySet<BuildEvent["type"]> = new Set([
  "attempt-failed",
  "edge-taken",
  "tool-called",
  "approval-asked",
  "reviewed",
  "task-state",
  "tier-ended",
  "merged",
  "spec-written",
  "plan-made",
  "tests-frozen",
  "task-added",
  "verified",
  "delivered",
]);

/** Whose of the build's own events are shown, beside those that name their task. */
const TASK_OF: Readonly<Partial<Record<BuildEvent["type"], string>>> = {
  "spec-written": "spec",
  "plan-made": "plan",
  "tests-frozen": "tests",
  verified: "verify",
  delivered: "deliver",
};

/** Everything that happened to one task of a build, in order of time. Pure. */
export function traceSteps(
  { events, effects }: { readonly events: readonly RecordedEvent[]; readonly effects: readonly Effect[] },
  task: string,
): readonly TracedStep[] {
  const turns = new Map(traceTask({ events, effects }, task).map((turn) => [turn.step, turn]));
  const own = new Map(effects.filter((effect) => effect.task === task).map((effect) => [effect.name, effect]));
  const keptUntil = keptSeq(events);
  return events.flatMap(({ event, ...when }): readonly TracedStep[] => {
    const place = { ...when, ...(when.seq <= keptUntil ? { kept: true as const } : {}) };
    if (event.type === "turn-finished") {
      const turn = turns.get(event.step);
      return turn === undefined ? [] : [{ ...place, kind: "turn", turn }];
    }
    if (event.type === "attempt-started") {
      const effect = own.get(event.step);
      const isCheck = effect?.kind === "tests" && event.attempt === 1;
      return isCheck ? [{ ...place, kind: "check", step: event.step, ...checked(effect) }] : [];
    }
    if (event.type === "files-written" && event.task === task) {
      const { step, from, tree } = event;
      return [{ ...place, kind: "files", step, from, tree }];
    }
    if (!TOLD.has(event.type) || !isOf(event, task, own)) return [];
    return [
      { ...place, kind: "event", event, ...(event.type === "edge-taken" ? { why: whyTaken(event.graph, event) } : {}) },
    ];
  });
}

function isOf(event: BuildEvent, task: string, own: ReadonlyMap<string, Effect>): boolean {
  if (event.type === "attempt-failed") return own.has(event.step);
  if (event.type === "task-added") return event.task.id === task;
  // The build's own graph has nodes that are called as what they make.
  if (event.type === "edge-taken" && event.graph === "build") return event.from === task;
  if ("task" in event) return event.task === task;
  return TASK_OF[event.type] === task;
}

type Checked = Pick<Extract<TracedStep, { kind: "check" }>, "ok" | "output" | "passed">;

/** What a check found, by the form of its result: a parser's problems, a test run, or the last verification. */
function checked({ state, result }: Effect): Checked {
  if (state !== "done") return { output: [], passed: 0 };
  const problems = problemsSchema.safeParse(result);
  if (problems.success) return { ok: problems.data.length === 0, output: problems.data.map(problemText), passed: 0 };
  const verification = verificationSchema.safeParse(result);
  const runs = verification.success
    ? [verification.data.acceptance, verification.data.own].filter((run) => run !== undefined)
    : [runSchema.safeParse(result).data].filter((run) => run !== undefined);
  const wrong = verification.success ? verification.data.problems.map(problemText) : [];
  const tests = runs.flatMap((run) => run.tests);
  const red = tests.filter(({ outcome }) => outcome !== "passed");
  return {
    ok: wrong.length === 0 && runs.length > 0 && runs.every(({ green }) => green),
    output: [...wrong, ...red.map(({ name, outcome, message }) => `${name}: ${outcome}\n${message}`.trim())],
    passed: tests.length - red.length,
  };
}

function problemText({ file, message }: { readonly file: string; readonly message: string }): string {
  return `${file}: ${message}`;
}
