import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { claimBuild, insertBuild, setBuildState } from "../store/builds.ts";
import { listEffects } from "../store/effects.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { allBuildEvents } from "./build-events.ts";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "./durable-engine.ts";
import { runEffect } from "./effect.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const { signal } = new AbortController();

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await setTimeout(25);
  }
  assert.fail(`waited in vain for ${what}`);
}

test("a stopped build goes on from its top, and the run before, late on its way, neither writes nor fails it", async () => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db, url: databaseUrl } = scratch;
  await migrateDurableEngine(databaseUrl);
  const engine = { databaseUrl, workerId: "w", version: "engine-test" };
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun: number[] = [];
  const ended: string[] = [];
  const build = async (buildId: string): Promise<void> => {
    const { run } = (await claimBuild(db, { id: buildId, at })) ?? assert.fail("it can't run");
    const journal = { db, now: () => at, claim: { buildId, run } };
    const step = (name: string) => ({ buildId, name, kind: "tests", task: "t", input: 1, signal }) as const;
    const result = async () => ({ result: run, events: [] });
    const top = await runEffect(journal, step("top"), result);
    begun.push(run);
    await gates[run - 1]?.promise;
    const last = await runEffect(journal, step("last"), result).catch((error: unknown) => {
      ended.push(`${run}: ${String(error)}`);
      throw error;
    });
    ended.push(`${run}: top by ${top}, last by ${last}`);
  };
  await using queue = await BuildQueue.open(engine);
  await using _launched = await launchDurableEngine({ ...engine, build });
  await insertBuild(db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/b", at });
  await queue.goOn("b");
  await until("the first run", () => begun.length === 1);

  await queue.stop("b");
  await setBuildState(db, { id: "b", state: "paused", at });
  await setBuildState(db, { id: "b", state: "queued", at });
  await queue.goOn("b");
  await until("the second run", () => begun.length === 2);
  gates[0]?.resolve();
  await until("the end of the first run", () => ended.length === 1);
  assert.equal(await queue.goOn("b"), true, "what an old run ends with is not the build's end");
  gates[1]?.resolve();
  await until("the end of the workflow", async () => !(await queue.goOn("b")));

  assert.deepEqual(
    [begun, ended],
    [
      [1, 2],
      ["1: RunEndedError: this run of build b has ended, and records nothing more", "2: top by 1, last by 2"],
    ],
  );
  const effects = await listEffects(db, "b");
  const found = Object.fromEntries(effects.map(({ name, attempts, result }) => [name, { attempts, result }]));
  assert.deepEqual(found, { top: { attempts: 1, result: 1 }, last: { attempts: 1, result: 2 } });
  assert.equal((await allBuildEvents(db, "b")).length, 2);
  const steps = await sql<{ steps: number }>`select count(*)::int as steps from dbos.operation_outputs`.execute(db);
  assert.deepEqual(steps.rows, [{ steps: 0 }], "the durable engine records no steps");
});
