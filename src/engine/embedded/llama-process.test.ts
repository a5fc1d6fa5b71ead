import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import { resolveSettings } from "./gguf-settings.ts";
import { LlamaProcess } from "./llama-process.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-process-"));
after(() => rmSync(directory, { recursive: true, force: true }));

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

test("tells how far a long prompt is evaluated, between its batches", async () => {
  const path = join(directory, "tiny.gguf");
  writeScriptedGguf(path, { script: "yes" });
  await using child = new LlamaProcess("tiny");
  const settings = resolveSettings({ batchTokens: 128 });
  await child.askFor("loaded", { kind: "load", path, threads: 1, settings });
  const messages = [{ role: "user" as const, content: "x".repeat(400) }];
  const request = { messages, maxTokens: 10, temperature: 0, seed: 1 };
  const told: unknown[] = [];
  for await (const answer of child.ask({ kind: "generate", request }))
    told.push(answer.kind === "progress" ? answer.promptTokens : answer.kind);
  assert.deepEqual(told.slice(0, 4), [128, 256, 384, "part"]);
});

test("says in which phase a process died, and what for, most likely", async () => {
  const path = join(directory, "died.gguf");
  writeScriptedGguf(path, { script: "yes" });
  for (const [signal, likelyMemory] of [
    ["SIGKILL", true],
    ["SIGABRT", true],
    ["SIGTERM", false],
  ] as const) {
    await using child = new LlamaProcess("tiny");
    const loading = child.askFor("loaded", { kind: "load", path, threads: 1, settings: resolveSettings({}) });
    process.kill(child.pid, signal);
    const details = { phase: "load", signal, status: undefined, likelyMemory };
    await assert.rejects(loading, { code: "engine/child-died", details });
  }
  await using child = new LlamaProcess("tiny");
  await child.askFor("loaded", { kind: "load", path, threads: 1, settings: resolveSettings({}) });
  process.kill(child.pid, "SIGKILL");
  const details = { phase: "run", signal: "SIGKILL", status: undefined, likelyMemory: true };
  await assert.rejects(child.askFor("counted", { kind: "count-text", text: "x" }), { details });
});

test("shows a child the GPUs it is given", async () => {
  await using child = new LlamaProcess("tiny", ["0"]);
  const environment = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
  assert.ok(environment.includes("CUDA_VISIBLE_DEVICES=0"));
});
