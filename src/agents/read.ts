/** What came of reading a model's reply. `why` is short, exact, and meant for the model. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const REASONING = /^\s*<think(?:ing)?>[\s\S]*?(?:<\/think(?:ing)?>|$)/;
/** Some templates open the block themselves, so that a reply begins inside it. Past a fence it is the text of a file. */
const REST_OF_REASONING = /^(?:(?!<think|```|~~~)[\s\S])*?<\/think(?:ing)?>/;

/** A reply without the reasoning it begins with; a block that never closes swallows the rest. */
export function withoutReasoning(reply: string): string {
  return reply.replaceAll("\r\n", "\n").replace(REASONING, "").replace(REST_OF_REASONING, "").trim();
}

/** The lines of a reply that are to be shown and kept: no reasoning, no control characters. */
export function replyLines(reply: string): readonly string[] {
  return withoutReasoning(reply)
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .split("\n");
}

/** `KEY: value` of one line, the key in any case, with Markdown marks around it ignored. */
export function keyLine(line: string): { readonly key: string; readonly value: string } | undefined {
  const match = /^[\s*#>_-]*([A-Za-z]+)[\s*_]*:[\s*_]*(.*?)\s*$/.exec(line);
  if (match === null) return undefined;
  return { key: (match[1] ?? "").toUpperCase(), value: (match[2] ?? "").replace(/^`|`$/g, "") };
}
