import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { insertBuild } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { appendEvents, chainedEventsAfter } from "../store/events.ts";
import { trailHead, verifyTrail } from "./audit-chain.ts";
import { checkExport, exportLine, headText, parseHead } from "./audit-export.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const ODD = { text: "nul \u0000, half a pair \udc00, 😀\n\u2028", "2": 1.5e300, "1": -0.1, deep: [{ a: null }, []] };

async function trailOf(db: Db, buildId: string, events: number): Promise<void> {
  await insertBuild(db, { id: buildId, goal: "g", request: {}, worker: "w", outDirectory: `/${buildId}`, at });
  for (let event = 0; event < events; event += 2) {
    const pair = [
      { type: "noted", data: { ...ODD, event } },
      { type: "told", data: null },
    ];
    await db.transaction().execute((trx) => appendEvents(trx, { buildId, at, events: pair }));
  }
}

async function exported(db: Db, buildId: string): Promise<string[]> {
  return (await chainedEventsAfter(db, { buildId, seq: 0, limit: 100 })).map((event) => exportLine(buildId, event));
}

test("the audit trail", async (context) => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;

  await context.test("a trail that nobody touched adds up, in the database and exported", async () => {
    await trailOf(db, "whole", 6);
    const head = await trailHead(db, "whole");
    assert.deepEqual(await verifyTrail(db, "whole"), { ok: true, head: { seq: 6, hash: head.hash } });
    assert.deepEqual(parseHead(headText(head)), { seq: 6, hash: head.hash });
    const lines = await exported(db, "whole");
    assert.equal(JSON.parse(lines[4] ?? "").data.text, ODD.text);
    assert.deepEqual(await checkExport(lines), [{ build: "whole", check: await verifyTrail(db, "whole") }]);
  });

  await context.test("a trail without events adds up to nothing", async () => {
    await trailOf(db, "empty", 0);
    assert.deepEqual(await verifyTrail(db, "empty"), { ok: true, head: { seq: 0, hash: "" } });
    assert.deepEqual(await trailHead(db, "empty"), { seq: 0, hash: "" });
  });

  const TAMPERS = {
    "other data": sql`update atos.events set data = '{"event":7}' where build_id = 'T' and seq = 3`,
    "another spelling of the same data": sql`update atos.events set data = (data::text || ' ')::json where build_id = 'T' and seq = 3`,
    "another type": sql`update atos.events set type = 'red' where build_id = 'T' and seq = 3`,
    "another time": sql`update atos.events set at = at + interval '1 millisecond' where build_id = 'T' and seq = 3`,
    "an event taken out": sql`delete from atos.events where build_id = 'T' and seq = 3`,
    "an event of another build": sql`update atos.events t set data = w.data, hash = w.hash, type = w.type from atos.events w
      where t.build_id = 'T' and t.seq = 3 and w.build_id = 'whole' and w.seq = 3`,
  };
  for (const [what, tamper] of Object.entries(TAMPERS)) {
    await context.test(`${what} is found out, at its place`, async () => {
      await trailOf(db, "T", 6);
      await tamper.execute(db);
      const check = await verifyTrail(db, "T");
      assert.deepEqual([check.ok, !check.ok && check.seq], [false, 3]);
      const offline = (await checkExport(await exported(db, "T")))[0]?.check;
      assert.equal(offline?.ok, false);
      await db.deleteFrom("atos.builds").where("id", "=", "T").execute();
    });
  }

  await context.test("a trail written anew after a change adds up, and has another head", async () => {
    await trailOf(db, "T", 4);
    const head = await trailHead(db, "T");
    await sql`update atos.events set data = '1' where build_id = 'T' and seq = 4`.execute(db);
    await sql`update atos.events e set hash = atos.event_hash(p.hash, e.build_id, e.seq, e.at, e.type, e.data::text)
      from atos.events p where e.build_id = 'T' and e.seq = 4 and p.build_id = 'T' and p.seq = 3`.execute(db);
    assert.equal((await verifyTrail(db, "T")).ok, true);
    assert.notEqual((await trailHead(db, "T")).hash, head.hash);
  });

  await context.test("a head that was kept tells of an export that lost its end, or was changed before", async () => {
    const lines = await exported(db, "whole");
    const head = await trailHead(db, "whole");
    const ok = async (some: readonly string[], kept = head): Promise<boolean> =>
      (await checkExport(some, { head: kept })).every(({ check }) => check.ok);
    assert.deepEqual([await ok(lines), await ok(lines.slice(0, 5)), await ok([])], [true, false, false]);
    assert.equal(await ok(lines, { seq: 2, hash: head.hash }), false);
    assert.equal(
      (await checkExport(lines, { head, build: "another" })).every(({ check }) => check.ok),
      false,
    );
    assert.deepEqual(parseHead("0:"), { seq: 0, hash: "" });
  });

  await context.test("a line with a key twice is not an exported one", async () => {
    const lines = await exported(db, "whole");
    const forged = lines.map((line) => line.replace('"data":', '"data":{"forged":1},"data":'));
    assert.equal(
      (await checkExport(forged)).every(({ check }) => check.ok),
      false,
    );
  });

  await context.test("a microsecond is a change", async () => {
    await trailOf(db, "micro", 4);
    await sql`update atos.events set at = at + interval '1 microsecond' where build_id = 'micro' and seq = 2`.execute(
      db,
    );
    assert.deepEqual((await verifyTrail(db, "micro")).ok, false);
    assert.equal((await checkExport(await exported(db, "micro")))[0]?.check.ok, false);
  });

  await context.test("an export with a line that is none is told", async () => {
    assert.deepEqual(await checkExport(["no json", ""]), [
      { build: "line 1", check: { ok: false, seq: 0, why: "line 1 is not an exported event" } },
    ]);
  });
});
