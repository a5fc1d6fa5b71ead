import { matchTool } from "./match-tool.ts";
import type { ToolDefinition } from "./tool-definition.ts";

/** The text of a turn and the tools it may call. Remembers where marks stand, so that looking for one is cheap. */
export class Source {
  readonly text: string;
  readonly tools: readonly ToolDefinition[];
  readonly #next = new Map<string, { readonly from: number; readonly at: number }>();
  readonly #matches = new Map<string, ToolDefinition | undefined>();

  constructor(text: string, tools: readonly ToolDefinition[]) {
    this.text = text;
    this.tools = tools;
  }

  /** Where `mark` next stands at or behind `from`; -1 when it does not. */
  find(mark: string, from: number): number {
    const known = this.#next.get(mark);
    if (known !== undefined && from >= known.from && (known.at < 0 || from <= known.at)) return known.at;
    const at = this.text.indexOf(mark, from);
    this.#next.set(mark, { from, at });
    return at;
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
