import assert from "node:assert/strict";
import { test } from "node:test";
import { insertBuild } from "./builds.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { insertTasks, listTasks, setTaskState } from "./tasks.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const later = new Date("2026-01-01T00:00:09.002Z");

const parser = {
  id: "parser",
  tier: "medium",
  files: ["src/parser.ts", "src/ü.ts"],
  after: [],
  description: "Parse it.",
  covers: [1, 3],
  kind: "parsing",
} as const;
const command = {
  id: "cli",
  tier: "simple",
  files: [],
  after: ["parser"],
  description: "A command.",
  covers: [],
  kind: "other",
} as const;

test("tasks", async (context) => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  for (const id of ["one", "two"])
    await insertBuild(db, { id, goal: "g", request: {}, worker: "w", outDirectory: `/${id}`, at });

  await context.test("a plan's tasks are listed in its order, all waiting", async () => {
    await insertTasks(db, { buildId: "one", tasks: [parser, command], at });
    const fresh = { buildId: "one", state: "waiting", model: null, updatedAt: at };
    assert.deepEqual(await listTasks(db, "one"), [
      { ...parser, ...fresh, position: 0 },
      { ...command, ...fresh, position: 1 },
    ]);
    assert.deepEqual(await listTasks(db, "two"), []);
  });

  await context.test("a state without a model keeps the recorded model, and other builds are left alone", async () => {
    await insertTasks(db, { buildId: "two", tasks: [parser], at });
    await setTaskState(db, { buildId: "one", id: "parser", state: "running", model: "nano", at });
    await setTaskState(db, { buildId: "one", id: "parser", state: "green", at: later });
    const states = (await listTasks(db, "one")).map(({ state, model, updatedAt }) => [state, model, updatedAt]);
    assert.deepEqual(states, [
      ["green", "nano", later],
      ["waiting", null, at],
    ]);
    assert.equal((await listTasks(db, "two"))[0]?.state, "waiting");
  });

  await context.test("an unknown task's state can't be set", async () => {
    await assert.rejects(setTaskState(db, { buildId: "two", id: "cli", state: "red", at }), {
      code: "store/no-such-task",
    });
  });

  await context.test("an empty plan is no error, and a second plan for a build is one", async () => {
    await insertTasks(db, { buildId: "one", tasks: [], at });
    await assert.rejects(insertTasks(db, { buildId: "one", tasks: [parser], at }), { constraint: "tasks_pkey" });
  });

  await context.test("a task that comes later has the position it is given", async () => {
    await insertTasks(db, { buildId: "one", tasks: [{ ...command, id: "merge:cli" }], from: 2, at });
    assert.deepEqual((await listTasks(db, "one")).map(({ id, position }) => [id, position]).at(-1), ["merge:cli", 2]);
  });

  await context.test("a build takes its tasks along when it is deleted", async () => {
    await db.deleteFrom("atos.builds").where("id", "=", "one").execute();
    assert.deepEqual(await listTasks(db, "one"), []);
  });
});
