import { wholeJson } from "./argument-form.ts";
import { readPythonLiteral } from "./python-reader.ts";
import type { JsonValue } from "./reading.ts";
import type { ToolProperty } from "./tool-definition.ts";
import { plainValue, type Value } from "./value.ts";
import { trimSpace } from "./white-space.ts";

export type Coerced =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly why: "bad-type" | "bad-value"; readonly message: string };

const INTEGER = /^-?\d+$/;
const WHOLE = /^-?\d+(?:\.0+)?$/;
const NUMBER = /^-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * A value as the type its property states, where that needs no guess: numeric text, `"true"`, list text, one
 * string for a list. Types that are not known pass through. Values outside enum, range or length are refused.
 */
export function coerceValue(value: Value, property: ToolProperty, xml: boolean): Coerced {
  switch (property.type) {
    case "string":
      return coerceString(value, property);
    case "integer":
      return coerceNumber(value, property, xml);
    case "number":
      return coerceNumber(value, property, xml);
    case "boolean":
      return coerceBoolean(value);
    case "array":
      return coerceArray(value, property);
    case "object":
      return coerceObject(value);
    case undefined:
    default: {
      const plain = plainValue(value);
      return plain === undefined ? badType("can't be read") : checkEnum(plain, property);
    }
  }
}

function badType(message: string): Coerced {
  return { ok: false, why: "bad-type", message };
}

function coerceString(value: Value, property: ToolProperty): Coerced {
  const text = value.kind === "string" ? value.value : value.kind === "number" ? value.raw : undefined;
  if (text === undefined) return badType("must be a string.");
  const least = property.minLength ?? 0;
  if (text.length < least)
    return {
      ok: false,
      why: "bad-value",
      message: least === 1 ? "must not be empty." : `needs at least ${least} characters.`,
    };
  return checkEnum(text, property);
}

function coerceNumber(value: Value, property: ToolProperty, xml: boolean): Coerced {
  const whole = property.type === "integer";
  const kind = whole ? "must be a whole number." : "must be a number.";
  let number: number | undefined;
  if (value.kind === "number") number = value.value;
  else if (value.kind === "string") {
    const pattern = whole ? (xml ? WHOLE : INTEGER) : NUMBER;
    if (pattern.test(value.value)) number = Number(value.value);
  }
  if (number === undefined || !Number.isFinite(number) || (whole && !Number.isSafeInteger(number)))
    return badType(kind);
  const { minimum = -Infinity, maximum = Infinity } = property;
  if (number < minimum || number > maximum)
    return { ok: false, why: "bad-value", message: `is ${number}; it must be from ${minimum} to ${maximum}.` };
  // Minus zero is zero.
  return checkEnum(number + 0, property);
}

function coerceBoolean(value: Value): Coerced {
  if (value.kind === "literal" && value.value !== null) return { ok: true, value: value.value };
  if (value.kind === "string" && /^(?:true|True)$/.test(value.value)) return { ok: true, value: true };
  if (value.kind === "string" && /^(?:false|False)$/.test(value.value)) return { ok: true, value: false };
  return badType("must be true or false.");
}

function coerceArray(value: Value, property: ToolProperty): Coerced {
  if (value.kind === "array") return coerceItems(value.items, property);
  const message = 'must be a list such as ["a", "b"].';
  if (value.kind !== "string") return badType(message);
  const text = trimSpace(value.value);
  if (text.startsWith("[")) {
    const list = wholeList(text);
    return list === undefined ? badType(message) : coerceItems(list, property);
  }
  if (text.startsWith("{") || /[,\s]/.test(value.value)) return badType(message);
  return coerceItems([value], property);
}

function wholeList(text: string): readonly Value[] | undefined {
  const json = wholeJson(text);
  if (json?.kind === "array" && json.closed) return json.items;
  const python = readPythonLiteral(text);
  return python?.kind === "array" ? python.items : undefined;
}

function coerceItems(items: readonly Value[], property: ToolProperty): Coerced {
  const schema = itemSchema(property.items);
  const values: JsonValue[] = [];
  for (const item of items) {
    if (schema === undefined) {
      const plain = plainValue(item);
      if (plain === undefined) return badType("can't be read");
      values.push(plain);
      continue;
    }
    if (item.kind !== "string") return badType("must be a list of strings.");
    const coerced = coerceString(item, schema);
    if (!coerced.ok) return { ...coerced, message: `holds an item that ${coerced.message}` };
    values.push(coerced.value);
  }
  return { ok: true, value: values };
}

/** The schema of a list's items when they are strings; others are for the gate to check. */
function itemSchema(items: unknown): ToolProperty | undefined {
  if (typeof items !== "object" || items === null || !("type" in items) || items.type !== "string") return undefined;
  const minLength = "minLength" in items && typeof items.minLength === "number" ? items.minLength : 0;
  const values = "enum" in items && Array.isArray(items.enum) ? { enum: items.enum } : {};
  return { type: "string", minLength, ...values };
}

function coerceObject(value: Value): Coerced {
  const object = value.kind === "string" ? wholeJson(value.value) : value;
  const plain = object?.kind === "object" ? plainValue(object) : undefined;
  return plain === undefined ? badType("must be an object.") : { ok: true, value: plain };
}

function checkEnum(value: JsonValue, property: ToolProperty): Coerced {
  const allowed = property.enum;
  if (allowed === undefined) return { ok: true, value };
  const written = JSON.stringify(value);
  if (allowed.some((one) => JSON.stringify(one) === written)) return { ok: true, value };
  const list = allowed.map((one) => JSON.stringify(one)).join(", ");
  return { ok: false, why: "bad-value", message: `is ${written.slice(0, 60)}; it must be one of ${list}.` };
}
