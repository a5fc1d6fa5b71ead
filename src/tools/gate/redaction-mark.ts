import type { JsonValue } from "../../engine/dialects/reading.ts";

const MARK = /\[(?:[A-Za-z]+ ){0,2}(?:key|token|secret|password) taken out\]/;

/** What stands in the place of a secret that was taken out. */
export function redactionMark(kind: string): string {
  return `[${kind} taken out]`;
}

/** The first such mark in the texts of a value: who writes it back puts it in the place of the secret. Pure. */
export function heldMark(value: JsonValue): string | undefined {
  if (typeof value === "string") return MARK.exec(value)?.[0];
  if (value === null || typeof value !== "object") return undefined;
  for (const each of Object.values(value)) {
    const mark = heldMark(each);
    if (mark !== undefined) return mark;
  }
  return undefined;
}
