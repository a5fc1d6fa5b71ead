import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { checkJsonSchema, readJsonSchema } from "./json-schema-check.ts";
import type { JsonSchema } from "./model.ts";

test("reads every kind of schema, with references resolved", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    description: "changes nothing",
    properties: {
      name: { type: "string", minLength: 1, maxLength: 40 },
      kind: { enum: ["a", 1, null] },
      fixed: { const: true },
      flags: { type: "array", items: { type: "boolean" }, maxItems: 3 },
      size: { anyOf: [{ type: "integer" }, { type: "null" }] },
      part: { type: ["number", "null"] },
      other: { $ref: "#/$defs/leaf" },
    },
    required: ["name"],
    additionalProperties: false,
    $defs: { leaf: { type: "object" } },
  };
  const property = (name: string, value: unknown, required = false) => ({ name, required, schema: value });
  assert.deepEqual(readJsonSchema(schema), {
    kind: "object",
    properties: [
      property("name", { kind: "string", minLength: 1, maxLength: 40 }, true),
      property("kind", { kind: "literals", values: ["a", 1, null] }),
      property("fixed", { kind: "literals", values: [true] }),
      property("flags", { kind: "array", items: { kind: "boolean" }, minItems: 0, maxItems: 3 }),
      property("size", { kind: "any-of", options: [{ kind: "integer" }, { kind: "null" }] }),
      property("part", { kind: "any-of", options: [{ kind: "number" }, { kind: "null" }] }),
      property("other", { kind: "object", properties: [] }),
    ],
  });
});

test("takes what zod writes, integers included", () => {
  const schema = z.strictObject({ name: z.string().max(20), size: z.int(), tags: z.array(z.enum(["a", "b"])).max(2) });
  checkJsonSchema(z.toJSONSchema(schema));
});

test("refuses what a grammar can't hold, and says where it stands", () => {
  const refusals: readonly (readonly [JsonSchema, RegExp])[] = [
    [{}, /^the schema has no type/],
    [{ type: "date" }, /unknown type "date"/],
    [{ type: "string" }, /has no maxLength; give it one of at most 10000/],
    [{ type: "string", maxLength: 10_001 }, /no range of at most 10000/],
    [{ type: "string", minLength: 5, maxLength: 4 }, /no range/],
    [{ type: "string", maxLength: 9, pattern: "^a" }, /uses pattern/],
    [{ type: "string", format: "date", maxLength: 10 }, /uses format/],
    [{ type: "array", items: { type: "null" } }, /has no maxItems/],
    [{ type: "array", maxItems: 2 }, /the schema \/ items is undefined/],
    [{ type: "integer", minimum: 0 }, /has a minimum or maximum/],
    [{ type: "number", multipleOf: 2 }, /uses multipleOf/],
    [{ type: ["string", "null"] }, /lists the type string among others/],
    [{ enum: [] }, /without values/],
    [{ const: { a: 1 } }, /only simple values/],
    [{ type: "object", additionalProperties: { type: "null" } }, /additionalProperties/],
    [{ type: "object", required: ["a"] }, /requires "a", which is no property/],
    [{ type: "object", properties: { a: { items: 1, type: "boolean" } } }, /^the schema \/ a uses items/],
    [{ allOf: [] }, /has no type/],
    [{ $ref: "#/$defs/missing" }, /none of its \$defs/],
    [{ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } }, /refers to itself/],
    [{ type: "integer", enum: [1, "a"] }, /has the value "a", which is not of its type "integer"/],
    [{ type: "string", const: 5 }, /has the value 5, which is not of its type "string"/],
    [{ type: "integer", const: 1.5 }, /not of its type/],
  ];
  for (const [schema, message] of refusals)
    assert.throws(() => checkJsonSchema(schema), { code: "engine/unsupported-schema", exitCode: 2, message });
});

test("refuses a schema whose references multiply", () => {
  const level = (next: number) => ({
    type: "object",
    properties: Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, { $ref: `#/$defs/${next}` }])),
  });
  const levels = Array.from({ length: 15 }, (_, at) => [`${at}`, level(at + 1)] as const);
  const schema = { $ref: "#/$defs/0", $defs: { ...Object.fromEntries(levels), 15: { type: "null" } } };
  assert.throws(() => checkJsonSchema(schema), { message: /is written out in more than 10000 parts/ });
});
