import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asking, loadFixture, never, readReply } from "../../../test/fixtures/embedded.ts";
import { writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import type { EmbeddedModel } from "./embedded-model.ts";
import type { GenerateRequest, GgufSettings, SavedCache } from "../model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-slots-"));
const path = join(directory, "random.gguf");
before(() => writeRandomGguf(path));
after(() => rmSync(directory, { recursive: true, force: true }));

const long = (name: string) => `${name}, ${"and a story of some length ".repeat(12)}`;
const usageOf = async (model: EmbeddedModel, request: GenerateRequest) => (await readReply(model, request)).end.usage;
const load = (settings: GgufSettings = {}) => loadFixture(path, { deterministic: false, ...settings });

/** Saves what a model holds after one request, and that request's prompt. */
async function saveOne(folder: string, settings: GgufSettings = {}): Promise<SavedCache> {
  await using model = await load(settings);
  await usageOf(model, asking(long("a"), { maxTokens: 5 }));
  const [saved, ...more] = await model.saveCaches(join(directory, folder), never);
  assert.ok(saved !== undefined && more.length === 0);
  return saved;
}

const wrong = (message: RegExp) => ({ code: "engine/wrong-cache", message });

test("computes as many replies at once as it has slots, and each goes on where it was", async () => {
  await using model = await loadFixture(path, { slots: 2 });
  assert.equal(model.capabilities.slots, 2);
  const requests = ["a", "b"].map((name) => asking(long(name), { maxTokens: 30 }));
  const first = await Promise.all(requests.map((request) => usageOf(model, request)));
  assert.deepEqual(
    first.map(({ cachedTokens }) => cachedTokens),
    [0, 0],
  );
  // In the other order: it is the prompt that finds the slot.
  const second = await Promise.all(requests.toReversed().map((request) => usageOf(model, request)));
  assert.deepEqual(
    second.map(({ cachedTokens, promptTokens }) => promptTokens - cachedTokens),
    [1, 1],
  );
});

test("gives every slot the whole context", async () => {
  await using model = await loadFixture(path, { slots: 2, contextTokens: 512 });
  const filling = asking("x", { maxTokens: 1000 });
  const usages = await Promise.all([usageOf(model, filling), usageOf(model, filling)]);
  for (const { promptTokens, outputTokens } of usages) assert.equal(promptTokens + outputTokens, 512);
});

test("fills slots of unequal length to the last token, and refuses a prompt that leaves no room", async () => {
  await using model = await loadFixture(path, { slots: 2, contextTokens: 512 });
  const overhead = (await model.render(asking(""))).tokens;
  const requests = [512 - 1, 512 - 30, overhead + 1].map((tokens) => asking("x".repeat(tokens - overhead)));
  const usages = await Promise.all(requests.map((request) => usageOf(model, request)));
  assert.deepEqual(
    usages.map(({ promptTokens, outputTokens }) => [promptTokens, outputTokens]),
    [
      [511, 1],
      [482, 30],
      [overhead + 1, 512 - overhead - 1],
    ],
  );
  await assert.rejects(usageOf(model, asking("x".repeat(512 - overhead))), { code: "engine/context-overflow" });
});

test("has a request wait its turn when every slot is busy, and lets it leave at once", async () => {
  await using model = await loadFixture(path, { slots: 2 });
  const order: string[] = [];
  const run = async (name: string, maxTokens: number, signal = never) => {
    await readReply(model, asking(name, { maxTokens }), signal);
    order.push(name);
  };
  const leaving = new AbortController();
  const all = [run("long", 2000), run("short", 20), run("waits", 20), run("leaves", 3000, leaving.signal)];
  const left = assert.rejects(all[3] ?? Promise.resolve(), { name: "AbortError" });
  leaving.abort();
  await left;
  assert.deepEqual(order, []);
  await Promise.all(all.slice(0, 3));
  assert.deepEqual(order, ["short", "waits", "long"]);
});

test("goes on in another process where a saved cache ends", async () => {
  const saved = await saveOne("caches", { slots: 2 });
  assert.equal(readFileSync(saved.path).length, saved.bytes);
  assert.deepEqual(readdirSync(join(directory, "caches")), [`${saved.key}.kv`]);
  const request = asking(`${long("a")} and more`, { maxTokens: 5 });
  await using model = await load({ slots: 2 });
  const fresh = await usageOf(model, request);
  assert.equal(fresh.cachedTokens, 0);
  await using restored = await load({ contextTokens: 1024, slots: 2 });
  await usageOf(restored, asking("x".repeat(500), { maxTokens: 1 }));
  await restored.restoreCache(saved, never);
  const usage = await usageOf(restored, request);
  const common = (await restored.render(asking(long("a")))).tokens - "<|im_end|>\nassistant\n".length + 8;
  assert.deepEqual(usage, { ...fresh, cachedTokens: common });
});

test("saves every slot that holds something, when the replies under way have ended", async () => {
  await using model = await load({ slots: 3 });
  const replies = ["a", "b"].map((name) => usageOf(model, asking(long(name), { maxTokens: 200 })));
  // Answered when the replies before it are under way.
  await model.countText("x");
  const saved = await model.saveCaches(join(directory, "several"), never);
  const usages = await Promise.all(replies);
  assert.deepEqual(
    saved.map(({ tokens }) => tokens),
    usages.map(({ promptTokens, outputTokens }) => promptTokens + outputTokens - 1),
  );
});

test("restores several caches, one after the other, into as many slots", async () => {
  const names = ["a", "b", "c"];
  await using model = await load({ slots: 3 });
  await Promise.all(names.map((name) => usageOf(model, asking(long(name), { maxTokens: 5 }))));
  const saved = await model.saveCaches(join(directory, "three"), never);
  await using restored = await load({ slots: 3 });
  for (const cache of saved) await restored.restoreCache(cache, never);
  for (const name of names) {
    const { cachedTokens, promptTokens } = await usageOf(restored, asking(long(name), { maxTokens: 1 }));
    assert.equal(cachedTokens, promptTokens - 1, name);
  }
});

test("saves nothing of empty slots, nor after an abort", async () => {
  await using model = await load({ slots: 2 });
  const folder = join(directory, "empty");
  assert.deepEqual(await model.saveCaches(folder, never), []);
  assert.equal(existsSync(folder), false);
  const reason = new Error("no time");
  await assert.rejects(model.saveCaches(folder, AbortSignal.abort(reason)), reason);
  const cache = { path: join(folder, "x.kv"), key: "", tokens: 1, bytes: 1 };
  await assert.rejects(model.restoreCache(cache, AbortSignal.abort(reason)), reason);
  const running = new AbortController();
  const reply = assert.rejects(readReply(model, asking("x", { maxTokens: 3000 }), running.signal), reason);
  await model.countText("x");
  const leaving = new AbortController();
  const saving = assert.rejects(model.saveCaches(folder, leaving.signal), reason);
  leaving.abort(reason);
  await saving;
  running.abort(reason);
  await reply;
  assert.equal(existsSync(folder), false);
});

test("refuses a cache that is damaged, cut short, gone or another one, and stays usable", async () => {
  const saved = await saveOne("damaged");
  const whole = readFileSync(saved.path);
  await using model = await load();
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(5000) ^ 1, 5000);
  writeFileSync(saved.path, damaged);
  await assert.rejects(model.restoreCache(saved, never), wrong(/it is damaged/));
  for (const bytes of [whole.length - 1, 300, 3, 0]) {
    writeFileSync(saved.path, whole);
    truncateSync(saved.path, bytes);
    await assert.rejects(model.restoreCache(saved, never), wrong(/cut short, or no cache at all/));
  }
  writeFileSync(saved.path, whole);
  await assert.rejects(model.restoreCache({ ...saved, key: "another" }, never), wrong(/another cache than it should/));
  await assert.rejects(model.restoreCache({ ...saved, path: join(directory, "gone.kv") }, never), wrong(/ENOENT/));
  await model.restoreCache(saved, never);
  const { promptTokens, cachedTokens } = await usageOf(model, asking(long("a"), { maxTokens: 1 }));
  assert.equal(cachedTokens, promptTokens - 1);
});

test("refuses a cache of another model, of other settings, or one too long", async () => {
  const saved = await saveOne("foreign");
  const other = join(directory, "other.gguf");
  writeRandomGguf(other, { seed: 2 });
  await using otherModel = await loadFixture(other, { deterministic: false });
  await assert.rejects(
    otherModel.restoreCache(saved, never),
    wrong(/another model, or by the same one with other settings/),
  );
  await using otherType = await load({ cacheType: "f32" });
  await assert.rejects(otherType.restoreCache(saved, never), wrong(/other settings/));
  await using small = await load({ contextTokens: 128 });
  await assert.rejects(small.restoreCache(saved, never), wrong(/it holds \d+ tokens, and the context 128/));
  assert.equal((await readReply(small, asking("x", { maxTokens: 3 }))).end.usage.outputTokens, 3);
});

test("says why caches can't be saved, leaves nothing behind, and removes what a killed process left", async () => {
  await using model = await load();
  await usageOf(model, asking(long("a"), { maxTokens: 1 }));
  const file = join(directory, "file");
  writeFileSync(file, "in the way");
  await assert.rejects(model.saveCaches(file, never), {
    code: "engine/cache-not-saved",
    message: /file: EEXIST.*; make room/,
  });
  const folder = join(directory, "drafts");
  mkdirSync(folder);
  // No process has this number, and this one lives.
  const [dead, alive] = [`${2 ** 22 + 1}.part`, `${process.pid}.part`];
  for (const name of [dead, alive]) writeFileSync(join(folder, name), "half");
  const [saved] = await model.saveCaches(folder, never);
  assert.deepEqual(readdirSync(folder).toSorted(), [alive, `${saved?.key}.kv`].toSorted());
});

test("takes a cache of a copy of the model", async () => {
  const saved = await saveOne("copied");
  copyFileSync(path, join(directory, "copy.gguf"));
  await using model = await loadFixture(join(directory, "copy.gguf"), { deterministic: false });
  await model.restoreCache(saved, never);
});

test("saves nothing and restores nothing when it is deterministic", async () => {
  const saved = await saveOne("deterministic");
  await using model = await loadFixture(path);
  await readReply(model, asking("x", { maxTokens: 3 }));
  assert.deepEqual(await model.saveCaches(join(directory, "none"), never), []);
  await assert.rejects(model.restoreCache(saved, never), wrong(/this model is deterministic/));
});
