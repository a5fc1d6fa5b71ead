import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, templateProblem, type TemplateValues } from "./fill.ts";

function text(template: string, values: TemplateValues): string {
  return fill(template, values)
    .map((segment) => segment.text)
    .join("");
}

test("a value that looks like a place or a block stays as it is", () => {
  assert.deepEqual(fill("{{goal}}!", { goal: "{{spec}}{{#why}}x{{/why}}", spec: "no" }), [
    { part: "goal", text: "{{spec}}{{#why}}x{{/why}}" },
    { part: "rules", text: "!" },
  ]);
});

test("a place without a value is an error that names it", () => {
  assert.throws(() => fill("{{gaol}}", { goal: "x" }), { code: "agents/bad-prompt", message: /\{\{gaol\}\}.*goal/ });
  assert.throws(() => fill("{{toString}}", { goal: "x" }), { code: "agents/bad-prompt" });
  assert.throws(() => fill("{{spec}}", { goal: "x" }), { code: "agents/bad-prompt", message: /\{\{spec\}\}/ });
});

test("a block is shown only when its value says something", () => {
  const template = "{{spec}}\n\n{{#map}}\nThe project:\n\n{{map}}\n\n{{/map}}\nAnswer.";
  assert.equal(text(template, { spec: "S", map: "a.py" }), "S\n\nThe project:\n\na.py\n\nAnswer.");
  for (const values of [{ spec: "S", map: "" }, { spec: "S", map: " \n" }, { spec: "S" }])
    assert.equal(text(template, values), "S\n\nAnswer.");
});

test("a block at the end leaves nothing behind, blocks may hold others, and one line may hold several", () => {
  assert.equal(text("A\n\n{{#map}}\n{{map}}\n{{/map}}", { map: "" }), "A");
  const nested = "{{#files}}F {{files}}{{#tests}} T {{tests}}{{/tests}}.{{/files}}";
  assert.equal(text(nested, { files: "f", tests: "t" }), "F f T t.");
  assert.equal(text(nested, { files: "f", tests: "" }), "F f.");
  assert.equal(text(nested, { files: "", tests: "t" }), "");
  assert.equal(text("{{#why}}1{{/why}}{{#goal}}2{{/goal}}{{#why}}3{{/why}}", { why: "x", goal: "" }), "13");
});

test("stretches are told apart by what they are for", () => {
  const template = "a {{task}} b {{map}} c {{tried}} d {{language}}";
  const parts = fill(template, { task: "1", map: "2", tried: "3", language: "4" }).map(({ part }) => part);
  assert.deepEqual(parts, ["rules", "goal", "rules", "work", "rules", "observation", "rules", "rules"]);
});

test("a template that can't be filled is found out before it is used", () => {
  const cases: readonly (readonly [string, RegExp | undefined])[] = [
    ["{{goal}} {{#map}}{{map}}{{/map}} {{ spaced }} {single}", undefined],
    ["{{colour}}", /\{\{colour\}\} is no value/],
    ["{{#colour}}{{/colour}}", /\{\{#colour\}\} is no value/],
    ["{{constructor}}", /no value/],
    ["{{#map}} x", /\{\{#map\}\} is never closed/],
    ["x {{/map}}", /\{\{\/map\}\} closes/],
    ["{{#map}}{{#task}}{{/map}}{{/task}}", /\{\{\/map\}\} closes/],
    ["{{#map}}{{#map}}{{/map}}{{/map}}", /inside itself/],
  ];
  for (const [template, expected] of cases) {
    if (expected === undefined) assert.equal(templateProblem(template), undefined);
    else assert.match(templateProblem(template) ?? "", expected, template);
  }
});
