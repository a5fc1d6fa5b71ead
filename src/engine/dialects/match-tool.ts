import type { ToolDefinition } from "./tool-definition.ts";
import { trimSpace } from "./white-space.ts";

const QUOTES = /^["'`“”‘’]+|["'`“”‘’]+$/g;

/**
 * The offered tool a written name means. A prefix up to the last `.`, `:`, `/` or `__`, `()` at the end and
 * quotes are removed; then case (of ASCII), `_`, `-` and spaces do not count. Nothing else is guessed.
 */
export function matchTool(written: string, tools: readonly ToolDefinition[]): ToolDefinition | undefined {
  const exact = tools.find(({ name }) => name === written);
  if (exact !== undefined) return exact;
  const key = keyOf(bareName(written));
  if (key === "") return undefined;
  const found = tools.filter(({ name }) => keyOf(name) === key || keyOf(bareName(name)) === key);
  return found.length === 1 ? found[0] : undefined;
}

function bareName(written: string): string {
  let name = unquoted(written);
  if (name.endsWith("()")) name = unquoted(name.slice(0, -2));
  const cut = Math.max(
    name.lastIndexOf(".") + 1,
    name.lastIndexOf(":") + 1,
    name.lastIndexOf("/") + 1,
    name.includes("__") ? name.lastIndexOf("__") + 2 : 0,
  );
  // A prefix is a name too; with white space in it, it is a sentence.
  return /\s/.test(name.slice(0, cut)) ? name : unquoted(name.slice(cut));
}

function unquoted(name: string): string {
  return trimSpace(trimSpace(name).replace(QUOTES, ""));
}

function keyOf(name: string): string {
  return name.replaceAll(/[ _-]/g, "").replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
