import { AtosError, messageOf } from "../base/errors.ts";
import { Turnstile } from "../base/turnstile.ts";
import type { Journal } from "../journal/effect.ts";
import { RunEndedError } from "../journal/run-ended.ts";
import type { Workspaces } from "../journal/workspaces.ts";
import type { Build } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { runBuild } from "./build.ts";
import type { BuildDeps } from "./build-deps.ts";
import { buildRequestSchema, WORKFLOW_VERSION } from "./build-request.ts";
import { BuildRun } from "./build-run.ts";
import { openLimits } from "./open-limits.ts";
import { openReplayTools } from "./open-replay-tools.ts";

export type Replay =
  /** Everything it came to is what was recorded. */
  | { readonly kind: "same"; readonly commit: string; readonly receiptCommit: string; readonly turns: number }
  /** `step`: where it left the record, if it was at a step. */
  | { readonly kind: "differs"; readonly why: string; readonly step?: string };

/** No run of a build has it: with it nothing is recorded. */
const NO_RUN = -1;

/**
 * Runs a finished build's workflow once more, from its journal alone: no model, no sandbox, nothing recorded. What the
 * record does not hold, or holds otherwise, is told.
 *
 * @throws {AtosError} `workflows/not-finished` for a build without a result, `workflows/other-version`.
 */
export async function replayBuild(
  { db, workspaces }: { readonly db: Db; readonly workspaces: Workspaces },
  build: Build,
  signal: AbortSignal,
): Promise<Replay> {
  const request = buildRequestSchema.safeParse(build.request);
  if (!request.success || request.data.workflowVersion !== WORKFLOW_VERSION)
    throw new AtosError(
      "workflows/other-version",
      `build ${build.id} was made by another version of ATOS; only that version can replay it`,
      { exitCode: 2 },
    );
  if (build.state !== "green" && build.state !== "red")
    throw new AtosError(
      "workflows/not-finished",
      `build ${build.id} is ${build.state}; only one that was delivered, green or red, can be replayed`,
      { exitCode: 2 },
    );
  const deps = readingDeps({ db, workspaces }, build);
  using limits = await openLimits(deps.journal, { buildId: build.id, limits: request.data.limits });
  const run = new BuildRun({ id: build.id, request: request.data, deps, worker: build.worker, limits, signal });
  try {
    return compare(build.result, await runBuild(run), run.turns);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RunEndedError)) return { kind: "differs", why: messageOf(error) };
    const { step } = error;
    return step === undefined
      ? { kind: "differs", why: messageOf(error) }
      : { kind: "differs", step, why: `it comes to the step ${step}, which the journal does not have` };
  }
}

/** What the record says of each field of the result, and what the replay came to. Pure. */
function compare(recorded: unknown, replayed: object, turns: number): Replay {
  const before: Readonly<Record<string, unknown>> = { ...Object(recorded) };
  const now: Readonly<Record<string, unknown>> = { ...replayed };
  const other = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (other.length > 0) {
    const told = other.map((key) => `${key} was ${JSON.stringify(before[key])} and is ${JSON.stringify(now[key])}`);
    return { kind: "differs", why: `its result is another: ${told.join("; ")}` };
  }
  return { kind: "same", commit: String(now["commit"]), receiptCommit: String(now["receiptCommit"]), turns };
}

/** What works is the journal, as far as it goes. Nothing else is ever needed to come to the same. */
function readingDeps(
  { db, workspaces }: { readonly db: Db; readonly workspaces: Workspaces },
  { id, updatedAt }: Build,
): BuildDeps {
  const journal: Journal = { db, now: () => updatedAt, claim: { buildId: id, run: NO_RUN } };
  return {
    journal,
    workspaces,
    pool: { lease: () => never("a model"), foresee: () => {}, forget: () => {} },
    report: () => never("to report"),
    progress: () => {},
    nowMs: () => 0,
    scratchDirectory: "",
    openSandbox: () => never("the sandbox"),
    openTools: (request) => openReplayTools(workspaces, request),
    checks: new Turnstile(1),
    identify: () => never("to identify a model"),
  };
}

function never(what: string): Promise<never> {
  return Promise.reject(new Error(`a replay asked for ${what}`));
}
