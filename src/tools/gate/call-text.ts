import type { JsonObject, JsonValue } from "../../engine/dialects/reading.ts";
import { cutMiddle } from "./observe.ts";
import { redactNamed, type Redactor } from "./redact.ts";

/**
 * A call as a person reads it: its command where it is one, else its tool and arguments. Secrets are taken out, and
 * what would not be seen is written as a code. Pure.
 */
export function callText(
  name: string,
  value: JsonObject,
  { limitChars, redactor }: { readonly limitChars: number; readonly redactor: Redactor },
): string {
  const { command, ...others } = redactValues(value, redactor);
  const isCommand = typeof command === "string";
  const shown = Object.entries(isCommand || command === undefined ? others : { command, ...others });
  const list = shown.map(([key, each]) => `${key}: ${JSON.stringify(each)}`);
  const text = isCommand ? [`${name}: ${command}`, ...list].join("\n") : `${name}(${list.join(", ")})`;
  return cutMiddle(showUnseen(text), limitChars).text;
}

/** Writes characters that would not be seen, or would act on a terminal, as their codes. Line breaks and tabs stay. Pure. */
export function showUnseen(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[^\P{C}\n\t]|[^\P{Z} ]|\p{Default_Ignorable_Code_Point}/gu,
      (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
    );
}

/** The same values without the secrets in them. Pure. */
export function redactValues(value: JsonObject, redactor: Redactor): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redactor(key).text, redactValue(key, each, redactor)]),
  );
}

function redactValue(key: string, value: JsonValue, redactor: Redactor): JsonValue {
  if (typeof value === "string") return redactor(redactNamed(key, value).text).text;
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((each) => redactValue(key, each, redactor));
  return redactValues(value, redactor);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
