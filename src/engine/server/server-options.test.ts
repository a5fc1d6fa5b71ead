import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateRequest } from "../model.ts";
import type { ServerIdentity } from "./server-kind.ts";
import { checkShape, optionFields, serverOptions } from "./server-options.ts";

const request: GenerateRequest = {
  messages: [{ role: "user", content: "hello" }],
  maxTokens: 100,
  temperature: 0,
  seed: 1,
};
const full: GenerateRequest = {
  ...request,
  thinking: "off",
  stop: ["END"],
  topK: 0,
  topP: 0.9,
  minP: 0.1,
  repeatPenalty: 1.1,
  presencePenalty: 0.5,
  frequencyPenalty: -0.5,
  shape: { kind: "json-schema", schema: { type: "object" } },
};
const shape = { type: "json_schema", json_schema: { name: "reply", strict: true, schema: { type: "object" } } };
const common = {
  stop: ["END"],
  top_p: 0.9,
  min_p: 0.1,
  presence_penalty: 0.5,
  frequency_penalty: -0.5,
  response_format: shape,
};

function listed(identity: ServerIdentity, thinks = false): readonly string[] {
  return [...serverOptions(identity, thinks)].toSorted();
}

test("lists for each kind what it honours, and no more", () => {
  const standard = ["frequencyPenalty", "presencePenalty", "stop", "topP"];
  const llama = [...standard, "minP", "repeatPenalty", "shape", "topK"].toSorted();
  assert.deepEqual(listed({ kind: "openai" }), standard);
  assert.deepEqual(listed({ kind: "hugging-face" }), standard);
  assert.deepEqual(listed({ kind: "llama.cpp" }), llama);
  assert.deepEqual(listed({ kind: "vllm" }, true), [...llama, "thinking"].toSorted());
  assert.deepEqual(listed({ kind: "lm-studio" }), [...standard, "repeatPenalty", "shape", "topK"].toSorted());
});

test("lists the penalties for an Ollama only since every model of it honours them", () => {
  for (const version of ["0.12.6", "0.29.9", "", "dev"])
    assert.deepEqual(listed({ kind: "ollama", version }), ["shape", "stop", "topP"]);
  for (const version of ["0.30.0", "v0.40.12", "1.0.0-rc1"])
    assert.deepEqual(listed({ kind: "ollama", version }, true), [
      "frequencyPenalty",
      "presencePenalty",
      "shape",
      "stop",
      "thinking",
      "topP",
    ]);
});

test("writes the options by the names each kind has for them", () => {
  const kwargs = { enable_thinking: false, thinking: false };
  assert.deepEqual(optionFields(full, "llama.cpp"), {
    ...common,
    top_k: 0,
    repeat_penalty: 1.1,
    repeat_last_n: 64,
    chat_template_kwargs: kwargs,
  });
  assert.deepEqual(optionFields(full, "vllm"), {
    ...common,
    top_k: -1,
    repetition_penalty: 1.1,
    chat_template_kwargs: kwargs,
  });
  const { topP, stop } = full;
  assert.deepEqual(optionFields({ ...request, topP, stop, thinking: "on" }, "ollama"), {
    top_p: 0.9,
    stop: ["END"],
    reasoning_effort: "medium",
  });
  assert.deepEqual(optionFields({ ...request, thinking: "off" }, "ollama"), { reasoning_effort: "none" });
});

test("adds nothing for what is left out", () => {
  assert.deepEqual(optionFields(request, "llama.cpp"), {});
  assert.deepEqual(optionFields({ ...request, stop: [], minP: undefined }, "openai"), {});
});

test("holds only llama.cpp to a grammar", () => {
  const gbnf = { kind: "gbnf", grammar: 'root ::= "yes"' } as const;
  checkShape(gbnf, "llama.cpp");
  checkShape(full.shape, "vllm");
  assert.deepEqual(optionFields({ ...request, shape: gbnf }, "llama.cpp"), { grammar: 'root ::= "yes"' });
  assert.throws(() => checkShape(gbnf, "vllm"), { code: "engine/unsupported-option", exitCode: 2, message: /vllm/ });
});
