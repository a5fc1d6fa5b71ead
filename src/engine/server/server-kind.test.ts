import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServerAnswers, serverIdentity } from "./server-kind.ts";

const none: ServerAnswers = {
  models: undefined,
  props: undefined,
  version: undefined,
  ollamaVersion: undefined,
  studioModels: undefined,
};

function identify(answers: Partial<ServerAnswers>, host = "127.0.0.1:8080", model = "m") {
  return serverIdentity({ ...none, ...answers }, host, model);
}

test("knows llama.cpp by its properties, with the context of one slot", () => {
  const props = { default_generation_settings: { n_ctx: 1024 }, total_slots: 4, build_info: "b9900-0c1e570" };
  const version = "b9900-0c1e570";
  assert.deepEqual(identify({ props }), { kind: "llama.cpp", version, contextTokens: 1024, slots: 4 });
  // A router with nothing loaded says 0.
  const idle = { default_generation_settings: { n_ctx: 0 }, role: "router" };
  assert.deepEqual(identify({ props: idle }), { kind: "llama.cpp" });
});

test("knows vLLM by its version and by the owner of its models", () => {
  const models = { data: [{ id: "m", owned_by: "vllm", max_model_len: 32_768 }] };
  const version = { version: "0.31.0" };
  assert.deepEqual(identify({ models, version }), { kind: "vllm", version: "0.31.0", contextTokens: 32_768 });
  assert.deepEqual(identify({ models, version }, "h", "adapter"), { kind: "vllm", version: "0.31.0" });
  const other = { data: [{ id: "m", owned_by: "sglang", max_model_len: 4096 }] };
  assert.deepEqual(identify({ models: other, version }), { kind: "openai", contextTokens: 4096 });
});

test("knows Ollama by its version, and nothing of its context yet", () => {
  const models = { data: [{ id: "m", owned_by: "library" }] };
  const ollamaVersion = { version: "0.40.12" };
  assert.deepEqual(identify({ models, ollamaVersion }), { kind: "ollama", version: "0.40.12" });
});

test("knows LM Studio by its list of states, with the context of a model that is loaded", () => {
  const loaded = { id: "m", state: "loaded", max_context_length: 131_072, loaded_context_length: 4096 };
  const idle = { id: "n", state: "not-loaded", max_context_length: 131_072 };
  const studioModels = { object: "list", data: [loaded, idle] };
  // It answers whatever it does not know with 200 and an error.
  const unexpected = { error: "Unexpected endpoint or method. (GET /props)" };
  const answers = { studioModels, props: unexpected, version: unexpected, ollamaVersion: unexpected };
  assert.deepEqual(identify(answers), { kind: "lm-studio", contextTokens: 4096 });
  assert.deepEqual(identify(answers, "h", "n"), { kind: "lm-studio" });
});

test("knows the router of Hugging Face by its host, with the smallest context of those that may serve", () => {
  const providers = [
    { provider: "groq", status: "live", context_length: 131_072 },
    { provider: "novita", status: "live", context_length: 65_536 },
    { provider: "gone", status: "error", context_length: 2048 },
    { provider: "silent", status: "live" },
  ];
  const models = { data: [{ id: "org/m", owned_by: "org", providers }] };
  const contextOf = (model: string) => identify({ models }, "router.huggingface.co", model);
  assert.deepEqual(contextOf("org/m"), { kind: "hugging-face", contextTokens: 65_536 });
  assert.deepEqual(contextOf("org/m:groq"), { kind: "hugging-face", contextTokens: 131_072 });
  assert.deepEqual(contextOf("org/m:fastest"), { kind: "hugging-face", contextTokens: 65_536 });
  assert.deepEqual(contextOf("org/m:silent"), { kind: "hugging-face" });
  assert.deepEqual(contextOf("org/other"), { kind: "hugging-face" });
  assert.deepEqual(identify({ models }, "router.huggingface.co.example.org", "org/m"), { kind: "openai" });
});

test("takes everything else for a plain server, with the context its list may tell", () => {
  assert.deepEqual(identify({}), { kind: "openai" });
  assert.deepEqual(identify({ models: "nonsense", props: [], version: 1, ollamaVersion: null }), { kind: "openai" });
  for (const name of ["context_length", "context_window"])
    assert.deepEqual(identify({ models: { data: [{ id: "m", [name]: 5000 }] } }), {
      kind: "openai",
      contextTokens: 5000,
    });
});
