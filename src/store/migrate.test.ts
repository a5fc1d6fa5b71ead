import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { AtosError } from "../base/errors.ts";
import { openDatabase } from "./database.ts";
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
    results.flatMap(({ applied }) => applied),
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
