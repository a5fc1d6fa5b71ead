import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { AtosError } from "../base/errors.ts";
import { claimBuild } from "./builds.ts";
import { openDatabase } from "./database.ts";
import { findEffect, reserveEffect } from "./effects.ts";
import { migrate, schemaStatus } from "./migrate.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";

let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: false });
});
after(async () => await scratch[Symbol.asyncDispose]());

const all = readdirSync(new URL("migrations", import.meta.url)).toSorted();
assert.equal(all[0], "0001-builds.sql");

test("an empty database has everything pending, and looking doesn't change that", async () => {
  const empty = { applied: [], pending: all, unknown: [], changed: [] };
  assert.deepEqual(await schemaStatus(scratch.db), empty);
  assert.deepEqual(await schemaStatus(scratch.db), empty);
});

test("two callers at once apply each migration once between them", async () => {
  await using other = openDatabase(scratch.url);
  const results = await Promise.all([migrate(scratch.db), migrate(other)]);
  assert.deepEqual(
    // Each may have applied some.
    results.flatMap(({ applied }) => applied).toSorted(),
    all,
  );
  assert.deepEqual(await migrate(scratch.db), { applied: [] });
  assert.deepEqual(await schemaStatus(scratch.db), { applied: all, pending: [], unknown: [], changed: [] });
});

test("a newer database is refused, with its migration and ours", async () => {
  const newer = { name: "0099-from-the-future.sql", sha256: "0" };
  await scratch.db.insertInto("atos.migrations").values(newer).execute();
  await assert.rejects(migrate(scratch.db), (error: unknown) => {
    assert(error instanceof AtosError);
    assert.deepEqual([error.code, error.exitCode], ["store/schema-newer", 3]);
    assert.match(error.message, /0099-from-the-future\.sql/);
    assert.ok(error.message.includes(all.at(-1) ?? "none"), error.message);
    return true;
  });
  assert.deepEqual((await schemaStatus(scratch.db)).unknown, [newer.name]);
  await scratch.db.deleteFrom("atos.migrations").where("name", "=", newer.name).execute();
});

test("a database made by another text of a migration is refused", async () => {
  const [name = ""] = all;
  const migrations = scratch.db.selectFrom("atos.migrations").selectAll().where("name", "=", name);
  const { sha256 } = await migrations.executeTakeFirstOrThrow();
  const update = scratch.db.updateTable("atos.migrations").where("name", "=", name);
  await update.set({ sha256: "0" }).execute();
  await assert.rejects(migrate(scratch.db), { code: "store/migration-changed" });
  assert.deepEqual((await schemaStatus(scratch.db)).changed, [name]);
  await update.set({ sha256 }).execute();
});

test("what a database of before the runs holds is kept, and its builds can be begun", async () => {
  await using old = await scratchDatabase({ migrated: false });
  const { db } = old;
  await sql`create schema atos`.execute(db);
  await sql`create table atos.migrations (name text primary key, sha256 text not null)`.execute(db);
  for (const name of all.filter((each) => each < "0005")) {
    const text = readFileSync(new URL(`migrations/${name}`, import.meta.url), "utf8");
    await sql.raw(text).execute(db);
    const sha256 = createHash("sha256").update(text).digest("hex");
    await db.insertInto("atos.migrations").values({ name, sha256 }).execute();
  }
  const at = new Date("2026-01-01T00:00:00.001Z");
  await sql`insert into atos.builds (id, goal, state, request, worker, out_directory, created_at, updated_at)
    values ('b', 'g', 'paused', '{}', 'w', '/b', ${at}, ${at})`.execute(db);
  await sql`insert into atos.effects (id, build_id, kind, name, task, input_hash, state, result, reserved_at, finished_at)
    values ('b/a', 'b', 'turn', 'a', 't', 'h', 'done', '{"z":1,"a":"\\u0000"}', ${at}, ${at})`.execute(db);
  await migrate(db);
  assert.equal(await claimBuild(db, { id: "b", at }), undefined, "it is paused");
  await sql`update atos.builds set state = 'queued'`.execute(db);
  assert.equal((await claimBuild(db, { id: "b", at }))?.run, 1);
  const effect = { id: "b/a", buildId: "b", run: 1, kind: "turn", name: "a", task: "t", inputHash: "h", at } as const;
  const found = await reserveEffect(db, effect);
  assert.deepEqual([found, found?.result], [await findEffect(db, "b/a"), { z: 1, a: "\0" }]);
});
