import type { BuildEvent, TokenUsage } from "../base/events.ts";
import { AtosError } from "../base/errors.ts";
import type { ModelSource } from "../engine/model.ts";
import { type Journal, runEffect } from "../journal/effect.ts";
import { inputHash } from "../journal/input-hash.ts";
import type { ModelPool } from "../pool/model-pool.ts";
import { takeTurn, type Turn, type TurnOptions, type TurnState } from "./turn.ts";
import { withThinking } from "./with-thinking.ts";

/** By what an attempt failed with; what is not named is not tried again. */
const MOST_ATTEMPTS: Readonly<Record<string, number>> = {
  "engine/child-died": 2,
  "engine/child-stalled": 2,
  "engine/server-timeout": 3,
  "engine/stream-cut": 3,
  "engine/server-busy": 3,
};
const FIRST_RETRY_MS = 500;
/** Of prose and code, in vocabularies of today. */
const CHARACTERS_A_TOKEN = 4;

/** A turn as it happens, for whoever watches; not recorded. */
export type TurnProgress = {
  readonly buildId: string;
  readonly task: string;
  readonly role: string;
  readonly model: string;
  /** About so many, from the length of the text. */
  readonly outputTokens: number;
};

export type TurnDeps = {
  readonly journal: Journal;
  readonly pool: Pick<ModelPool, "lease">;
  readonly report: (buildId: string, event: BuildEvent) => Promise<void>;
  readonly progress: (progress: TurnProgress) => void;
  readonly nowMs: () => number;
  /** Asked before a turn that is not recorded yet is begun: what it throws keeps it from being begun. */
  readonly admit?: () => Promise<void>;
  /** Whether `admit` would let it begin at once; it is not asked then. */
  readonly isFree?: () => boolean;
  /** Told of each turn's tokens as soon as it is known, in a replay too. */
  readonly spent?: (usage: TokenUsage) => void;
};

/** Whose turn it is. */
export type Seat = {
  readonly buildId: string;
  readonly task: string;
  readonly role: string;
  readonly source: ModelSource;
};

export type AskedTurn = {
  readonly seat: Seat;
  /** Unique within the build and the same at every replay, such as `code/turn-2`. */
  readonly step: string;
  readonly state: TurnState;
  readonly options: TurnOptions;
  /** Says why a reply can't be used, if it can't. Pure: the trail is told, and a replay asks again. */
  readonly unusable: (turn: Turn) => string | undefined;
};

/** One turn as a recorded step: leased from the pool, tried again after a passing failure, told to the trail. */
export function recordedTurn(deps: TurnDeps, asked: AskedTurn, signal: AbortSignal): Promise<Turn> {
  const { seat, step, state, options } = asked;
  const { buildId, task, role, source } = seat;
  const input = { model: source.id, thinking: source.thinking, context: hashesOf(state), ...options };
  const admit = async (): Promise<undefined> => {
    await deps.admit?.();
  };
  const isFree = (): boolean => deps.isFree?.() ?? deps.admit === undefined;
  return runEffect(
    deps.journal,
    { buildId, name: step, kind: "turn", task, model: source.id, input, retryAfterMs, admit, isFree, signal },
    async () => {
      const { turn, durationMs } = await leasedTurn(deps, asked, signal);
      const { usage, finish } = turn;
      const events: BuildEvent[] = [
        { type: "turn-finished", step, task, role, model: source.id, usage, durationMs, finish },
      ];
      if (turn.compacted !== undefined) {
        const { tokensBefore, shortened } = turn.compacted;
        events.unshift({ type: "context-compacted", step, task, role, tokensBefore, shortened });
      }
      const why = asked.unusable(turn);
      if (why !== undefined) events.push({ type: "reply-rejected", task, role, why });
      return { result: turn, events };
    },
  );
}

/** What stands for the context in the ledger: the hash of each message. */
function hashesOf({ context, hashes }: TurnState): readonly string[] {
  return context.map((message) => {
    const hash = hashes.get(message) ?? inputHash(message);
    hashes.set(message, hash);
    return hash;
  });
}

/** One attempt: lease, generate, give back. What it waited for the model is not its duration. The pool loads a model afresh whose process died. */
async function leasedTurn(
  deps: TurnDeps,
  { seat, state, options }: AskedTurn,
  signal: AbortSignal,
): Promise<{ readonly turn: Turn; readonly durationMs: number }> {
  const { buildId, task, role, source } = seat;
  const report = (event: BuildEvent): Promise<void> => deps.report(buildId, event);
  await using lease = await deps.pool.lease({ source, job: { build: buildId, task, role }, report }, signal);
  let characters = 0;
  const onText = (text: string): void => {
    characters += text.length;
    const outputTokens = Math.ceil(characters / CHARACTERS_A_TOKEN);
    deps.progress({ buildId, task, role, model: source.id, outputTokens });
  };
  const able = withThinking(options, source.thinking, lease.model.capabilities);
  const startedAt = deps.nowMs();
  const turn = await takeTurn({ model: lease.model, onText }, { state, options: able }, signal);
  return { turn, durationMs: Math.round(deps.nowMs() - startedAt) };
}

/** A server's bad moment or a crashed process is worth another try; a wrong request is not. */
function retryAfterMs(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof AtosError)) return undefined;
  const most = MOST_ATTEMPTS[error.code] ?? 1;
  return attempt < most ? FIRST_RETRY_MS * 2 ** (attempt - 1) : undefined;
}
