import { usageError } from "../base/errors.ts";
import type { ContextPart, Segment } from "./context.ts";

/** Every value that templates may ask for, and what it is for; the words around values are rules. */
const PART_OF_VALUE = {
  goal: "goal",
  spec: "goal",
  plan: "goal",
  task: "goal",
  interfaces: "goal",
  done: "goal",
  languages: "rules",
  language: "rules",
  rules: "rules",
  tests: "tests",
  files: "work",
  map: "work",
  ours: "work",
  theirs: "work",
  results: "observation",
  failure: "observation",
  tried: "observation",
  why: "correction",
} as const satisfies Readonly<Record<string, ContextPart>>;

export type ValueName = keyof typeof PART_OF_VALUE;

export const VALUE_NAMES: readonly ValueName[] = Object.keys(PART_OF_VALUE).filter(isValueName);

export type TemplateValues = Readonly<Partial<Record<ValueName, string>>>;

/**
 * Puts values into a template's `{{name}}` places, in one pass: a value that itself holds `{{…}}` stays as it is.
 * What stands between `{{#name}}` and `{{/name}}` is left out when the value is missing or blank; such a mark alone on
 * its line goes with its line. The stretches come out told apart by what they are for. Pure.
 *
 * @throws {AtosError} `agents/bad-prompt` for a place without a value.
 */
export function fill(template: string, values: TemplateValues): readonly Segment[] {
  // Splitting by a pattern with one group gives the words around and the names in turn.
  const segments = withoutEmptyBlocks(template, values)
    .split(/\{\{(\w+)\}\}/)
    .map((text, position): Segment => {
      if (position % 2 === 0) return { part: "rules", text };
      const name = valueName(text);
      const value = name === undefined ? undefined : values[name];
      if (name === undefined || value === undefined)
        throw usageError(
          "agents/bad-prompt",
          `a prompt asks for {{${text}}}; there are ${Object.keys(values).join(", ")}`,
        );
      return { part: PART_OF_VALUE[name], text: value };
    });
  return segments.filter(({ text }) => text !== "");
}

/** What is wrong with a template, whatever its values will be; undefined when it can be filled. Pure. */
export function templateProblem(template: string): string | undefined {
  const open: string[] = [];
  for (const [mark, sign = "", name = ""] of template.matchAll(/\{\{([#/]?)(\w+)\}\}/g)) {
    if (valueName(name) === undefined) return `${mark} is no value; there are ${VALUE_NAMES.join(", ")}`;
    if (sign === "#" && open.includes(name)) return `${mark} stands inside itself`;
    if (sign === "#") open.push(name);
    if (sign === "/" && open.pop() !== name) return `${mark} closes what was not opened last`;
  }
  const unclosed = open.at(-1);
  return unclosed === undefined ? undefined : `{{#${unclosed}}} is never closed by {{/${unclosed}}}`;
}

function valueName(text: string): ValueName | undefined {
  return isValueName(text) ? text : undefined;
}

function isValueName(text: string): text is ValueName {
  return Object.hasOwn(PART_OF_VALUE, text);
}

function withoutEmptyBlocks(template: string, values: TemplateValues): string {
  const resolve = (text: string): string =>
    text.replaceAll(/\{\{#(\w+)\}\}([\s\S]*?)\{\{\/\1\}\}/g, (_, name: string, inner: string) => {
      const known = valueName(name);
      // Ends: what is inside is shorter than what it is inside of.
      return known === undefined || (values[known] ?? "").trim() === "" ? "" : resolve(inner);
    });
  return resolve(template.replaceAll(/^(\{\{[#/]\w+\}\})[ \t]*\n/gm, "$1")).trimEnd();
}
