import type { JsonObject, JsonValue } from "../../engine/dialects/reading.ts";

const MAX_DEPTH = 64;

/** Whether `value` is an object of JSON: what is nested deeper than 64 is none. Pure. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isJson(value, 0);
}

function isJson(value: unknown, depth: number): value is JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > MAX_DEPTH) return false;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.every((item) => isJson(item, depth + 1));
}
