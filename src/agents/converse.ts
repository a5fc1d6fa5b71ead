import { runGraph, type Step } from "../base/run-graph.ts";
import type { ModelSource } from "../engine/model.ts";
import { append, type Context, heard, type Segment } from "./context.ts";
import { fill } from "./fill.ts";
import { type NextAttempt, nextAttempt, resampled } from "./next-attempt.ts";
import type { Read } from "./read.ts";
import { type AskedTurn, recordedTurn, type TurnDeps } from "./recorded-turn.ts";
import { REPLY_GRAPH, type ReplyNode } from "./reply-graph.ts";
import type { Role } from "./role.ts";
import { afterTurn, openTurns, type Turn, type TurnOptions, type TurnState } from "./turn.ts";

/** One role put to one job of a build, with what was said so far. */
export type Conversation = TurnState & {
  readonly buildId: string;
  readonly task: string;
  /** Unique within the build; begins the names of its turns' steps. */
  readonly name: string;
  readonly prompt: Role;
  readonly source: ModelSource;
  readonly seed: number;
  /** Steps whose turn is there already, and was drawn with another seed than `seed`. */
  readonly keptSeeds?: Readonly<Record<string, number>>;
  /** Turns taken. */
  readonly turns: number;
  /** How often the open question was drawn again. */
  readonly sample: number;
  /** How often the whole job was begun before; each beginning draws other replies. */
  readonly drawn: number;
};

export type Answer<T> = {
  readonly conversation: Conversation;
  readonly read: Read<T>;
};

/** A conversation whose last turn was read; the reply is not part of its context yet. */
export type Heard<T> = {
  readonly conversation: Conversation;
  readonly turn: Turn;
  readonly read: Read<T>;
};

/** More than the replies to one question, each of them two edges. */
const MOST_STEPS = 50;
/** More than the replies to one question: the seeds of two beginnings never meet. */
const SEEDS_APART = 100;

/** Opens a conversation: the role's system message, if it has one. */
export function openConversation(start: Omit<Conversation, keyof TurnState | "turns" | "sample">): Conversation {
  const { system } = start.prompt;
  const context: Context = system === undefined ? [] : [{ role: "system", segments: [{ part: "role", text: system }] }];
  return { ...start, turns: 0, sample: 0, ...openTurns(context) };
}

/** Says `content`; {@link hear} asks for the reply. */
export function say(conversation: Conversation, content: readonly Segment[]): Conversation {
  return {
    ...conversation,
    context: append(conversation.context, { role: "user", segments: content }),
    sample: 0,
  };
}

/** One reply to what was said last, as a recorded step, and what `reader` makes of it. */
export async function hear<T>(
  deps: TurnDeps,
  { conversation, reader }: { readonly conversation: Conversation; readonly reader: (reply: string) => Read<T> },
  signal: AbortSignal,
): Promise<Heard<T>> {
  const turn = await recordedTurn(deps, askedTurn(conversation, reader), signal);
  deps.spent?.(turn.usage);
  const read = readTurn(turn, reader, conversation.prompt);
  const after = { ...conversation, ...afterTurn(conversation, turn), turns: conversation.turns + 1 };
  return { turn, read, conversation: after };
}

/**
 * What to do after reply number `attempt` (from 1) to one question: use it, tell what is wrong with it, draw another,
 * or give up. Pure.
 */
export function afterReply<T>(
  { turn, read, conversation }: Heard<T>,
  { attempt, told }: { readonly attempt: number; readonly told: boolean },
): "ok" | NextAttempt {
  if (read.ok) return "ok";
  // No number of tries makes a prompt smaller.
  if (turn.noRoom !== undefined) return "give-up";
  return nextAttempt(attempt, told, conversation.prompt.rejected !== undefined);
}

/** The conversation after the model was told why its reply can't be used. */
export function tell<T>({ conversation, turn, read }: Heard<T>): Conversation {
  const { rejected = "" } = conversation.prompt;
  return say(withReply(conversation, turn), fill(rejected, { why: read.ok ? "" : read.why }));
}

/** The conversation with the same question open, to be drawn with another seed. */
export function drawAgain<T>({ conversation }: Heard<T>): Conversation {
  return { ...conversation, sample: conversation.sample + 1 };
}

/** The conversation with the model's reply in its context. */
function withReply(conversation: Conversation, { text }: Turn): Conversation {
  return { ...conversation, context: heard(conversation.context, text) };
}

type Asking<T> = {
  readonly conversation: Conversation;
  readonly last: Heard<T> | undefined;
  readonly attempt: number;
  readonly told: boolean;
};

/**
 * Says `content` and reads the reply with `reader`, by the graph `REPLY_GRAPH`: a reply that can't be read is told so,
 * exactly and once, where the role knows how; after that the same question is drawn again with another seed and a
 * higher temperature. Then the last `why` is the answer. Every turn is a recorded step. `signal` ends it with its
 * reason.
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
  const reply = async (asking: Asking<T>): Promise<Step<Asking<T>>> => {
    const last = await hear(deps, { conversation: asking.conversation, reader }, signal);
    return { on: "replied", state: { ...asking, last, conversation: last.conversation } };
  };
  const again = (asking: Asking<T>, conversation: Conversation, told: boolean): Promise<Step<Asking<T>>> =>
    reply({ ...asking, conversation, told, attempt: asking.attempt + 1 });
  const { state } = await runGraph<ReplyNode, Asking<T>>(
    {
      graph: REPLY_GRAPH,
      work: {
        ask: reply,
        read: async (asking) => ({ on: afterReply(lastOf(asking), asking), state: asking }),
        tell: (asking) => again(asking, tell(lastOf(asking)), true),
        draw: (asking) => again(asking, drawAgain(lastOf(asking)), asking.told),
      },
      // The trail has the turns, and why a reply could not be used.
      taken: () => {},
      mostSteps: MOST_STEPS,
    },
    { conversation: say(conversation, content), last: undefined, attempt: 1, told: false },
  );
  const { turn, read, conversation: current } = lastOf(state);
  return { conversation: withReply(current, turn), read };
}

function lastOf<T>({ last }: Asking<T>): Heard<T> {
  if (last === undefined) throw new Error("a reply is read before there is one");
  return last;
}

function askedTurn<T>(conversation: Conversation, reader: (reply: string) => Read<T>): AskedTurn {
  const { buildId, task, prompt, source, name, turns } = conversation;
  const step = `${name}/turn-${turns + 1}`;
  return {
    seat: { buildId, task, role: prompt.seat, source },
    step,
    state: conversation,
    options: optionsOf(conversation, step),
    unusable: (turn) => {
      const read = readTurn(turn, reader, prompt);
      return read.ok ? undefined : read.why;
    },
  };
}

/** What the turn `step` of a conversation is drawn with. Pure. */
export function optionsOf(
  { prompt, keptSeeds, sample, drawn, ...conversation }: Conversation,
  step: string,
): TurnOptions {
  const { maxTokens, temperature } = prompt;
  const seed = keptSeeds?.[step] ?? conversation.seed;
  return resampled({ maxTokens, temperature, seed }, sample + drawn * SEEDS_APART);
}

function readTurn<T>(turn: Turn, reader: (reply: string) => Read<T>, prompt: Role): Read<T> {
  if (turn.noRoom !== undefined) return { ok: false, why: turn.noRoom };
  if (turn.finish === "length") return { ok: false, why: cutOff(turn, prompt) };
  return reader(turn.text);
}

/** Where the prompt left less room than the role's limit, the reply was cut sooner. */
function cutOff({ usage }: Turn, { maxTokens }: Role): string {
  const { outputTokens } = usage;
  return outputTokens === 0 || outputTokens >= maxTokens
    ? `the reply was cut off at its limit of ${maxTokens} tokens`
    : `the reply was cut off after ${outputTokens} tokens, at the end of the context or its limit of ${maxTokens}`;
}
