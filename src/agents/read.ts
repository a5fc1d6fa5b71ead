/** What came of reading a model's reply. `why` is short, exact, and meant for the model. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** A reply without its reasoning and without control characters; a reasoning block that never closes swallows the rest. */
export function withoutReasoning(reply: string): string {
  const plain = reply.replaceAll("\r\n", "\n").replace(/[^\P{Cc}\n\t]/gu, "");
  return plain.replace(/<think(?:ing)?>[\s\S]*?(?:<\/think(?:ing)?>|$)/g, "").trim();
}

/** `KEY: value` of one line, the key in any case, with Markdown marks around it ignored. */
export function keyLine(line: string): { readonly key: string; readonly value: string } | undefined {
  const match = /^[\s*#>_-]*([A-Za-z]+)[\s*_]*:[\s*_]*(.*?)\s*$/.exec(line);
  if (match === null) return undefined;
  return { key: (match[1] ?? "").toUpperCase(), value: (match[2] ?? "").replace(/^`|`$/g, "") };
}
