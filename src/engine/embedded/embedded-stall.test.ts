import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asking, never, readReply } from "../../../test/fixtures/embedded.ts";
import { writeEmbeddingGguf, writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import { loadEmbedder } from "./embedder.ts";
import { loadEmbeddedModel, type LoadOptions } from "./embedded-model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-stall-"));
const path = join(directory, "loop.gguf");
before(() => writeScriptedGguf(path, { script: "tick tock ", loop: true, contextTokens: 32768 }));
after(() => rmSync(directory, { recursive: true, force: true }));

const source = { kind: "gguf", id: "tiny", path, contextTokens: 32768, deterministic: false } as const;
const load = (options: Partial<LoadOptions>) => loadEmbeddedModel(source, { threads: 1, signal: never, ...options });
const endless = asking("x", { maxTokens: 30_000 });
const stalled = (phase: string, message: RegExp) => ({
  code: "engine/child-stalled",
  exitCode: 1,
  message,
  details: { phase },
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("ends a process that hangs in the middle of a reply, and fails all who wait for it", async () => {
  await using model = await load({ stallMs: 500 });
  const died = stalled("run", /tiny gave no sign of life for 500 ms \(generate\) and was ended; load the model again/);
  const counted = model.countText("x");
  const reply = readReply(model, endless);
  await counted;
  process.kill(model.pid, "SIGSTOP");
  await Promise.all([assert.rejects(reply, died), assert.rejects(model.countText("x"), died)]);
  await assert.rejects(readReply(model, endless), died);
  await model[Symbol.asyncDispose]();
  assert.equal(isAlive(model.pid), false);
});

test("ends a process that does not even count a prompt", async () => {
  await using model = await load({ stallMs: 400 });
  process.kill(model.pid, "SIGSTOP");
  await assert.rejects(model.countText("x"), stalled("run", /for 400 ms \(count-text\)/));
});

test("lets a reply wait for its slot as long as another one is computed", async () => {
  await using model = await load({ stallMs: 400 });
  const first = new AbortController();
  const reason = new Error("long enough");
  setTimeout(() => first.abort(reason), 1500);
  const running = assert.rejects(readReply(model, endless, first.signal), reason);
  const waiting = readReply(model, asking("y", { maxTokens: 3 }));
  await running;
  assert.equal((await waiting).end.usage.outputTokens, 3);
});

test("ends a process that has not loaded by the deadline", async () => {
  await assert.rejects(load({ deadlineMs: 1 }), stalled("load", /for 1 ms \(load\)/));
  const embedder = join(directory, "embedder.gguf");
  writeEmbeddingGguf(embedder);
  const embedding = loadEmbedder(
    { kind: "gguf", id: "e", path: embedder },
    { threads: 1, signal: never, deadlineMs: 1 },
  );
  await assert.rejects(embedding, stalled("load", /load-embedder/));
});

test("ends a process that hangs in a resize", async () => {
  await using model = await load({ deadlineMs: 6000 });
  process.kill(model.pid, "SIGSTOP");
  const size = { slots: 2, contextTokens: 1024 };
  await assert.rejects(model.resize(size, never), stalled("load", /for 6000 ms \(resize\)/));
});
