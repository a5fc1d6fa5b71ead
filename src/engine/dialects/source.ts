import { matchTool } from "./match-tool.ts";
import type { ToolDefinition } from "./tool-definition.ts";
import { skipBlanks } from "./white-space.ts";

/** How often a text may be gone over. */
const MAX_READINGS = 32;

/** The text of a turn and the tools it may call. Remembers where marks stand, so that looking for one is cheap. */
export class Source {
  readonly text: string;
  readonly tools: readonly ToolDefinition[];
  readonly #next = new Map<string, { readonly from: number; readonly at: number }>();
  readonly #matches = new Map<string, ToolDefinition | undefined>();
  #budget: number;
  #paragraph = { from: 0, end: -1 };

  constructor(text: string, tools: readonly ToolDefinition[]) {
    this.text = text;
    this.tools = tools;
    this.#budget = MAX_READINGS * text.length + 100_000;
  }

  /**
   * Notes that `length` characters were looked at. `false`: the text has been gone over so often that nothing in
   * it is tried any more; only texts made for that come so far.
   */
  spend(length: number): boolean {
    this.#budget -= length;
    return this.#budget >= 0;
  }

  /** Where `mark` next stands at or behind `from`; -1 when it does not. */
  find(mark: string, from: number): number {
    const known = this.#next.get(mark);
    if (known !== undefined && from >= known.from && (known.at < 0 || from <= known.at)) return known.at;
    const at = this.text.indexOf(mark, from);
    this.#next.set(mark, { from, at });
    return at;
  }

  /** The end of the paragraph that `at` is in. */
  paragraphEnd(at: number): number {
    const { from, end } = this.#paragraph;
    if (at >= from && at <= end) return end;
    let line = this.text.indexOf("\n", at);
    while (line >= 0 && !isBlankLine(this.text, line + 1)) line = this.text.indexOf("\n", line + 1);
    const found = line < 0 ? this.text.length : line;
    this.#paragraph = { from: at, end: found };
    return found;
  }

  tool(name: string): ToolDefinition | undefined {
    if (name.length > 200) return undefined;
    if (!this.#matches.has(name)) this.#matches.set(name, matchTool(name, this.tools));
    return this.#matches.get(name);
  }

  offers(name: string): boolean {
    return this.tools.some((tool) => tool.name === name);
  }
}

function isBlankLine(text: string, lineStart: number): boolean {
  const at = skipBlanks(text, lineStart);
  return at >= text.length || text[at] === "\n";
}
