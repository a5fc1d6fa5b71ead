import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { AtosError, messageOf, missingError } from "../base/errors.ts";
import type { ChatMessage } from "./model.ts";

/** A stretch of a prompt: either the template's own words, or what a person, a file or a model wrote. */
export type PromptPiece = { readonly origin: "template" | "content"; readonly text: string };

/** Renders messages, ready for the model to answer. */
export type ChatTemplate = (messages: readonly ChatMessage[]) => readonly PromptPiece[];

export type TemplateTokens = { readonly bos: string; readonly eos: string };

/**
 * Compiles a model's Jinja chat template.
 *
 * The template never sees a message's content: it renders a mark in its place, and the content goes
 * where the mark came out. So the caller can tell the template's control tokens from text that only
 * looks like them, and content arrives unchanged, even where a template would trim it. A template
 * has no clock: the same messages render the same prompt on every day.
 *
 * @throws `engine/bad-chat-template` here when the source does not parse; when rendering, as
 * `engine/chat-template-failed`, when the template refuses the messages or leaves one out.
 */
export function compileChatTemplate(source: string, tokens: TemplateTokens): ChatTemplate {
  const program = parseTemplate(source);
  return (messages) => {
    const environment = new Environment();
    for (const [name, value] of Object.entries(GLOBALS)) environment.set(name, value);
    environment.set("bos_token", tokens.bos);
    environment.set("eos_token", tokens.eos);
    environment.set("add_generation_prompt", true);
    environment.set(
      "messages",
      // Empty content stays empty, so that a template's `if message.content` says what it means.
      messages.map(({ role, content }, index) => ({ role, content: content === "" ? "" : markOf(index) })),
    );
    return piecesOf(run(environment, program), messages);
  };
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
function piecesOf(rendered: string, messages: readonly ChatMessage[]): readonly PromptPiece[] {
  const parts = rendered.split(MARK);
  const shown = new Set(parts.filter((_, position) => position % 2 === 1).map(Number));
  for (const [index, { role, content }] of messages.entries()) {
    if (content === "" || shown.has(index)) continue;
    const why = `the model's chat template leaves out message ${index + 1} of ${messages.length} (${role})`;
    throw new AtosError("engine/chat-template-failed", `${why}; put its text into another message`);
  }
  return parts
    .map(
      (text, position): PromptPiece =>
        position % 2 === 0
          ? { origin: "template", text }
          : { origin: "content", text: messages[Number(text)]?.content ?? "" },
    )
    .filter((piece) => piece.text !== "");
}
