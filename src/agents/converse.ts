import type { BuildEvent, TokenUsage } from "../base/events.ts";
import { AtosError } from "../base/errors.ts";
import type { ModelSource } from "../engine/model.ts";
import { type Journal, runEffect } from "../journal/effect.ts";
import type { ModelPool } from "../pool/model-pool.ts";
import { append, type Context, heard, type Segment } from "./context.ts";
import { nextAttempt, resampled } from "./next-attempt.ts";
import { fill, type RolePrompt } from "./prompt-set.ts";
import type { Read } from "./read.ts";
import { withThinking } from "./with-thinking.ts";
import { afterTurn, openTurns, takeTurn, type Turn, type TurnOptions, type TurnState } from "./turn.ts";

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
  readonly pool: ModelPool;
  readonly report: (buildId: string, event: BuildEvent) => Promise<void>;
  readonly progress: (progress: TurnProgress) => void;
  readonly nowMs: () => number;
};

/** One role put to one job of a build, with what was said so far. */
export type Conversation = TurnState & {
  readonly buildId: string;
  readonly task: string;
  /** Unique within the build; begins the names of its turns' steps. */
  readonly name: string;
  readonly prompt: RolePrompt;
  readonly source: ModelSource;
  readonly seed: number;
  /** Turns taken. */
  readonly turns: number;
  /** How often the open question was drawn again. */
  readonly sample: number;
};

export type Answer<T> = {
  readonly conversation: Conversation;
  readonly read: Read<T>;
  readonly usage: readonly TokenUsage[];
};

/** Opens a conversation: the role's system message, if it has one. */
export function openConversation(start: Omit<Conversation, keyof TurnState | "turns" | "sample">): Conversation {
  const { system } = start.prompt;
  const context: Context = system === undefined ? [] : [{ role: "system", segments: [{ part: "role", text: system }] }];
  return { ...start, turns: 0, sample: 0, ...openTurns(context) };
}

/**
 * Says `content` and reads the reply with `reader`.
 *
 * A reply that can't be read is told so, exactly and once, where the prompt set knows how; after that the
 * same question is drawn again with another seed and a higher temperature (`nextAttempt`). Then the last
 * `why` is the answer. Every turn is a recorded step. `signal` ends it with its reason.
 */
export async function ask<T>(
  deps: TurnDeps,
  {
    conversation,
    content,
    reader,
  }: { conversation: Conversation; content: readonly Segment[]; reader: (reply: string) => Read<T> },
  signal: AbortSignal,
): Promise<Answer<T>> {
  let current = say(conversation, content);
  let told = false;
  const usage: TokenUsage[] = [];
  for (let attempt = 1; ; attempt++) {
    const turn = await recordedTurn(deps, { conversation: current, reader }, signal);
    usage.push(turn.usage);
    const read = readTurn(turn, reader, current.prompt);
    current = { ...current, ...afterTurn(current, turn), turns: current.turns + 1 };
    const { rejected } = current.prompt;
    // No number of tries makes a prompt smaller.
    const next = read.ok || turn.noRoom !== undefined ? "give-up" : nextAttempt(attempt, told, rejected !== undefined);
    if (next === "give-up") return { conversation: withReply(current, turn), read, usage };
    if (next === "tell" && rejected !== undefined && !read.ok) {
      current = say(withReply(current, turn), fill(rejected, { why: read.why }));
      told = true;
    } else current = { ...current, sample: current.sample + 1 };
  }
}

function say(conversation: Conversation, segments: readonly Segment[]): Conversation {
  return { ...conversation, context: append(conversation.context, { role: "user", segments }), sample: 0 };
}

function withReply(conversation: Conversation, { text }: Turn): Conversation {
  return { ...conversation, context: heard(conversation.context, text) };
}

function optionsOf({ prompt, seed, sample }: Conversation): TurnOptions {
  const { maxTokens, temperature } = prompt;
  return resampled({ maxTokens, temperature, seed }, sample);
}

function readTurn<T>(turn: Turn, reader: (reply: string) => Read<T>, prompt: RolePrompt): Read<T> {
  if (turn.noRoom !== undefined) return { ok: false, why: turn.noRoom };
  if (turn.finish === "length") return { ok: false, why: cutOff(turn, prompt) };
  return reader(turn.text);
}

/** Where the prompt left less room than the role's limit, the reply was cut sooner. */
function cutOff({ usage }: Turn, { maxTokens }: RolePrompt): string {
  const { outputTokens } = usage;
  return outputTokens === 0 || outputTokens >= maxTokens
    ? `the reply was cut off at its limit of ${maxTokens} tokens`
    : `the reply was cut off after ${outputTokens} tokens, at the end of the context or its limit of ${maxTokens}`;
}

function recordedTurn<T>(
  deps: TurnDeps,
  { conversation, reader }: { conversation: Conversation; reader: (reply: string) => Read<T> },
  signal: AbortSignal,
): Promise<Turn> {
  const { buildId, task, prompt, source, context } = conversation;
  const { role } = prompt;
  const name = `${conversation.name}/turn-${conversation.turns + 1}`;
  const input = { model: source.id, thinking: source.thinking, context, ...optionsOf(conversation) };
  return runEffect(
    deps.journal,
    { buildId, name, kind: "turn", task, model: source.id, input, retryAfterMs, signal },
    async () => {
      const { turn, durationMs } = await leasedTurn(deps, conversation, signal);
      const read = readTurn(turn, reader, prompt);
      const { usage, finish } = turn;
      const events: BuildEvent[] = [
        { type: "turn-finished", step: name, task, role, model: source.id, usage, durationMs, finish },
      ];
      if (turn.compacted !== undefined) {
        const { tokensBefore, shortened } = turn.compacted;
        events.unshift({ type: "context-compacted", step: name, task, role, tokensBefore, shortened });
      }
      if (!read.ok) events.push({ type: "reply-rejected", task, role, why: read.why });
      return { result: turn, events };
    },
  );
}

/** One attempt: lease, generate, give back. What it waited for the model is not its duration. The pool loads a model afresh whose process died. */
async function leasedTurn(
  deps: TurnDeps,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<{ readonly turn: Turn; readonly durationMs: number }> {
  const { buildId, task, prompt, source } = conversation;
  const report = (event: BuildEvent): Promise<void> => deps.report(buildId, event);
  const job = { build: buildId, task, role: prompt.role };
  await using lease = await deps.pool.lease({ source, job, report }, signal);
  let characters = 0;
  const onText = (text: string): void => {
    characters += text.length;
    const outputTokens = Math.ceil(characters / CHARACTERS_A_TOKEN);
    deps.progress({ buildId, task, role: prompt.role, model: source.id, outputTokens });
  };
  const options = withThinking(optionsOf(conversation), source.thinking, lease.model.capabilities);
  const startedAt = deps.nowMs();
  const turn = await takeTurn({ model: lease.model, onText }, { state: conversation, options }, signal);
  return { turn, durationMs: Math.round(deps.nowMs() - startedAt) };
}

/** A server's bad moment or a crashed process is worth another try; a wrong request is not. */
function retryAfterMs(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof AtosError)) return undefined;
  const most = MOST_ATTEMPTS[error.code] ?? 1;
  return attempt < most ? FIRST_RETRY_MS * 2 ** (attempt - 1) : undefined;
}
