import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LlamaProcess } from "./llama-process.ts";

test("throws when no process can be started, and nothing else happens afterwards", async () => {
  const { execPath } = process;
  process.execPath = "/none/node";
  try {
    assert.throws(() => new LlamaProcess("tiny"), {
      code: "engine/child-died",
      message: /no process could be started for the model tiny/,
    });
  } finally {
    process.execPath = execPath;
  }
  // The same failure comes as an event too, and would end this process if nobody listened.
  await turn();
});
