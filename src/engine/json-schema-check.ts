import { type AtosError, usageError } from "../base/errors.ts";
import type { JsonSchema } from "./model.ts";

/** A JSON schema as a grammar can hold it: references resolved, everything bounded. */
export type BoundedSchema =
  | { readonly kind: "literals"; readonly values: readonly Literal[] }
  | { readonly kind: "string"; readonly minLength: number; readonly maxLength: number }
  | { readonly kind: "integer" | "number" | "boolean" | "null" }
  | {
      readonly kind: "array";
      readonly items: BoundedSchema;
      readonly minItems: number;
      readonly maxItems: number;
    }
  | { readonly kind: "object"; readonly properties: readonly Property[] }
  | { readonly kind: "any-of"; readonly options: readonly BoundedSchema[] };

export type Literal = string | number | boolean | null;
export type Property = { readonly name: string; readonly required: boolean; readonly schema: BoundedSchema };

const MAX_REPEATS = 10_000;
const MAX_DEPTH = 32;
/** References multiply: each use of a definition is written out. */
const MAX_NODES = 10_000;

/**
 * Refuses a schema that a grammar can't hold in all it says (`engine/unsupported-schema`); the message
 * names the place and the keyword.
 *
 * Held are `type` (one name, or several without `string`, `array` and `object`), `const` and `enum` of
 * simple values that are of the `type`, `anyOf` and `oneOf`, `properties`, `required`, `additionalProperties: false` (also
 * when absent), `items`, `minItems`, `maxItems`, `minLength`, `maxLength`, and `$ref` into `$defs`
 * without recursion. Annotations such as `description` change nothing. A string needs a `maxLength`
 * and an array a `maxItems`, both at most 10,000: without a bound a small model writes on until its
 * reply is cut, and a bound that the author did not choose would cut text unseen.
 */
export function checkJsonSchema(schema: JsonSchema): void {
  readJsonSchema(schema);
}

/** The same, and returns what was read. */
export function readJsonSchema(schema: JsonSchema): BoundedSchema {
  return readNode(schema, { at: "the schema", root: schema, depth: 0, read: { nodes: 0 } });
}

type Place = {
  readonly at: string;
  readonly root: JsonSchema;
  readonly depth: number;
  /** Counts over the whole schema. */
  readonly read: { nodes: number };
};

const ANNOTATIONS = ["$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples"];
const LARGEST = Number.MAX_SAFE_INTEGER;

function readNode(node: unknown, place: Place): BoundedSchema {
  if (!isRecord(node)) throw refused(place, `is ${JSON.stringify(node)}, and must be an object`);
  if (place.depth > MAX_DEPTH) throw refused(place, `is nested more than ${MAX_DEPTH} deep, or refers to itself`);
  place.read.nodes += 1;
  if (place.read.nodes > MAX_NODES) throw refused(place, `is written out in more than ${MAX_NODES} parts`);
  if ("$ref" in node) return readReference(node, place);
  if ("const" in node) return readLiterals(node, [node["const"]], only(node, place, ["const", "type"]));
  if ("enum" in node) return readLiterals(node, node["enum"], only(node, place, ["enum", "type"]));
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!(keyword in node)) continue;
    return readOptions(node[keyword], below(only(node, place, [keyword]), keyword));
  }
  const { type } = node;
  if (Array.isArray(type)) return readTypes(type, only(node, place, ["type"]));
  switch (type) {
    case "string":
      return readString(node, only(node, place, ["type", "minLength", "maxLength"]));
    case "array":
      return readArray(node, only(node, place, ["type", "items", "minItems", "maxItems"]));
    case "object":
      return readObject(node, only(node, place, ["type", "properties", "required", "additionalProperties"]));
    case "integer":
      return readInteger(node, only(node, place, ["type", "minimum", "maximum"]));
    case "number":
    case "boolean":
    case "null":
      only(node, place, ["type"]);
      return { kind: type };
    default:
      throw refused(place, type === undefined ? "has no type" : `has the unknown type ${JSON.stringify(type)}`);
  }
}

function readReference(node: JsonSchema, place: Place): BoundedSchema {
  const { $ref } = node;
  only(node, place, ["$ref"]);
  const name = typeof $ref === "string" && $ref.startsWith("#/$defs/") ? $ref.slice("#/$defs/".length) : undefined;
  const definitions = place.root["$defs"];
  if (name === undefined || !isRecord(definitions) || !Object.hasOwn(definitions, name))
    throw refused(place, `refers to ${JSON.stringify($ref)}, which is none of its $defs`);
  return readNode(definitions[name], below(place, `$ref(${name})`));
}

function readLiterals({ type }: JsonSchema, values: unknown, place: Place): BoundedSchema {
  if (!Array.isArray(values) || values.length === 0) throw refused(place, "has an enum without values");
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  return {
    kind: "literals",
    values: values.map((value: unknown): Literal => {
      if (!isLiteral(value))
        throw refused(place, `has the value ${JSON.stringify(value)}, and only simple values can be listed`);
      if (type !== undefined && !types.some((name) => isOfType(value, name)))
        throw refused(
          place,
          `has the value ${JSON.stringify(value)}, which is not of its type ${JSON.stringify(type)}`,
        );
      return value;
    }),
  };
}

function isLiteral(value: unknown): value is Literal {
  return value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
}

function isOfType(value: Literal, type: unknown): boolean {
  if (value === null) return type === "null";
  return type === "integer" ? Number.isSafeInteger(value) : typeof value === type;
}

function readOptions(options: unknown, place: Place): BoundedSchema {
  if (!Array.isArray(options) || options.length === 0) throw refused(place, "must be a list of schemas");
  return {
    kind: "any-of",
    options: options.map((option: unknown, index) => readNode(option, below(place, `${index}`))),
  };
}

function readTypes(types: readonly unknown[], place: Place): BoundedSchema {
  for (const type of types) {
    if (type !== "string" && type !== "array" && type !== "object") continue;
    throw refused(place, `lists the type ${type} among others; write one schema for each under anyOf`);
  }
  return readOptions(
    types.map((type) => ({ type })),
    place,
  );
}

function readString(node: JsonSchema, place: Place): BoundedSchema {
  const [minLength, maxLength] = bounds(node, ["minLength", "maxLength"], place);
  return { kind: "string", minLength, maxLength };
}

function readArray(node: JsonSchema, place: Place): BoundedSchema {
  const [minItems, maxItems] = bounds(node, ["minItems", "maxItems"], place);
  return { kind: "array", items: readNode(node["items"], below(place, "items")), minItems, maxItems };
}

function readObject(node: JsonSchema, place: Place): BoundedSchema {
  const { properties = {}, required = [], additionalProperties = false } = node;
  if (!isRecord(properties)) throw refused(place, "has properties that are no object");
  if (additionalProperties !== false)
    throw refused(place, "allows additionalProperties, whose number and names have no bound");
  const names: readonly unknown[] = Array.isArray(required) ? required : [required];
  const unknown = names.find((name) => typeof name !== "string" || !Object.hasOwn(properties, name));
  if (unknown !== undefined) throw refused(place, `requires ${JSON.stringify(unknown)}, which is no property of it`);
  return {
    kind: "object",
    properties: Object.entries(properties).map(([name, schema]) => ({
      name,
      required: names.includes(name),
      schema: readNode(schema, below(place, name)),
    })),
  };
}

/** Bounds as wide as what a number can hold say nothing; schema generators write them for every integer. */
function readInteger(node: JsonSchema, place: Place): BoundedSchema {
  const { minimum = -LARGEST, maximum = LARGEST } = node;
  if (minimum !== -LARGEST || maximum !== LARGEST)
    throw refused(place, "has a minimum or maximum; list the values in an enum, or check them afterwards");
  return { kind: "integer" };
}

function bounds(node: JsonSchema, [least, most]: readonly [string, string], place: Place): readonly [number, number] {
  const { [least]: minimum = 0, [most]: maximum } = node;
  if (maximum === undefined) throw refused(place, `has no ${most}; give it one of at most ${MAX_REPEATS}`);
  if (!isCount(minimum) || !isCount(maximum) || minimum > maximum)
    throw refused(place, `has a ${least} and ${most} that are no range of at most ${MAX_REPEATS}`);
  return [minimum, maximum];
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_REPEATS;
}

function only(node: JsonSchema, place: Place, keywords: readonly string[]): Place {
  const other = Object.keys(node).find((key) => !keywords.includes(key) && !ANNOTATIONS.includes(key));
  if (other !== undefined) throw refused(place, `uses ${other}, which a grammar can't hold here`);
  return place;
}

function below(place: Place, step: string): Place {
  return { ...place, at: `${place.at} / ${step}`, depth: place.depth + 1 };
}

function refused({ at }: Place, why: string): AtosError {
  return usageError("engine/unsupported-schema", `${at} ${why}; change the schema of the reply`);
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
