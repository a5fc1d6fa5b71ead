import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { openDatabase } from "../src/store/database.ts";
import { Installation } from "./fixtures/atos.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";

const GOAL = "Write a Python function add_numbers that adds two numbers, with tests";
const ROUNDS = 6;

test("connections and statements that the database ends at any moment lose nothing, and leave nothing stuck", async () => {
  await using atos = new Installation();
  const client = atos.start(["build", GOAL, "--out", "demo", "--json"]);
  for (let i = 0; i < 200 && atos.workerPid() === undefined; i++) await setTimeout(50);
  const { databaseUrl }: { databaseUrl: string } = JSON.parse(readFileSync(join(atos.home, "worker.json"), "utf8"));
  for (let round = 0; round < ROUNDS && client.exitCode === null; round++) {
    const db = openDatabase(databaseUrl);
    // In turn: a statement is cancelled (the connection lives), a connection is cut.
    const end = round % 2 === 0 ? sql`pg_cancel_backend(pid)` : sql`pg_terminate_backend(pid)`;
    await sql`select ${end} from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`
      .execute(db)
      .catch(() => {});
    await db.destroy();
    await setTimeout(150);
  }
  await client.ended;
  // What was cut off may be paused; going on must be possible, and be enough.
  for (let resume = 0; resume < 3 && (await stateOf(atos)) !== "green"; resume++) await atos.run("resume");
  assert.equal(await stateOf(atos), "green", atos.workerLog());
  const [build] = Object.values(Object((await atos.json("list")).lines[0]));
  assert.deepEqual(journalProblems(await journalOf(atos, String(Object(build)["id"]))), []);
});

async function stateOf(atos: Installation): Promise<unknown> {
  return (await atos.json("status")).lines[0]?.["state"];
}
