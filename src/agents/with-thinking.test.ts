import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestOption } from "../engine/model.ts";
import { withThinking } from "./with-thinking.ts";

const options = { maxTokens: 700, temperature: 0, seed: 0 };

function known(...names: readonly RequestOption[]) {
  return { options: new Set(names) };
}

test("a model that can be told thinks only where somebody wants it to", () => {
  assert.deepEqual(withThinking(options, undefined, known("thinking")), { ...options, thinking: "off" });
  assert.deepEqual(withThinking(options, "off", known("thinking")), { ...options, thinking: "off" });
  assert.deepEqual(withThinking(options, "on", known("thinking", "thinkingBudgetTokens")), {
    ...options,
    maxTokens: 2748,
    thinking: "on",
    thinkingBudgetTokens: 2048,
  });
});

test("one that can't be told gets what nobody can refuse: room for its thoughts", () => {
  assert.deepEqual(withThinking(options, "on", known()), { ...options, maxTokens: 2748 });
  assert.deepEqual(withThinking(options, undefined, known()), options);
});
