import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asking, loadFixture, never, readReply } from "../../../test/fixtures/embedded.ts";
import { writeRandomGguf, writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import { AtosError } from "../../base/errors.ts";
import type { EmbeddedModel } from "./embedded-model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-resize-"));
const random = join(directory, "random.gguf");
const vast = join(directory, "vast.gguf");
before(() => {
  writeRandomGguf(random);
  writeScriptedGguf(vast, { script: "tick ", loop: true, contextTokens: 2_000_000_000 });
});
after(() => rmSync(directory, { recursive: true, force: true }));

const free = { deterministic: false } as const;
const sizeOf = ({ capabilities, contextTokens }: EmbeddedModel) => ({ slots: capabilities.slots, contextTokens });
const request = asking("tell me a long story", { maxTokens: 60 });

/** Lets a process have so much more address space than it has now, or less. */
function limitMemory(pid: number, moreMib: number): void {
  const [, kib] = /VmSize:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  execFileSync("prlimit", ["--pid", String(pid), `--as=${Number(kib) * 1024 + moreMib * 2 ** 20}`]);
}

test("has another number of slots or another context, and answers as if it had been loaded so", async () => {
  await using model = await loadFixture(random, { ...free, contextTokens: 1024 });
  const { pid } = model;
  const sizes = [
    { slots: 3, contextTokens: 1024 },
    { slots: 1, contextTokens: 512 },
    { slots: 2, contextTokens: 2048 },
  ];
  await readReply(model, request);
  for (const size of sizes) {
    await model.resize(size, never);
    assert.deepEqual(sizeOf(model), size);
    const reply = await readReply(model, request);
    await using fresh = await loadFixture(random, { ...free, ...size });
    const { text, end } = await readReply(fresh, request);
    assert.deepEqual({ text: reply.text, end: reply.end }, { text, end });
  }
  assert.equal(model.pid, pid);
});

test("computes as many replies at once as it has slots now, each up to the whole context", async () => {
  await using model = await loadFixture(random, { ...free, contextTokens: 256 });
  await model.resize({ slots: 2, contextTokens: 512 }, never);
  const replies = ["a", "b", "c"].map((name) => readReply(model, asking(name)));
  for (const { end } of await Promise.all(replies)) assert.equal(end.usage.promptTokens + end.usage.outputTokens, 512);
});

test("keeps its caches when the size stays, and saves and restores those of its size now", async () => {
  await using model = await loadFixture(random, free);
  await readReply(model, request);
  await model.resize({ slots: 1, contextTokens: 4096 }, never);
  const kept = await model.saveCaches(join(directory, "kept"), never);
  assert.equal(kept.length, 1);
  await model.resize({ slots: 2, contextTokens: 4096 }, never);
  assert.deepEqual(await model.saveCaches(join(directory, "none"), never), []);
  for (const saved of kept) await assert.rejects(model.restoreCache(saved, never), { code: "engine/wrong-cache" });
  await model.resize({ slots: 1, contextTokens: 2048 }, never);
  for (const saved of kept) await model.restoreCache(saved, never);
  const { usage } = (await readReply(model, request)).end;
  assert.equal(usage.cachedTokens, usage.promptTokens - 1);
});

test("refuses while a reply is under way, and goes on when that has ended", async () => {
  await using model = await loadFixture(vast, free);
  const size = { slots: 2, contextTokens: 1024 };
  for await (const _ of model.generate(asking("x", { maxTokens: 3000 }), never)) {
    await assert.rejects(model.resize(size, never), { code: "engine/model-busy", exitCode: 1, message: /1 replies/ });
    break;
  }
  await model.resize(size, never);
  assert.deepEqual(sizeOf(model), size);
});

test("has replies wait that are asked for meanwhile, and refuses one that has no room any more", async () => {
  await using model = await loadFixture(random, free);
  const resized = model.resize({ slots: 2, contextTokens: 128 }, never);
  const long = assert.rejects(readReply(model, asking("x".repeat(500))), { code: "engine/context-overflow" });
  const { end } = await readReply(model, asking("x"));
  assert.equal(end.usage.promptTokens + end.usage.outputTokens, 128);
  await Promise.all([resized, long]);
});

test("refuses a size that can't be, and stays as it was", async () => {
  await using strict = await loadFixture(random);
  const before = sizeOf(strict);
  const to = (slots: number, contextTokens: number) => strict.resize({ slots, contextTokens }, never);
  await assert.rejects(to(2, 1024), { code: "engine/bad-setting", message: /can't be deterministic/ });
  await assert.rejects(to(0, 1024), { code: "engine/bad-setting" });
  await assert.rejects(to(1, 4097), { code: "engine/context-too-large" });
  assert.deepEqual(sizeOf(strict), before);
  assert.equal((await readReply(strict, asking("x", { maxTokens: 3 }))).end.usage.outputTokens, 3);
});

test("refuses what clearly does not fit into memory before it gives anything up", async () => {
  await using model = await loadFixture(vast, free);
  const before = sizeOf(model);
  await readReply(model, asking("x", { maxTokens: 3 }));
  await assert.rejects(model.resize({ slots: 2, contextTokens: 1_900_000_000 }, never), {
    code: "engine/not-enough-memory",
    exitCode: 3,
    message: /1900000000 tokens in f16 for each of 2 slots in place of .* needs \d+ MiB of system memory/,
  });
  assert.deepEqual(sizeOf(model), before);
  assert.equal((await model.saveCaches(join(directory, "unharmed"), never)).length, 1);
});

test("opens the former size again when llama.cpp gets no memory for the new one", async () => {
  await using model = await loadFixture(vast, free);
  const before = sizeOf(model);
  limitMemory(model.pid, 100);
  // Less than the process has, or it would be refused beforehand; the limit counts as memory that there is.
  await assert.rejects(model.resize({ slots: 1, contextTokens: 500_000 }, never), {
    code: "engine/not-enough-memory",
    message: /a context of 500000 tokens .*failed to allocate/,
  });
  assert.deepEqual(sizeOf(model), before);
  assert.equal((await readReply(model, asking("x", { maxTokens: 3 }))).end.usage.outputTokens, 3);
});

test("ends, and says that it was the memory, when not even the former size can be had again", async () => {
  const error = await endedByMemory(5);
  assert.equal(error.code, "engine/child-died");
  assert.match(error.message, /the former context can't be opened again/);
  assert.deepEqual(error.details, { phase: "load", signal: "SIGKILL", status: undefined, likelyMemory: true });
});

/** Now and then it is Node itself that asks for memory in that moment, and aborts: then once more. */
async function endedByMemory(tries: number): Promise<AtosError> {
  await using model = await loadFixture(vast, { ...free, contextTokens: 500_000 });
  limitMemory(model.pid, -300);
  const error: unknown = await model.resize({ slots: 2, contextTokens: 500_000 }, never).then(
    () => assert.fail("there was memory enough"),
    (problem: unknown) => problem,
  );
  assert.ok(error instanceof AtosError, String(error));
  return error.details?.["signal"] === "SIGABRT" && tries > 1 ? endedByMemory(tries - 1) : error;
}

test("leaves everything as it was when it is aborted before its turn", async () => {
  await using model = await loadFixture(random, free);
  const before = sizeOf(model);
  const reason = new Error("changed my mind");
  const size = { slots: 2, contextTokens: 1024 };
  await assert.rejects(model.resize(size, AbortSignal.abort(reason)), reason);
  const leaving = new AbortController();
  // Sent before the resize, and so it holds the slots when that comes.
  const restoring = assert.rejects(
    model.restoreCache({ path: join(directory, "gone.kv"), key: "", tokens: 1, bytes: 1 }, never),
    { code: "engine/wrong-cache" },
  );
  const pending = model.resize(size, leaving.signal).then(
    () => "resized",
    (error: unknown) => error,
  );
  leaving.abort(reason);
  const outcome = await pending;
  await restoring;
  assert.deepEqual(sizeOf(model), outcome === reason ? before : size);
});

test("gives back what a closed context took, however often", async () => {
  await using model = await loadFixture(vast, { ...free, contextTokens: 20_000 });
  const ownKib = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${model.pid}/status`, "utf8"))?.[1]);
  const before = ownKib();
  // Each of these contexts takes 20 to 40 MB, and llama.cpp fills them with zeros.
  for (let times = 0; times < 12; times++) {
    await model.resize({ slots: 2, contextTokens: 20_000 }, never);
    await model.resize({ slots: 1, contextTokens: 20_000 }, never);
  }
  assert.ok(ownKib() < before + 60_000, `${ownKib() - before} KiB more`);
});
