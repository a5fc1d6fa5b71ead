import type { BuildEvent, TokenUsage } from "../base/events.ts";
import { AtosError } from "../base/errors.ts";
import type { ChatMessage, ModelSource } from "../engine/model.ts";
import { type Journal, runEffect } from "../journal/effect.ts";
import type { ModelPool } from "../pool/model-pool.ts";
import { fill, type RolePrompt } from "./prompt-set.ts";
import type { Read } from "./read.ts";

/** Replies to one question: where the model is told what is wrong, and where it is only asked again. */
const MAX_TOLD = 3;
const MAX_SAMPLED = 4;
const RESAMPLE_TEMPERATURE = 0.7;
const MAX_ENGINE_ATTEMPTS = 3;
const FIRST_RETRY_MS = 500;

/** A turn as it happens, for whoever watches; not recorded. */
export type TurnProgress = {
  readonly buildId: string;
  readonly task: string;
  readonly role: string;
  readonly model: string;
  readonly outputTokens: number;
};

export type TurnDeps = {
  readonly journal: Journal;
  readonly pool: ModelPool;
  readonly report: (buildId: string, event: BuildEvent) => Promise<void>;
  readonly progress: (progress: TurnProgress) => void;
  readonly nowMs: () => number;
};

/** One role put to one job of a build, with the messages so far. Append-only: what was said is never changed. */
export type Conversation = {
  readonly buildId: string;
  readonly task: string;
  /** Unique within the build; begins the names of its turns' steps. */
  readonly name: string;
  readonly prompt: RolePrompt;
  readonly source: ModelSource;
  readonly seed: number;
  readonly messages: readonly ChatMessage[];
  /** Turns taken. */
  readonly turns: number;
  /** How often the open question was asked before without a reply that could be read. */
  readonly sample: number;
};

export type Answer<T> = {
  readonly conversation: Conversation;
  readonly read: Read<T>;
  readonly usage: readonly TokenUsage[];
};

type Turn = {
  readonly text: string;
  readonly finish: string;
  readonly usage: TokenUsage;
  /** Why there is no reply and will be none: the conversation has outgrown its model. */
  readonly noRoom?: string;
};

const NO_USAGE: TokenUsage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };

/** Opens a conversation: the role's system message, if it has one. */
export function openConversation(start: Omit<Conversation, "messages" | "turns" | "sample">): Conversation {
  const system = start.prompt.system;
  return { ...start, turns: 0, sample: 0, messages: system === undefined ? [] : [{ role: "system", content: system }] };
}

/**
 * Says `content` and reads the reply with `reader`.
 *
 * A reply that can't be read is told so, exactly, and asked for again where the prompt set knows how to ask;
 * where it does not, the same question is sampled again with another seed and a higher temperature. Both are
 * bounded; then the last `why` is the answer. Every turn is a recorded step. `signal` ends it with its
 * reason.
 */
export async function ask<T>(
  deps: TurnDeps,
  {
    conversation,
    content,
    reader,
  }: { conversation: Conversation; content: string; reader: (reply: string) => Read<T> },
  signal: AbortSignal,
): Promise<Answer<T>> {
  let current = say(conversation, content);
  const usage: TokenUsage[] = [];
  for (let attempt = 1; ; attempt++) {
    const turn = await takeTurn(deps, { conversation: current, reader }, signal);
    usage.push(turn.usage);
    const read = readTurn(turn, reader, current.prompt);
    const answered = heard(current, turn);
    const { rejected } = current.prompt;
    const last = attempt === (rejected === undefined ? MAX_SAMPLED : MAX_TOLD);
    if (read.ok || last) return { conversation: answered, read, usage };
    if (rejected === undefined) current = { ...current, turns: current.turns + 1, sample: attempt };
    else current = say(answered, fill(rejected, { why: read.why }));
  }
}

function say(conversation: Conversation, content: string): Conversation {
  return { ...conversation, messages: [...conversation.messages, { role: "user", content }] };
}

function heard(conversation: Conversation, turn: Turn): Conversation {
  const messages: ChatMessage[] = [...conversation.messages, { role: "assistant", content: turn.text }];
  return { ...conversation, turns: conversation.turns + 1, messages, sample: 0 };
}

/** What the next reply is drawn with: the role's own sampling first, then livelier. */
function samplingOf({ prompt, seed, sample }: Conversation): { readonly temperature: number; readonly seed: number } {
  return {
    seed: seed + sample,
    temperature: sample === 0 ? prompt.temperature : Math.max(prompt.temperature, RESAMPLE_TEMPERATURE),
  };
}

function readTurn<T>(turn: Turn, reader: (reply: string) => Read<T>, prompt: RolePrompt): Read<T> {
  if (turn.noRoom !== undefined) return { ok: false, why: turn.noRoom };
  if (turn.finish === "length")
    return { ok: false, why: `the reply was cut off at its limit of ${prompt.maxTokens} tokens` };
  return reader(turn.text);
}

function takeTurn<T>(
  deps: TurnDeps,
  { conversation, reader }: { conversation: Conversation; reader: (reply: string) => Read<T> },
  signal: AbortSignal,
): Promise<Turn> {
  const { buildId, task, prompt, source, messages } = conversation;
  const name = `${conversation.name}/turn-${conversation.turns + 1}`;
  const input = {
    model: source.id,
    messages,
    maxTokens: prompt.maxTokens,
    ...samplingOf(conversation),
  };
  return runEffect(
    deps.journal,
    { buildId, name, kind: "turn", task, model: source.id, input, retryAfterMs, signal },
    async () => {
      const startedAt = deps.nowMs();
      const turn = await generate(deps, conversation, signal).catch(withoutRoom);
      const read = readTurn(turn, reader, prompt);
      const durationMs = Math.round(deps.nowMs() - startedAt);
      const finished: BuildEvent = {
        type: "turn-finished",
        step: name,
        task,
        role: prompt.role,
        model: source.id,
        usage: turn.usage,
        durationMs,
        finish: turn.finish,
      };
      const rejected: BuildEvent[] = read.ok
        ? []
        : [{ type: "reply-rejected", task, role: prompt.role, why: read.why }];
      return { result: turn, events: [finished, ...rejected] };
    },
  );
}

/** Trying again can't help a conversation that does not fit, so that is an outcome; all else is thrown on. */
function withoutRoom(error: unknown): Turn {
  if (!(error instanceof AtosError) || error.code !== "engine/context-overflow") throw error;
  return { text: "", finish: "no-room", usage: NO_USAGE, noRoom: error.message };
}

/** One attempt: lease, generate, give back. A model whose process died is dropped, so that the next attempt gets a fresh one. */
async function generate(deps: TurnDeps, conversation: Conversation, signal: AbortSignal): Promise<Turn> {
  const { buildId, task, prompt, source, messages } = conversation;
  const report = (event: BuildEvent): Promise<void> => deps.report(buildId, event);
  await using lease = await deps.pool.lease({ source, report }, signal);
  let text = "";
  let outputTokens = 0;
  try {
    const request = { messages, maxTokens: prompt.maxTokens, ...samplingOf(conversation) };
    for await (const part of lease.model.generate(request, signal)) {
      if (part.kind === "end") return { text, finish: part.finish, usage: part.usage };
      text += part.text;
      deps.progress({ buildId, task, role: prompt.role, model: source.id, outputTokens: ++outputTokens });
    }
  } catch (error) {
    if (error instanceof AtosError && error.code === "engine/child-died")
      await deps.pool.drop("its process died", report);
    throw error;
  }
  throw new AtosError("engine/stream-cut", `the reply of ${source.id} ended without saying why`);
}

/** A server's bad moment or a crashed process is worth another try; a wrong request is not. */
function retryAfterMs(error: unknown, attempt: number): number | undefined {
  if (attempt >= MAX_ENGINE_ATTEMPTS || !(error instanceof AtosError)) return undefined;
  const passing = ["engine/child-died", "engine/server-timeout", "engine/stream-cut", "engine/server-busy"].includes(
    error.code,
  );
  return passing ? FIRST_RETRY_MS * 2 ** (attempt - 1) : undefined;
}
