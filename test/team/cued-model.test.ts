import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { EmbeddedModel } from "../../src/engine/embedded/embedded-model.ts";
import { asking, loadFixture, readReply } from "../fixtures/embedded.ts";
import { writeScriptedGguf } from "../fixtures/make-gguf.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-cued-"));
let model: EmbeddedModel;
before(async () => {
  const path = join(directory, "cued.gguf");
  writeScriptedGguf(path, {
    contextTokens: 8192,
    script: "Nobody called me.",
    cued: [
      { when: ["the tester", "TASK: a", "again"], script: "The tester writes other tests of a." },
      { when: ["the tester", "TASK: a"], script: "The tester writes tests of a." },
      { when: ["the tester", "TASK: b"], script: "The tester writes tests of b." },
      { when: ["a developer"], script: "The developer writes code." },
      { when: ["a developer", "TASK: b"], script: "The developer writes code for b." },
      { when: ["a reviewer"], script: "The reviewer agrees." },
      { when: ["a reviewer"], script: "The reviewer does not agree." },
    ],
  });
  model = await loadFixture(path, { contextTokens: 8192 });
});
after(async () => {
  await model[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const LONG = "words between that mean nothing. ".repeat(180);

for (const [prompt, reply] of [
  ["Hello", "Nobody called me."],
  ["TASK: a", "Nobody called me."],
  ["You are a developer", "The developer writes code."],
  ["You are a developer. TASK: a", "The developer writes code."],
  ["You are a developer. TASK: b", "The developer writes code for b."],
  [`You are the tester.${LONG}TASK: b`, "The tester writes tests of b."],
  [`TASK: a, and you are the tester.${LONG}`, "The tester writes tests of a."],
  ["You are the tester. TASK: a. AFTER: TASK: b", "The tester writes tests of a."],
  ["You are the tester. TASK: a. TASK: b. TASK: b. Do it again", "The tester writes other tests of a."],
] as const)
  test(`a prompt of ${prompt.length} characters, ${JSON.stringify(prompt.slice(0, 40))}, is answered by its own script`, async () => {
    const said = await readReply(model, asking(prompt, { maxTokens: 200, temperature: 0.7 }));
    assert.equal(said.text, reply);
  });

test("of two scripts for one prompt the seed draws one", async () => {
  const drawn = new Map<number, string>();
  for (const [seed, temperature] of [
    [0, 0.2],
    [100, 0.7],
  ] as const)
    drawn.set(seed, (await readReply(model, asking("a reviewer", { maxTokens: 200, temperature, seed }))).text);
  assert.deepEqual(
    [...drawn],
    [
      [0, "The reviewer agrees."],
      [100, "The reviewer does not agree."],
    ],
  );
});
