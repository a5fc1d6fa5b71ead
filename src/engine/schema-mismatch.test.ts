import assert from "node:assert/strict";
import { test } from "node:test";
import { readJsonSchema } from "./json-schema-check.ts";
import { schemaMismatch } from "./schema-mismatch.ts";

const schema = readJsonSchema({
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 2 },
    size: { anyOf: [{ type: "integer" }, { type: "null" }] },
    tags: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
  },
  required: ["name"],
});

test("finds nothing wrong with a text that fits", () => {
  for (const text of [`{"name":"x"}`, ` {"tags":["a","b"],"size":null,"name":"xy"}\n`, `{"name":"😀😀","size":-3}`])
    assert.equal(schemaMismatch(text, schema), undefined);
});

test("says what does not fit, and where", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    [`{"name":"x"`, /^it is no JSON: /],
    ["7", /^it is no object$/],
    ["{}", /^it lacks the property "name"$/],
    [`{"name":"x","more":1}`, /^it has the unknown property "more"$/],
    [`{"name":""}`, /^it\.name has a length of 0, outside 1 to 2$/],
    [`{"name":"xyz"}`, /length of 3/],
    [`{"name":"x","size":1.5}`, /^it\.size is no integer, and it\.size is not null$/],
    [`{"name":"x","tags":["a","c"]}`, /^it\.tags\[1\] is none of the listed values$/],
    [`{"name":"x","tags":["a","b","a"]}`, /number of items of 3/],
  ];
  for (const [text, message] of wrong) assert.match(schemaMismatch(text, schema) ?? "nothing", message);
});

test("takes no number for an integer that is not exactly one", () => {
  assert.equal(schemaMismatch("1e400", { kind: "number" }), "it is no number");
  assert.equal(schemaMismatch("9007199254740993", { kind: "integer" }), "it is no integer");
});
