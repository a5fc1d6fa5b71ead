import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { sql } from "kysely";
import { AtosError, missingError } from "../base/errors.ts";
import type { Db } from "./database.ts";

/** How the database's schema and this version's migrations compare. All names are in order. */
export type SchemaStatus = {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** In the database, unknown to this version: the database is newer. */
  readonly unknown: readonly string[];
  /** Applied with another text than this version has. */
  readonly changed: readonly string[];
};

type Migration = { readonly name: string; readonly text: string; readonly sha256: string };

/** "atos" in ASCII, then this lock's number: the advisory lock that serialises migrations. */
const MIGRATION_LOCK = 0x61746f73_01n;

/**
 * Brings the schema `atos` up to date and returns what it applied, in order.
 *
 * Each migration and its record are one transaction, and callers take turns, so any number of processes may
 * call this at once. Nothing is applied to a database that this version doesn't understand.
 *
 * @throws {AtosError} `store/schema-newer` or `store/migration-changed`.
 */
export async function migrate(db: Db): Promise<{ readonly applied: readonly string[] }> {
  const migrations = await readMigrations();
  const applied: string[] = [];
  for (const migration of migrations) {
    const isNew = await db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK.toString()}::bigint)`.execute(transaction);
      await sql`create schema if not exists atos`.execute(transaction);
      await sql`create table if not exists atos.migrations (name text primary key, sha256 text not null)`.execute(
        transaction,
      );
      const status = await compare(transaction, migrations);
      refuseForeignSchema(status, migrations);
      if (!status.pending.includes(migration.name)) return false;
      await sql.raw(migration.text).execute(transaction);
      await transaction
        .insertInto("atos.migrations")
        .values({ name: migration.name, sha256: migration.sha256 })
        .execute();
      return true;
    });
    if (isNew) applied.push(migration.name);
  }
  return { applied };
}

/** Compares without changing anything; an empty database has everything pending. */
export async function schemaStatus(db: Db): Promise<SchemaStatus> {
  const migrations = await readMigrations();
  const found = await sql<{ exists: boolean }>`select to_regclass('atos.migrations') is not null as exists`.execute(db);
  if (found.rows[0]?.exists === true) return await compare(db, migrations);
  return { applied: [], pending: migrations.map(({ name }) => name), unknown: [], changed: [] };
}

async function compare(db: Db, migrations: readonly Migration[]): Promise<SchemaStatus> {
  const records = await db.selectFrom("atos.migrations").selectAll().orderBy("name").execute();
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const recorded = new Set(records.map(({ name }) => name));
  return {
    applied: records.map(({ name }) => name),
    pending: migrations.filter(({ name }) => !recorded.has(name)).map(({ name }) => name),
    unknown: records.filter(({ name }) => !known.has(name)).map(({ name }) => name),
    changed: records
      .filter(({ name, sha256 }) => known.has(name) && known.get(name)?.sha256 !== sha256)
      .map(({ name }) => name),
  };
}

function refuseForeignSchema(status: SchemaStatus, migrations: readonly Migration[]): void {
  if (status.unknown.length > 0) {
    throw missingError(
      "store/schema-newer",
      `The database has ${status.unknown.join(", ")}, which this version of ATOS doesn't know (it knows up to ` +
        `${migrations.at(-1)?.name ?? "nothing"}). Use the newer version that made it, or another database.`,
    );
  }
  if (status.changed.length > 0) {
    throw new AtosError(
      "store/migration-changed",
      `The database was made by another text of ${status.changed.join(", ")} than this version of ATOS has. ` +
        "Use the version that made it, or another database.",
    );
  }
}

// Read from beside this file, which is src/store or, once built, dist/store.
async function readMigrations(): Promise<readonly Migration[]> {
  const directory = new URL("./migrations/", import.meta.url);
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).toSorted();
  return await Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, directory), "utf8");
      return { name, text, sha256: createHash("sha256").update(text).digest("hex") };
    }),
  );
}
