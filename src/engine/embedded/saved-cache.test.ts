import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkCache, weightsIdentity } from "./saved-cache.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-cache-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, "file");

test("tells weights apart that differ in one tensor only, wherever it lies", async () => {
  const size = 9 * 2 ** 20 + 77;
  const identityOf = async (changed: { at: number; bytes: number }): Promise<string> => {
    const weights = Buffer.alloc(size, "weights");
    weights.fill(1, changed.at, changed.at + changed.bytes);
    writeFileSync(path, weights);
    return weightsIdentity(path);
  };
  const places = [0, 2 ** 20, 3 * 2 ** 20 + 5, 5 * 2 ** 20 + 9, 8 * 2 ** 20 - 9, size - 20_000];
  const found = new Set<string>([await identityOf({ at: 0, bytes: 0 })]);
  for (const at of places) found.add(await identityOf({ at, bytes: 20_000 }));
  assert.equal(found.size, 1 + places.length);
  for (const bytes of [0, 10, 2 ** 20, 2 ** 21 + 1]) {
    writeFileSync(path, Buffer.alloc(bytes));
    assert.match(await weightsIdentity(path), new RegExp(`^${bytes}:[0-9a-f]{64}$`));
  }
});

test("believes no number of tokens that its file has no room for", async () => {
  const state = Buffer.alloc(40);
  state.writeUInt32LE(0xffff_ffff, 8);
  const sha256 = createHash("sha256").update(state).digest("hex");
  const json = Buffer.from(JSON.stringify({ key: "k", sha256, tokens: 1, stateBytes: state.length }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const file = Buffer.concat([state, json, length, Buffer.from("ATOSKV01")]);
  writeFileSync(path, file);
  const saved = { path, key: "k", tokens: 1, bytes: file.length };
  await assert.rejects(checkCache(saved, "identity"), { code: "engine/wrong-cache", message: /it is damaged/ });
});
