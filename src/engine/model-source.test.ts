import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModelAddress } from "./model-source.ts";

const options = { directory: "/place", home: "/home/ada" };

test("reads a server's address with the model after #", () => {
  assert.deepEqual(parseModelAddress("http://127.0.0.1:8080/v1#qwen2.5-coder:7b", options), {
    kind: "server",
    model: "qwen2.5-coder:7b",
    baseUrl: "http://127.0.0.1:8080/v1",
  });
  const given = { contextTokens: 32768, apiKeyVariable: "KEY", apiKeyFile: "~/key" };
  assert.deepEqual(parseModelAddress("https://host/api/v1/#org%2Fmodel", { ...options, ...given }), {
    kind: "server",
    model: "org/model",
    baseUrl: "https://host/api/v1",
    contextTokens: 32768,
    apiKeyVariable: "KEY",
    apiKeyFile: "/home/ada/key",
  });
});

test("leaves the model and the context of a server open when nobody names them, and adds the usual /v1", () => {
  const server = { kind: "server", baseUrl: "http://localhost:11434/v1" };
  for (const text of ["http://localhost:11434", "http://localhost:11434/", "HTTP://localhost:11434/v1#"])
    assert.deepEqual(parseModelAddress(text, options), server);
});

test("reads the path of a model file, however it is written", () => {
  const paths = {
    "/models/a.b.gguf": "/models/a.b.gguf",
    "models/a.b.gguf": "/place/models/a.b.gguf",
    "../a.b.GGUF": "/a.b.GGUF",
    "~/a.b.gguf": "/home/ada/a.b.gguf",
    "file:///models/a.b.gguf": "/models/a.b.gguf",
    "file:///m%20s/a.b.gguf": "/m s/a.b.gguf",
  };
  for (const [text, path] of Object.entries(paths))
    assert.deepEqual(parseModelAddress(text, options), { kind: "gguf", id: "a.b", path });
  assert.deepEqual(parseModelAddress("a.gguf", { ...options, contextTokens: 2048 }), {
    kind: "gguf",
    id: "a",
    path: "/place/a.gguf",
    contextTokens: 2048,
  });
});

test("refuses anything else, and shows what is accepted", () => {
  const bad = [
    "",
    "  ",
    "qwen2.5",
    "model.bin",
    "ftp://host/model.gguf",
    "http://",
    "http://host/v1?key=1#m",
    "http://host/v1#%zz",
    "file://host/model.gguf",
    "file:model.gguf",
    "~ada/model.gguf",
  ];
  for (const text of bad)
    assert.throws(() => parseModelAddress(text, options), {
      code: "engine/bad-model-address",
      exitCode: 2,
      message: /accepted forms: http:\/\/HOST:PORT\/v1#MODEL.*\.gguf/,
    });
});

test("does not repeat a password that was put into an address", () => {
  assert.throws(
    () => parseModelAddress("https://ada:hunter2@host/v1#m", options),
    (error) => error instanceof Error && !error.message.includes("hunter2") && /name or password/.test(error.message),
  );
});
