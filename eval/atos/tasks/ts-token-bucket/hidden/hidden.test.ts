import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

function bucketAt(start: number): { clock: { ms: number }; bucket: TokenBucket } {
  const clock = { ms: start };
  return { clock, bucket: new TokenBucket({ capacity: 3, perSecond: 2, nowMs: () => clock.ms }) };
}

test("begins full and runs empty", () => {
  const { bucket } = bucketAt(1000);
  assert.deepEqual([bucket.take(), bucket.take(), bucket.take(), bucket.take()], [true, true, true, false]);
});

test("a refused call takes nothing", () => {
  const { bucket } = bucketAt(0);
  assert.equal(bucket.take(4), false);
  assert.equal(bucket.take(3), true);
});

test("tokens come back evenly and no more than fit", () => {
  const { clock, bucket } = bucketAt(0);
  bucket.take(3);
  clock.ms = 499;
  assert.equal(bucket.take(), false);
  clock.ms = 500;
  assert.equal(bucket.take(), true);
  clock.ms = 60_000;
  assert.equal(bucket.take(3), true);
  assert.equal(bucket.take(), false);
});

test("says how long to wait", () => {
  const { clock, bucket } = bucketAt(0);
  assert.equal(bucket.msUntil(), 0);
  bucket.take(3);
  assert.equal(bucket.msUntil(), 500);
  assert.equal(bucket.msUntil(3), 1500);
  assert.equal(bucket.msUntil(4), Infinity);
  clock.ms = 100;
  assert.equal(bucket.msUntil(), 400);
});

test("a clock that goes backwards changes nothing", () => {
  const { clock, bucket } = bucketAt(10_000);
  bucket.take(2);
  clock.ms = 5000;
  assert.equal(bucket.take(2), false);
  assert.equal(bucket.take(1), true);
  clock.ms = 5500;
  assert.equal(bucket.take(1), true);
});
