import type { ChatMessage } from "../engine/model.ts";

/**
 * What a stretch of a prompt is for. `work` is what is to be judged, `correction` says why a reply could
 * not be read.
 */
export const CONTEXT_PARTS = [
  "role",
  "tools",
  "rules",
  "goal",
  "tests",
  "work",
  "recall",
  "reply",
  "observation",
  "correction",
] as const;
export type ContextPart = (typeof CONTEXT_PARTS)[number];

export type Segment = { readonly part: ContextPart; readonly text: string };

/** One chat message; its text is that of its segments, joined by nothing. */
export type ContextMessage = { readonly role: ChatMessage["role"]; readonly segments: readonly Segment[] };

/**
 * What a model is told and what it said, from the first message on. Only ever appended to, so that each
 * request extends the one before and the model's cache stays good; `fitContext` alone shortens one, and
 * that is recorded.
 */
export type Context = readonly ContextMessage[];

/** The context with one more message, which must not have the role of the last one: not every template knows such a pair. */
export function append(context: Context, message: ContextMessage): Context {
  if (context.at(-1)?.role === message.role) throw new Error(`two messages in a row of the role ${message.role}`);
  return [...context, message];
}

/** The context with the model's reply to its last message. */
export function heard(context: Context, text: string): Context {
  return append(context, { role: "assistant", segments: [{ part: "reply", text }] });
}

/** The chat messages of a context. With `made` a message that was made before is the very same object again. */
export function messagesOf(context: Context, made?: WeakMap<ContextMessage, ChatMessage>): readonly ChatMessage[] {
  return context.map((message) => {
    const known = made?.get(message);
    if (known !== undefined) return known;
    const { role, segments } = message;
    const chat = { role, content: segments.map(({ text }) => text).join("") };
    made?.set(message, chat);
    return chat;
  });
}
