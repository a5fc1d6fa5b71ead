import type { JsonValue } from "./reading.ts";

/**
 * A value as a model wrote it: keys given twice are still there, numbers still have their text, and an
 * object or list knows whether its own closer was written.
 */
export type Value =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number; readonly raw: string }
  | { readonly kind: "literal"; readonly value: boolean | null }
  | { readonly kind: "array"; readonly items: readonly Value[]; readonly closed: boolean }
  | ObjectValue
  /** Something that would have to be evaluated. */
  | { readonly kind: "expression" };

export type Entry = readonly [key: string, value: Value];
export type ObjectValue = { readonly kind: "object"; readonly entries: readonly Entry[]; readonly closed: boolean };

/**
 * How reading a value ended: with all closers; with closers at the end supplied; at the end of the text
 * with the value still open; or at something that can't stand there.
 */
export type ReadState = "complete" | "implied" | "open" | "broken";

export function stringValue(value: string): Value {
  return { kind: "string", value };
}

export function isNull(value: Value): boolean {
  return value.kind === "literal" && value.value === null;
}

/** Plain JSON; of a key given twice the last one. `undefined` where something would have to be evaluated. */
export function plainValue(value: Value): JsonValue | undefined {
  switch (value.kind) {
    case "array": {
      const items = value.items.map(plainValue);
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    case "object": {
      const entries: [string, JsonValue][] = [];
      for (const [key, item] of value.entries) {
        const plain = plainValue(item);
        if (plain === undefined) return undefined;
        entries.push([key, plain]);
      }
      return Object.fromEntries(entries);
    }
    case "expression":
      return undefined;
    case "string":
    case "number":
    case "literal":
      return value.value;
  }
}

/** Whether a value, or any within it, meets a condition. */
export function someValue(value: Value, meets: (value: Value) => boolean): boolean {
  if (meets(value)) return true;
  if (value.kind === "array") return value.items.some((item) => someValue(item, meets));
  if (value.kind === "object") return value.entries.some(([, item]) => someValue(item, meets));
  return false;
}
