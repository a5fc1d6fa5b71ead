import assert from "node:assert/strict";
import { test } from "node:test";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { insertBuild } from "./builds.ts";
import { passRates } from "./task-results.ts";

const RESULT: TaskResult = {
  task: "t",
  tier: "simple",
  worker: "w",
  model: "small",
  kind: "parsing",
  size: 2,
  green: true,
  samples: 1,
  rounds: 0,
};
const at = new Date("2026-01-01T00:00:00Z");

test("counts what each model got right, by kind, tier and size, for one installation", async () => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  await insertBuild(db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/b", at });
  const results: readonly object[] = [
    {},
    { task: "u", green: false },
    { task: "v", size: 3 },
    { task: "x", size: 6, kind: "algorithm", model: "large", tier: "complex" },
    { task: "y", worker: "other" },
    // There is one already.
    { green: false },
  ];
  for (const [index, result] of results.entries()) {
    const step = { buildId: "b", id: `b/${index}`, name: String(index), inputHash: "", at };
    const record = (): Promise<string> => recordTaskResult(db, { step, result: { ...RESULT, ...result } });
    assert.deepEqual([await record(), await record()], ["recorded", "known"]);
  }
  const parsing = { model: "small", kind: "parsing", tier: "simple" };
  assert.deepEqual(await passRates(db, "w"), [
    { model: "large", kind: "algorithm", tier: "complex", size: "large", passed: 1, tried: 1 },
    { ...parsing, size: "medium", passed: 1, tried: 1 },
    { ...parsing, size: "small", passed: 1, tried: 2 },
  ]);
  assert.deepEqual(
    (await passRates(db, "w", "large")).map(({ model }) => model),
    ["large"],
  );
  assert.deepEqual(await passRates(db, "nobody"), []);
});
