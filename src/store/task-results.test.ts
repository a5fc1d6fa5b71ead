import assert from "node:assert/strict";
import { test } from "node:test";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { passRates } from "./task-results.ts";

const RESULT = {
  build_id: "b",
  task: "t",
  tier: "simple",
  worker: "w",
  model: "small",
  kind: "parsing",
  size: 2,
  green: true,
  samples: 1,
  rounds: 0,
  at: new Date("2026-01-01T00:00:00Z"),
} as const;

test("counts what each model got right, by kind, tier and size, for one installation", async () => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  const rows = [
    RESULT,
    { ...RESULT, task: "u", green: false },
    { ...RESULT, task: "v", size: 3 },
    { ...RESULT, task: "x", size: 6, kind: "algorithm", model: "large", tier: "complex" },
    { ...RESULT, task: "y", worker: "other" },
  ];
  await db.insertInto("atos.task_results").values(rows).execute();
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
