import { CfWorkerJsonSchemaValidator } from "@modelcontextprotocol/client/validators/cf-worker";
import type { JsonObject } from "../../engine/dialects/reading.ts";
import { exceedsSize } from "./exceeds-size.ts";

/** Says what is wrong with arguments, or undefined. Pure. */
export type ArgumentCheck = (value: JsonObject) => string | undefined;

const MAX_SCHEMA_CHARS = 32 * 1024;
const MAX_WRITTEN_OUT = 10_000;
const MAX_PROBLEM_CHARS = 300;
/** A stranger's regular expressions are not run here: one can be made to take for ever. */
const NOT_RUN = new Set(["pattern", "patternProperties", "format"]);
/** Keys whose values are schemas by name, not a schema. */
const BY_NAME = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);

/**
 * The check of a tool's arguments by a schema that somebody else wrote: read, never made into code. A schema that
 * refers to itself, or would grow beyond bounds when written out, is too costly to trust; then only the server checks.
 *
 * @throws an error when it is no usable schema. Pure.
 */
export function argumentCheck(schema: Readonly<Record<string, unknown>>): ArgumentCheck {
  if (exceedsSize(schema, MAX_SCHEMA_CHARS))
    throw new Error(`its schema is larger than ${MAX_SCHEMA_CHARS} characters`);
  if (!isBounded(schema)) return () => undefined;
  const validate = new CfWorkerJsonSchemaValidator().getValidator(withoutPatterns(schema, false));
  // Finds references that lead nowhere now, and not in the middle of a run.
  validate({});
  return (value) => {
    const result = validate(value);
    return result.valid ? undefined : problemText(result.errorMessage);
  };
}

/** The validator tells of each level; the deepest is last and says what is wrong. */
function problemText(message: string): string {
  const last = message.split("; ").at(-1) ?? message;
  return last
    .replaceAll(/#\/?([^:]*): /g, (_, place: string) => (place === "" ? "" : `${place.replaceAll("/", ".")}: `))
    .slice(0, MAX_PROBLEM_CHARS);
}

function withoutPatterns(node: unknown, isByName: boolean): Record<string, unknown> {
  const entries = Object.entries(Object(node)).filter(([key]) => isByName || !NOT_RUN.has(key));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, withoutPatternsWithin(value, !isByName && BY_NAME.has(key))]),
  );
}

function withoutPatternsWithin(value: unknown, isByName: boolean): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutPatternsWithin(item, false));
  return typeof value === "object" && value !== null ? withoutPatterns(value, isByName) : value;
}

/** Whether the schema, each use of a reference written out, stays within bounds. */
function isBounded(root: Readonly<Record<string, unknown>>): boolean {
  let left = MAX_WRITTEN_OUT;
  const visit = (node: unknown, within: readonly string[]): boolean => {
    left -= 1;
    if (left < 0) return false;
    if (Array.isArray(node)) return node.every((item) => visit(item, within));
    if (typeof node !== "object" || node === null) return true;
    if ("$dynamicRef" in node || "$recursiveRef" in node) return false;
    const entries: readonly [string, unknown][] = Object.entries(node);
    return entries.every(([key, value]) => {
      if (key === "$defs" || key === "definitions") return true;
      if (key !== "$ref" || typeof value !== "string") return visit(value, within);
      const name = /^#\/(?:\$defs|definitions)\/([^/~%]+)$/.exec(value)?.[1];
      if (name === undefined || within.includes(name)) return false;
      return visit(definitionOf(root, name), [...within, name]);
    });
  };
  return visit(root, []);
}

/** @throws an error when there is none. */
function definitionOf(root: Readonly<Record<string, unknown>>, name: string): unknown {
  for (const key of ["$defs", "definitions"]) {
    const found = Object.entries(Object(root[key])).find(([own]) => own === name);
    if (found !== undefined) return found[1];
  }
  throw new Error(`its schema refers to ${name}, which it does not define`);
}
