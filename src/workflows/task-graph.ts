import type { TaskTier } from "../base/task.ts";
import type { Graph } from "../base/graph.ts";

export type TaskNode =
  | "context"
  | "write"
  | "syntax"
  | "test"
  | "reflect"
  | "fix"
  | "resample"
  | "review"
  | "escalate"
  | "done"
  | "failed"
  | "stopped";

const NO_FILES = "no reply held the task's files";
const LIMIT = "the build is at its limit";

/** One task of a build, from what its developer is told to files that pass their tests. */
export const TASK_GRAPH: Graph<TaskNode> = {
  name: "task",
  start: "context",
  nodes: {
    context: "gather what the task needs",
    write: "the developer writes the files",
    syntax: "a parser reads them",
    test: "the frozen tests run in the sandbox",
    reflect: "decide what the failure calls for",
    fix: "the developer repairs the files",
    resample: "begin again with another seed",
    review: "the reviewer judges",
    escalate: "hand over to the next tier",
    done: "the tests pass",
    failed: "no tier got it right",
    stopped: "the limit came first",
  },
  edges: [
    { from: "context", to: "write", on: "ready", why: "the prompt stands" },
    { from: "write", to: "syntax", on: "files", why: "the reply holds files of the task" },
    { from: "write", to: "reflect", on: "unusable", why: NO_FILES },
    { from: "write", to: "stopped", on: "limit", why: LIMIT },
    { from: "syntax", to: "test", on: "parses", why: "every file can be parsed" },
    { from: "syntax", to: "reflect", on: "broken", why: "a file can't be parsed, so nothing is run" },
    { from: "syntax", to: "stopped", on: "limit", why: LIMIT },
    { from: "test", to: "review", on: "green", why: "every test of the task passes" },
    { from: "test", to: "reflect", on: "red", why: "a test does not pass" },
    { from: "test", to: "stopped", on: "limit", why: LIMIT },
    { from: "reflect", to: "fix", on: "repair", why: "a round is left, and the last one made progress" },
    { from: "reflect", to: "resample", on: "resample", why: "no progress, or no round left; a sample is" },
    { from: "reflect", to: "escalate", on: "escalate", why: "no sample left; a stronger model is" },
    { from: "reflect", to: "done", on: "keep", why: "what passed before the repair is kept" },
    { from: "reflect", to: "failed", on: "give-up", why: "nothing is left to try" },
    { from: "fix", to: "syntax", on: "files", why: "the reply holds files of the task" },
    { from: "fix", to: "reflect", on: "unusable", why: NO_FILES },
    { from: "fix", to: "stopped", on: "limit", why: LIMIT },
    { from: "resample", to: "context", on: "again", why: "the same question, another seed" },
    { from: "escalate", to: "context", on: "hand-over", why: "told what was tried" },
    { from: "review", to: "done", on: "accept", why: "nothing must be fixed" },
    { from: "review", to: "fix", on: "revise", why: "something must be fixed, and a round is left" },
    {
      from: "review",
      to: "done",
      on: "no-round",
      why: "something should be fixed, but no round is left: the finding is reported",
    },
    { from: "review", to: "done", on: "limit", why: "the tests pass; the limit leaves no time for a verdict" },
  ],
  bounds: {
    fix: "at most so many rounds a sample as the model's size allows",
    resample: "at most so many samples a tier as the team allows",
    escalate: "there are three tiers",
  },
};

/** How much is tried for a task. Rounds are of one sample, samples of one tier. */
export type TaskBounds = { readonly rounds: number; readonly samples: number };

/** What a failed check or an unusable reply said, as far as decisions need it. */
export type Failure = {
  /** Tests that do not pass; the parser's problems where nothing was run; undefined when there was nothing to check. */
  readonly failing: number | undefined;
  /** The same for the same failure, whatever numbers and paths it holds. */
  readonly key: string;
  /** What the developer is told. */
  readonly text: string;
};

/** The best result of a task so far. */
export type Result = { readonly tree: string; readonly failing: number; readonly failure: Failure };

/** What of a task decides where it goes on. Plain values: a replay comes to the same. */
export type TaskState = {
  readonly tier: TaskTier;
  /** Samples begun at this tier, counted from 1. */
  readonly sample: number;
  /** Repairs made in this sample. */
  readonly rounds: number;
  readonly failure: Failure | undefined;
  /** The failure before that, within the sample. */
  readonly before: Failure | undefined;
  /** The files as they were when the tests passed. */
  readonly passed: boolean;
  /** What each sample came to, in words. */
  readonly tried: readonly string[];
  /** That of the tiers before: what a model that takes over is told. Another sample of one tier is the same question. */
  readonly handedOver: readonly string[];
};

export type Reflection = "repair" | "resample" | "escalate" | "keep" | "give-up";

/** Whether a repair brought the task nearer: fewer tests fail, or they fail for another reason. Pure. */
export function madeProgress(before: Failure | undefined, now: Failure): boolean {
  if (before === undefined) return true;
  if (before.failing !== undefined && now.failing !== undefined && now.failing !== before.failing)
    return now.failing < before.failing;
  return now.key !== before.key;
}

/**
 * What a failure calls for. A repair while rounds are left and the last one made progress; else the same question
 * drawn again; else a stronger model, where there is one; else nothing. Pure.
 */
export function reflect(
  state: Pick<TaskState, "failure" | "before" | "rounds" | "sample" | "passed">,
  { rounds, samples, next }: TaskBounds & { readonly next: TaskTier | undefined },
): Reflection {
  const { failure, before } = state;
  if (state.passed) return "keep";
  if (failure?.failing !== undefined && state.rounds < rounds && madeProgress(before, failure)) return "repair";
  if (state.sample < samples) return "resample";
  return next === undefined ? "give-up" : "escalate";
}
