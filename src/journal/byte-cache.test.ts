import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteCache } from "./byte-cache.ts";

test("what was used longest ago goes first, and no more stays than there is room for", () => {
  const cache = new ByteCache<string>(10);
  for (const key of ["a", "b", "c"]) cache.set(key, key, 3);
  assert.equal(cache.get("a"), "a");
  cache.set("d", "d", 4);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((key) => cache.get(key)),
    ["a", undefined, "c", "d"],
  );
});

test("a value put in again counts once", () => {
  const cache = new ByteCache<number>(10);
  for (let round = 0; round < 5; round++) cache.set("a", round, 6);
  cache.set("b", 0, 4);
  assert.deepEqual([cache.get("a"), cache.get("b")], [4, 0]);
});

test("a value larger than the cache is not kept, and pushes nothing out", () => {
  const cache = new ByteCache<string>(10);
  cache.set("a", "a", 10);
  cache.set("b", "b", 11);
  assert.deepEqual([cache.get("a"), cache.get("b")], ["a", undefined]);
});
