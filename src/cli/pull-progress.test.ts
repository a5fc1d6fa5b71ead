import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesText } from "./bytes-text.ts";
import { addSample, type ProgressSample, progressText } from "./pull-progress.ts";

const MIB = 2 ** 20;

test("a size reads as people write it", () => {
  assert.deepEqual([0, 1023, 1024, 1.5 * MIB, 234 * MIB, 2_104_932_800, 3 * 2 ** 40].map(bytesText), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 MiB",
    "234 MiB",
    "2.0 GiB",
    "3.0 TiB",
  ]);
});

test("progress names share, speed and the time that is left", () => {
  const at = (atMs: number, mib: number): ProgressSample => ({ atMs, doneBytes: mib * MIB });
  assert.equal(
    progressText([at(0, 100), at(10_000, 200)], 850 * MIB),
    "200 MiB of 850 MiB (23 %), 10.0 MiB/s, 1 min 05 s left",
  );
  assert.equal(
    progressText([at(0, 0), at(1000, 1)], 7200 * MIB),
    "1.0 MiB of 7.0 GiB (0 %), 1.0 MiB/s, 1 h 59 min left",
  );
  assert.equal(progressText([at(0, 0), at(1000, 1)], 2 * MIB), "1.0 MiB of 2.0 MiB (50 %), 1.0 MiB/s, 1 s left");
});

test("what is not known is left out: the size, or the speed before anything came", () => {
  assert.equal(progressText([], 5), "");
  assert.equal(progressText([{ atMs: 5, doneBytes: 3 * MIB }], undefined), "3.0 MiB");
  assert.equal(progressText([{ atMs: 5, doneBytes: 0 }], 0), "0 B of 0 B (0 %)");
});

test("the speed is that of the last quarter of a minute", () => {
  const samples = [0, 5000, 20_000].reduce<readonly ProgressSample[]>(
    (all, atMs) => addSample(all, { atMs, doneBytes: atMs }),
    [],
  );
  assert.deepEqual(
    samples.map(({ atMs }) => atMs),
    [5000, 20_000],
  );
});
