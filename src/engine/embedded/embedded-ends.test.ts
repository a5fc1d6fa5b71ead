import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asking, loadFixture, never, readReply } from "../../../test/fixtures/embedded.ts";
import { writeRandomGguf, writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import { processesOf } from "../../../test/fixtures/process-list.ts";
import { type EmbeddedModel, loadEmbeddedModel } from "./embedded-model.ts";

/*
 * How models and what is asked of them end when something else ends them.
 */

const directory = mkdtempSync(join(tmpdir(), "atos-ends-"));
const endless = join(directory, "endless.gguf");
before(() => writeScriptedGguf(endless, { script: "tick tock ", loop: true, contextTokens: 32768 }));
after(() => rmSync(directory, { recursive: true, force: true }));

const load = () => loadFixture(endless, { contextTokens: 32768, slots: 2 });
const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : error);

/** Two replies under way, one that waits for a slot, caches that wait for all of them, and a prompt to render. */
async function askEverything(model: EmbeddedModel): Promise<readonly Promise<unknown>[]> {
  const endings = ["a", "b", "c"].map((name) => readReply(model, asking(name, { maxTokens: 30_000 })).catch(codeOf));
  // Answered when what was asked before is under way.
  await model.countText("x");
  return [
    ...endings,
    model.saveCaches(join(directory, "caches"), never).catch(codeOf),
    model.render(asking("x".repeat(100_000))).catch(codeOf),
  ];
}

test("a crash of its process ends everything that was asked of it, with one reason", async () => {
  await using model = await load();
  const endings = await askEverything(model);
  process.kill(model.pid, "SIGKILL");
  assert.deepEqual(await Promise.all(endings), Array(5).fill("engine/child-died"));
});

test("closing it ends everything that was asked of it", async () => {
  const model = await load();
  const endings = await askEverything(model);
  await model[Symbol.asyncDispose]();
  assert.deepEqual(await Promise.all(endings), Array(5).fill("engine/model-closed"));
  await assert.rejects(model.saveCaches(directory, never), { code: "engine/model-closed" });
});

test("an abort ends one reply and leaves its neighbour, those who wait and the model alone", async () => {
  await using model = await load();
  const reason = new Error("enough");
  const aborts = ["busy", "busy too", "waiting"].map((name) => {
    const controller = new AbortController();
    const reply = readReply(model, asking(name, { maxTokens: 30_000 }), controller.signal);
    return { controller, ended: assert.rejects(reply, reason) };
  });
  await model.countText("x");
  const next = readReply(model, asking("next", { maxTokens: 3 }));
  // From the last to the first: the one who waits leaves before it has had its turn.
  for (const { controller, ended } of aborts.toReversed()) {
    controller.abort(reason);
    await ended;
  }
  assert.equal((await next).end.usage.outputTokens, 3);
  await assert.rejects(model.render(asking("x"), AbortSignal.abort(reason)), reason);
  await assert.rejects(model.countText("x", AbortSignal.abort(reason)), reason);
});

test("a reply that is left while its grammar is read keeps no slot", async () => {
  const path = join(directory, "shaped.gguf");
  writeRandomGguf(path);
  await using model = await loadFixture(path);
  const schema = { type: "array", maxItems: 10_000, items: { type: "array", maxItems: 1000, items: { type: "null" } } };
  const shape = { kind: "json-schema", schema } as const;
  const controller = new AbortController();
  const reply = readReply(model, asking("x", { shape }), controller.signal);
  controller.abort();
  await assert.rejects(reply, { name: "AbortError" });
  assert.equal((await readReply(model, asking("x", { maxTokens: 2 }))).end.usage.outputTokens, 2);
});

test("a load that is given up leaves no process behind", async () => {
  const { TMPDIR } = process.env;
  // The child's environment tells whose it is.
  process.env["TMPDIR"] = directory;
  after(() => {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  });
  const reason = new Error("no time");
  for (const afterMs of [0, 40, 120]) {
    const giveUp = new AbortController();
    const loading = loadEmbeddedModel(
      { kind: "gguf", id: "given up", path: endless },
      { threads: 1, signal: giveUp.signal },
    );
    setTimeout(() => giveUp.abort(reason), afterMs);
    await assert.rejects(loading, reason);
    assert.deepEqual(processesOf(directory) ?? [], []);
  }
});
