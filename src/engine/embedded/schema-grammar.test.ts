import assert from "node:assert/strict";
import { test } from "node:test";
import { readJsonSchema } from "../json-schema-check.ts";
import type { JsonSchema } from "../model.ts";
import { schemaGrammar } from "./schema-grammar.ts";

/** The rules of a schema, without those of every grammar. */
function rules(schema: JsonSchema): readonly string[] {
  return schemaGrammar(readJsonSchema(schema))
    .split("\n")
    .filter((line) => /^(root|r\d+) ::=/.test(line));
}

test("writes properties in order, and lets optional ones be left out with their comma", () => {
  const properties = { a: { type: "null" }, b: { type: "boolean" } };
  assert.deepEqual(rules({ type: "object", properties, required: ["b"] }), [
    "root ::= r6",
    `r0 ::= "\\"b\\"" ws ":" ws boolean ws`,
    `r1 ::= "," ws r0 `,
    "r2 ::= r0 ",
    `r3 ::= "\\"a\\"" ws ":" ws null ws`,
    `r4 ::= "," ws r3 r1 | r1`,
    "r5 ::= r3 r1 | r2",
    `r6 ::= "{" ws r5 "}"`,
  ]);
});

test("escapes what a listed value holds", () => {
  assert.deepEqual(rules({ enum: ['a\n"b\\', 1] }), ["root ::= r0", String.raw`r0 ::= "\"a\\n\\\"b\\\\\"" | "1"`]);
});

test("repeats in parts what is repeated more than llama.cpp can count", () => {
  assert.deepEqual(rules({ type: "string", minLength: 5, maxLength: 2500 }), [
    "root ::= r7",
    "r0 ::= char{1000}",
    "r1 ::= char{1000}",
    "r2 ::= char{0,500}",
    "r3 ::= char{0,1000}",
    "r4 ::= r3 | r1 r2",
    "r5 ::= char{5,1000}",
    "r6 ::= r5 | r0 r4",
    `r7 ::= "\\"" r6 "\\""`,
  ]);
});
