import assert from "node:assert/strict";
import test from "node:test";
import type { ModelSource } from "../engine/model.ts";
import { billionsOf, fixRoundsOf } from "./fix-rounds.ts";

function served(model: string): ModelSource {
  return { kind: "openai", id: model, baseUrl: "http://127.0.0.1:1", model, contextTokens: 1 };
}

test("reads a model's size from its names", () => {
  const sizes = ["qwen2.5-coder:7b", "Qwen3-30B-A3B", "llama-0.5B-q8_0", "devstral", "gemma-3n-e4b", "a/14b-x"].map(
    (name) => billionsOf(served(name)),
  );
  assert.deepEqual(sizes, [7, 30, 0.5, undefined, undefined, 14]);
  assert.equal(billionsOf({ kind: "gguf", id: "coder", path: "/models/qwen2.5-coder-32b-q4_k_m.gguf" }), 32);
});

test("a large model may repair more often, and one of unknown size counts as small", () => {
  const models = [served("coder:7b"), served("coder:14b"), served("unknown")];
  assert.deepEqual(fixRoundsOf(models, { small: 2, large: 4 }), { "coder:7b": 2, "coder:14b": 4, unknown: 2 });
});
