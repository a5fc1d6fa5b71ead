import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { CachingModel } from "../engine/model.ts";
import { SwapCaches } from "./swap-caches.ts";

test("caches that could fill the disk are not saved", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atos-swap-caches-"));
  const asked: string[] = [];
  const model: Pick<CachingModel, "saveCaches" | "restoreCache"> = {
    saveCaches: async (directory) => {
      asked.push(directory);
      return [];
    },
    restoreCache: async () => {},
  };
  try {
    const caches = new SwapCaches(join(folder, "caches"), 2 ** 40);
    await caches.save("a", model, 2 ** 60);
    assert.deepEqual(asked, []);
    assert.equal(await caches.restore("a", model, new AbortController().signal), 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
