import type { TokenUsage } from "../base/events.ts";
import { AtosError } from "../base/errors.ts";
import type { ChatMessage, GenerateRequest, Model, RenderedPrompt } from "../engine/model.ts";
import type { Shortened } from "./compact-context.ts";
import {
  CONTEXT_PARTS,
  type Context,
  type ContextMessage,
  type ContextPart,
  messagesOf,
  type Segment,
} from "./context.ts";
import { fitContext } from "./fit-context.ts";

/** How a reply is asked for, besides the messages. */
export type TurnOptions = Omit<GenerateRequest, "messages">;

/** What a turn goes on from. One per conversation and model. */
export type TurnState = {
  readonly context: Context;
  /** The prompt of the turn before, as it was sent; empty for the first. */
  readonly sent: string;
  /** Tokens of segments that were counted already. */
  readonly counts: WeakMap<Segment, number>;
  /** Messages that were made already: an engine knows by the object that it has seen one before. */
  readonly made: WeakMap<ContextMessage, ChatMessage>;
  /** Hashes of messages, for the ledger: a long conversation is not hashed whole again at each turn. */
  readonly hashes: WeakMap<ContextMessage, string>;
};

/** Where a conversation begins, or goes on in another process. */
export function openTurns(context: Context): TurnState {
  return { context, sent: "", counts: new WeakMap(), made: new WeakMap(), hashes: new WeakMap() };
}

/** Tokens of one kind of stretch; `template` is what the model's template and the joints add. */
export type PartTokens = { readonly part: ContextPart | "template"; readonly tokens: number };

/** The prompt as it was sent: so many characters of the turn before's, then `text`. */
export type SentPrompt = {
  readonly extends: number;
  readonly text: string;
  readonly tokens: number;
  readonly exact: boolean;
  readonly parts: readonly PartTokens[];
};

/** One reply and all that was asked for it. Survives JSON. */
export type Turn = {
  readonly text: string;
  /** What a server told apart as reasoning. */
  readonly reasoning?: string;
  /** `stop`, `length`, or `no-room`. */
  readonly finish: string;
  readonly usage: TokenUsage;
  /** Absent when there was no room for the prompt. */
  readonly sent?: SentPrompt;
  /** What had to be shortened, and the context that came of it. */
  readonly compacted?: {
    readonly context: Context;
    readonly tokensBefore: number;
    readonly shortened: readonly Shortened[];
  };
  /** Why there is no reply and will be none: the conversation has outgrown its model. */
  readonly noRoom?: string;
};

const NO_USAGE: TokenUsage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };
/** A reply's whole limit is kept free for it, but never more than this part of the context. */
const MOST_FOR_REPLY = 1 / 4;

/**
 * Asks a model for one reply, once.
 *
 * The prompt is counted before it is sent. One that leaves too little room for the reply is shortened by the
 * rule of `compactNext`, and the turn says so; one that does not fit even then is the outcome `no-room`.
 * Everything else that goes wrong is thrown.
 */
export async function takeTurn(
  { model, onText = () => {} }: { readonly model: Model; readonly onText?: (text: string) => void },
  { state, options }: { readonly state: TurnState; readonly options: TurnOptions },
  signal: AbortSignal,
): Promise<Turn> {
  const { thinking, maxTokens } = options;
  let counted: { readonly messages: readonly ChatMessage[]; readonly rendered: RenderedPrompt } | undefined;
  const room = model.contextTokens - Math.min(maxTokens, Math.floor(model.contextTokens * MOST_FOR_REPLY));
  const { context, shortened, tokensBefore } = await fitContext(state.context, room, async (candidate) => {
    const messages = messagesOf(candidate, state.made);
    counted = { messages, rendered: await model.render({ messages, thinking }, signal) };
    return counted.rendered.tokens;
  });
  if (counted === undefined) throw new Error("a prompt was not counted");
  const compacted = shortened.length === 0 ? {} : { compacted: { context, tokensBefore, shortened } };
  const { messages, rendered } = counted;
  const request = { ...options, messages, maxTokens: replyLimit(model, rendered, maxTokens) };
  // Before the model is asked: a server that fails to count must not cost a reply that was there already.
  const sent = await describeSent({ model, signal }, { ...state, context }, rendered);
  try {
    const reply = await collect(model, { request, onText }, signal);
    return { ...reply, sent, ...compacted };
  } catch (error) {
    // Trying again can't help a conversation that does not fit, so that is an outcome.
    if (!(error instanceof AtosError) || error.code !== "engine/context-overflow") throw error;
    return { text: "", finish: "no-room", usage: NO_USAGE, noRoom: error.message, ...compacted };
  }
}

/** What a turn leaves behind, whether or not its reply can be used. Pure, so that a replay comes to the same. */
export function afterTurn(state: TurnState, { sent, compacted }: Turn): TurnState {
  return {
    context: compacted?.context ?? state.context,
    sent: sent === undefined ? state.sent : state.sent.slice(0, sent.extends) + sent.text,
    counts: state.counts,
    made: state.made,
    hashes: state.hashes,
  };
}

/** Some servers refuse a request whose limit reaches beyond their context. A bound says too little to cut by it. */
function replyLimit(model: Model, { tokens, exact }: RenderedPrompt, maxTokens: number): number {
  return exact ? Math.max(1, Math.min(maxTokens, model.contextTokens - tokens)) : maxTokens;
}

async function collect(
  model: Model,
  { request, onText }: { readonly request: GenerateRequest; readonly onText: (text: string) => void },
  signal: AbortSignal,
): Promise<Pick<Turn, "text" | "reasoning" | "finish" | "usage">> {
  let text = "";
  let reasoning = "";
  for await (const part of model.generate(request, signal)) {
    if (part.kind === "end") {
      return { text, ...(reasoning === "" ? {} : { reasoning }), finish: part.finish, usage: part.usage };
    }
    if (part.kind === "text") text += part.text;
    else reasoning += part.text;
    onText(part.text);
  }
  throw new AtosError("engine/stream-cut", `the reply of ${model.id} ended without saying why`);
}

type Counting = { readonly model: Model; readonly signal: AbortSignal };

async function describeSent(counting: Counting, state: TurnState, rendered: RenderedPrompt): Promise<SentPrompt> {
  const { text, tokens, exact } = rendered;
  const same = commonLength(state.sent, text);
  return { extends: same, text: text.slice(same), tokens, exact, parts: await partTokens(counting, state, tokens) };
}

/** Characters that two texts begin with in common. */
function commonLength(a: string, b: string): number {
  if (b.startsWith(a)) return a.length;
  let same = 0;
  while (same < b.length && a.charCodeAt(same) === b.charCodeAt(same)) same++;
  return same;
}

async function partTokens(
  { model, signal }: Counting,
  { context, counts }: TurnState,
  total: number,
): Promise<readonly PartTokens[]> {
  const sums = new Map<ContextPart, number>();
  for (const segment of context.flatMap(({ segments }) => segments)) {
    const tokens = counts.get(segment) ?? (await model.countText(segment.text, signal));
    counts.set(segment, tokens);
    sums.set(segment.part, (sums.get(segment.part) ?? 0) + tokens);
  }
  const counted = [...sums.values()].reduce((sum, tokens) => sum + tokens, 0);
  const parts = CONTEXT_PARTS.flatMap((part) => {
    const tokens = sums.get(part);
    return tokens === undefined ? [] : [{ part, tokens }];
  });
  // Tokens can join across a border between stretches, so that the whole is a little less than its parts.
  return [{ part: "template", tokens: Math.max(0, total - counted) }, ...parts];
}
