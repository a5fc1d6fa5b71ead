import type { TokenUsage } from "../base/events.ts";
import type { ModelSource } from "../engine/model.ts";
import { append, type Context, heard, type Segment } from "./context.ts";
import { nextAttempt, resampled } from "./next-attempt.ts";
import { fill, type RolePrompt } from "./prompt-set.ts";
import type { Read } from "./read.ts";
import { type AskedTurn, recordedTurn, type TurnDeps } from "./recorded-turn.ts";
import { afterTurn, openTurns, type Turn, type TurnOptions, type TurnState } from "./turn.ts";

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
    const turn = await recordedTurn(deps, askedTurn(current, reader), signal);
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

function askedTurn<T>(conversation: Conversation, reader: (reply: string) => Read<T>): AskedTurn {
  const { buildId, task, prompt, source, name, turns } = conversation;
  return {
    seat: { buildId, task, role: prompt.role, source },
    step: `${name}/turn-${turns + 1}`,
    state: conversation,
    options: optionsOf(conversation),
    unusable: (turn) => {
      const read = readTurn(turn, reader, prompt);
      return read.ok ? undefined : read.why;
    },
  };
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
