import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Installation } from "./fixtures/atos.ts";
import { scratchDatabase } from "./fixtures/scratch-database.ts";
import { writeTeam } from "./fixtures/scripted-team.ts";

test("DATABASE_URL takes the place of the embedded Postgres, and its password is told nobody", async () => {
  await using database = await scratchDatabase({ migrated: false });
  const url = database.url.replace("postgresql://atos@", "postgresql://atos:a-password-nobody-sees@");
  await using atos = new Installation({ DATABASE_URL: url, ATOS_WORKER_IDLE_SECONDS: "1" });
  const built = await atos.run(
    "build",
    "Write add_numbers",
    "--roster",
    writeTeam(atos.path("team")),
    "--out",
    "demo",
    "--json",
  );
  assert.equal(built.code, 0, built.stderr);
  assert.equal(existsSync(atos.path("home", "postgres")), false);
  const listed = await atos.json("list");
  assert.equal(JSON.stringify(listed.lines).includes('"green"'), true);
  const said = `${built.stdout}${built.stderr}${atos.workerLog()}${(await atos.run("config", "show")).stdout}${(await atos.run("doctor")).stdout}`;
  assert.doesNotMatch(said, /a-password-nobody-sees/);
});

test("a database that can't be reached is said to be missing, without its password", async () => {
  await using atos = new Installation({ DATABASE_URL: "postgresql://atos:a-password-nobody-sees@127.0.0.1:9/atos" });
  const { code, stderr } = await atos.run("list");
  assert.equal(code, 3, stderr);
  assert.match(stderr, /DATABASE_URL/);
  assert.doesNotMatch(`${stderr}${atos.workerLog()}`, /a-password-nobody-sees/);
});
