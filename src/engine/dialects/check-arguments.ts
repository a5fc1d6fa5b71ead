import { type ArgumentForm, argumentForm } from "./argument-form.ts";
import { coerceValue } from "./coerce-value.ts";
import { type JsonObject, type JsonValue, WHYS, type Why } from "./reading.ts";
import type { ToolDefinition, ToolProperty } from "./tool-definition.ts";
import { type Entry, isNull, plainValue, someValue, stringValue, type Value } from "./value.ts";
import { trimSpace } from "./white-space.ts";

/** What is wrong with a call, for the program and for the model. */
export type Problem = { readonly why: Why; readonly message: string };
export type Checked =
  | { readonly ok: true; readonly arguments: JsonObject }
  | { readonly ok: false; readonly problem: Problem };

const COMMENTARY = new Set(["thought", "reason", "reasoning", "explanation", "description", "comment", "purpose"]);

/**
 * Holds the arguments of a call against the schema of its tool: aliases are resolved, types converted where
 * nothing has to be guessed. Of several problems the first in the order of `WHYS` is told.
 */
export function checkArguments(tool: ToolDefinition, form: ArgumentForm): Checked {
  const settled = withPlainValue(tool, form);
  const problems: Problem[] = [];
  const report = (why: Why, message: string) => void problems.push({ why, message });
  if (settled.problem !== undefined) report(settled.problem, problemText(settled.problem, tool));
  for (const [key, value] of settled.named) {
    if (someValue(value, (inner) => inner.kind === "expression"))
      report("not-literal", `${tool.name}: write the value of ${shown(key)} as a literal; nothing is evaluated.`);
    if (key.includes("\0") || someValue(value, hasNul))
      report("nul-in-argument", `${tool.name}: ${shown(key)} holds a NUL byte; leave it out.`);
  }
  const given = gather(tool, settled, report);
  const args: Record<string, JsonValue> = {};
  for (const [key, property] of Object.entries(tool.parameters.properties)) {
    const value = given.get(key);
    if (value === undefined) {
      if (tool.parameters.required.includes(key)) report("missing-argument", missingText(tool, given));
      continue;
    }
    const coerced = coerceValue(value, property, settled.xml === true);
    if (coerced.ok) define(args, key, coerced.value);
    else report(coerced.why, `${tool.name}: ${key} ${coerced.message}`);
  }
  for (const [key, value] of given)
    if (!Object.hasOwn(tool.parameters.properties, key)) define(args, key, plainValue(value) ?? null);
  const worst = WHYS.map((why) => problems.find((problem) => problem.why === why)).find((found) => found !== undefined);
  return worst === undefined ? { ok: true, arguments: args } : { ok: false, problem: worst };
}

/** The argument that a plain value stands for: the only required one, when it is a string. */
function plainArgument(tool: ToolDefinition): string | undefined {
  const [only, ...more] = tool.parameters.required;
  if (only === undefined || more.length > 0) return undefined;
  return tool.parameters.properties[only]?.type === "string" ? only : undefined;
}

/** The property an argument name means: its own name, else the one it is an alias of. */
export function propertyNamed(tool: ToolDefinition, key: string): string | undefined {
  const { properties } = tool.parameters;
  if (Object.hasOwn(properties, key)) return key;
  return Object.keys(properties).find((name) => properties[name]?.["x-aliases"]?.includes(key));
}

function withPlainValue(tool: ToolDefinition, form: ArgumentForm): ArgumentForm {
  const [value, ...more] = form.positional;
  if (value === undefined || form.problem !== undefined) return form;
  if (more.length > 0) return { ...form, problem: "ambiguous" };
  if (value.kind === "string" && form.named.length === 0) {
    const inner = argumentForm(value);
    if (inner.problem !== undefined || inner.named.length > 0) return inner;
    if (/^\s*[[{]/.test(value.value)) return inner;
  }
  const key = plainArgument(tool);
  if (key === undefined) return { ...form, problem: "ambiguous" };
  return { ...form, named: [[key, value], ...form.named] };
}

function hasNul(value: Value): boolean {
  if (value.kind === "string") return value.value.includes("\0");
  return value.kind === "object" && value.entries.some(([key]) => key.includes("\0"));
}

/** One value for each argument; `null` counts as absent. */
function gather(
  tool: ToolDefinition,
  form: ArgumentForm,
  report: (why: Why, message: string) => void,
): Map<string, Value> {
  const given = new Map<string, Value>();
  const seen = new Set<string>();
  for (const [key, written] of form.named) {
    if (seen.has(key)) report("conflicting-arguments", `${tool.name}: ${shown(key)} is given twice; give it once.`);
    seen.add(key);
    const name = propertyNamed(tool, key);
    if (name === undefined) {
      if (COMMENTARY.has(key)) continue;
      if (tool.parameters.additionalProperties === false) report("unknown-argument", unknownText(tool, key));
      else given.set(key, written);
      continue;
    }
    const property = tool.parameters.properties[name];
    const value =
      form.xml === true && property !== undefined
        ? trimmed(written, property, tool.parameters.required.includes(name))
        : written;
    if (isNull(value)) continue;
    const earlier = given.get(name);
    if (earlier === undefined) given.set(name, value);
    else if (property !== undefined && !sameValue(earlier, value, property))
      report("conflicting-arguments", `${tool.name}: ${name} is given under two names with different values.`);
  }
  return given;
}

/** Between tags all is text: there the word for nothing means nothing, unless text is asked for. */
function trimmed(value: Value, property: ToolProperty, isRequired: boolean): Value {
  if (value.kind !== "string" || property["x-verbatim"] === true) return value;
  const text = trimSpace(value.value);
  const nothing = !(isRequired && property.type === "string") && /^(?:null|None)$/.test(text);
  return nothing ? { kind: "literal", value: null } : stringValue(text);
}

function sameValue(one: Value, other: Value, property: ToolProperty): boolean {
  const settle = (value: Value) => {
    const coerced = coerceValue(value, property, false);
    return JSON.stringify(coerced.ok ? coerced.value : plainValue(value));
  };
  return settle(one) === settle(other);
}

/** As an own property, also when it is called `__proto__`. */
function define(args: Record<string, JsonValue>, key: string, value: JsonValue): void {
  Object.defineProperty(args, key, { value, enumerable: true, configurable: true, writable: true });
}

function problemText(why: Why, tool: ToolDefinition): string {
  const names = Object.keys(tool.parameters.properties).join(", ");
  if (why === "ambiguous") return `${tool.name}: it is not clear which argument the value is; name each one: ${names}.`;
  if (why === "not-literal") return `${tool.name}: write all values as literals; nothing is evaluated.`;
  return `${tool.name}: the arguments can't be read; write one JSON object with ${names}.`;
}

function missingText(tool: ToolDefinition, given: ReadonlyMap<string, Value>): string {
  const missing = tool.parameters.required.filter((key) => !given.has(key));
  const names = missing.length === 1 ? `the argument ${missing[0]} is` : `the arguments ${missing.join(", ")} are`;
  return `${tool.name}: ${names} missing; write the call again with all required ones.`;
}

function unknownText(tool: ToolDefinition, key: string): string {
  const names = Object.keys(tool.parameters.properties).join(", ");
  return `${tool.name}: it has no argument ${shown(key)}; its arguments are ${names}.`;
}

function shown(key: Entry[0]): string {
  return JSON.stringify(key.slice(0, 40));
}
