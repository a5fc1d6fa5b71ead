import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { AtosError, messageOf, missingError } from "../../base/errors.ts";
import type { ChatMessage, Prompt } from "../model.ts";

/** A stretch of a prompt: the template's own words, what a person or a file said, or an earlier reply. */
export type PromptPiece = { readonly origin: "template" | "content" | "reply"; readonly text: string };

/** Renders a prompt, ready for the model to answer. */
export type ChatTemplate = {
  readonly source: string;
  /** Whether the template can be told to think or not (`enable_thinking`). */
  readonly hasThinking: boolean;
  render(prompt: Prompt): readonly PromptPiece[];
};

export type TemplateTokens = { readonly bos: string; readonly eos: string };

/**
 * Compiles a model's Jinja chat template.
 *
 * The template never sees a message's content: it renders a mark in its place, and the content goes
 * where the mark came out. So the caller can tell the template's control tokens from text that only
 * looks like them, and content arrives unchanged, even where a template would trim it. A template
 * has no clock: the same messages render the same prompt on every day. One that can't do without, as
 * Mistral's and gpt-oss's, is told the first day of 2025.
 *
 * A prompt extends the one that its last reply answered, byte for byte, whatever the template does to
 * earlier messages (many write an empty reasoning block before the reply that is asked for, and leave
 * it out once there is another message): what stood before a reply is rendered as it was then. Where
 * a template has no place for a system message, or moves it towards the end, it opens the first
 * message of the user.
 *
 * @throws `engine/bad-chat-template` here when the source does not parse; when rendering, as
 * `engine/chat-template-failed`, when the template refuses the messages or leaves one out.
 */
export function compileChatTemplate(source: string, tokens: TemplateTokens): ChatTemplate {
  const program = parseTemplate(source);
  const asksForClock = /\bstrftime_now\s+is\s+(?:not\s+)?defined\b/.test(source);
  const renderOnce: RenderOnce = ({ messages, thinking }) => {
    const environment = new Environment();
    for (const [name, value] of Object.entries(GLOBALS)) environment.set(name, value);
    environment.set("bos_token", tokens.bos);
    environment.set("eos_token", tokens.eos);
    environment.set("add_generation_prompt", true);
    if (!asksForClock) environment.set("strftime_now", formatStandingDate);
    if (thinking !== undefined) environment.set("enable_thinking", thinking === "on");
    environment.set(
      "messages",
      messages.map(({ role, content }, index) => {
        // Empty content stays empty, so that a template's `if message.content` says what it means; where a
        // reply stood has to be known even so.
        return { role, content: content === "" && role !== "assistant" ? "" : markOf(index) };
      }),
    );
    return placedPieces(run(environment, program), messages);
  };
  const hasSystem = keepsSystem(renderOnce);
  const render = ({ messages, thinking }: Prompt): readonly PromptPiece[] => {
    const pieces = extending(renderOnce, { messages: hasSystem ? messages : withoutSystem(messages), thinking });
    return pieces.filter(({ text }) => text !== "").map(({ origin, text }) => ({ origin, text }));
  };
  return { source, hasThinking: /\benable_thinking\b/.test(source), render };
}

/** A piece, and the number of the message it is. */
type PlacedPiece = PromptPiece & { readonly message?: number };
type RenderOnce = (prompt: Prompt) => readonly PlacedPiece[];

/** Up to the last reply the prompt that it answered, then what the template writes behind it now. */
function extending(renderOnce: RenderOnce, prompt: Prompt): readonly PlacedPiece[] {
  const { messages, thinking } = prompt;
  const pieces = renderOnce(prompt);
  const reply = messages.findLastIndex(({ role }) => role === "assistant");
  if (reply <= 0) return pieces;
  const place = pieces.findLastIndex(({ message }) => message === reply);
  const before = extending(renderOnce, { messages: messages.slice(0, reply), thinking });
  return [...before, ...pieces.slice(place)];
}

/** Whether a system message comes out, and before the reply to what follows it. */
function keepsSystem(renderOnce: RenderOnce): boolean {
  const messages = (["system", "user", "assistant", "user"] as const).map((role) => ({ role, content: "x" }));
  const works = (tried: readonly ChatMessage[]): readonly PlacedPiece[] | undefined => {
    try {
      return renderOnce({ messages: tried });
    } catch {
      return undefined;
    }
  };
  const order = works(messages)?.flatMap(({ message }) => message ?? []);
  const isKept = order !== undefined && order.lastIndexOf(0) < order.indexOf(2);
  // One that refuses both says at the first request what it can't do.
  return isKept || works(withoutSystem(messages)) === undefined;
}

function withoutSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const [system, user, ...rest] = messages;
  if (system?.role !== "system" || user?.role !== "user") return messages;
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...rest];
}

const MARK_START = "\uE000";
const MARK_END = "\uE001";
const MARK = new RegExp(`${MARK_START}(\\d+)${MARK_END}`);

/** What Hugging Face's renderer offers to templates, but for the clock. */
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (why: string): never => {
    throw new Error(why);
  },
  range: (start: number, stop?: number, step = 1): number[] => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
  },
};

const STANDING_DATE: Readonly<Record<string, string>> = {
  "%Y": "2025",
  "%y": "25",
  "%m": "01",
  "%-m": "1",
  "%B": "January",
  "%b": "Jan",
  "%d": "01",
  "%-d": "1",
  "%A": "Wednesday",
  "%a": "Wed",
  "%H": "00",
  "%M": "00",
  "%S": "00",
};

/** As Python's `strftime`, for what templates write. */
function formatStandingDate(format: string): string {
  return format.replace(/%-?[A-Za-z]/g, (code) => STANDING_DATE[code] ?? code);
}

type Program = ReturnType<typeof parse>;

function parseTemplate(source: string): Program {
  if (source.includes(MARK_START))
    throw missingError(
      "engine/bad-chat-template",
      "the model's chat template holds a character reserved by ATOS, U+E000",
    );
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (error) {
    const why = `the model's chat template can't be read: ${messageOf(error)}; use a GGUF file with a valid template`;
    throw missingError("engine/bad-chat-template", why, error);
  }
}

function run(environment: Environment, program: Program): string {
  try {
    return String(new Interpreter(environment).run(program).value);
  } catch (error) {
    throw new AtosError("engine/chat-template-failed", `the model's chat template refused: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function markOf(index: number): string {
  return `${MARK_START}${index}${MARK_END}`;
}

/** Splitting by a pattern with one group gives template text and message numbers in turn. */
function placedPieces(rendered: string, messages: readonly ChatMessage[]): readonly PlacedPiece[] {
  const parts = rendered.split(MARK);
  const shown = new Set(parts.filter((_, position) => position % 2 === 1).map(Number));
  for (const [index, { role, content }] of messages.entries()) {
    if (shown.has(index) || (content === "" && role !== "assistant")) continue;
    const why = `the model's chat template leaves out message ${index + 1} of ${messages.length} (${role})`;
    throw new AtosError("engine/chat-template-failed", `${why}; put its text into another message`);
  }
  return parts.map((text, position): PlacedPiece => {
    if (position % 2 === 0) return { origin: "template", text };
    const message = Number(text);
    const { role, content } = messages[message] ?? { role: "user", content: "" };
    return { origin: role === "assistant" ? "reply" : "content", text: content, message };
  });
}
