// What a recorded step costs: node bench/effects.js [EFFECTS]
// An effect that does nothing, with one event, reserved, run and finalized: recorded with the next one, as in builds, or
// each at once; a step that changes ATOS's own tables; and a replay that finds effects done. CPU of this process, and of Postgres where /proc shows it.
import { readdirSync, readFileSync } from "node:fs";
import { sql } from "kysely";
import { runEffect } from "../src/journal/effect.ts";
import { recordOnce } from "../src/journal/record-once.ts";
import { StepWriter } from "../src/journal/step-writer.ts";
import { claimBuild, insertBuild } from "../src/store/builds.ts";
import { scratchDatabase } from "../test/fixtures/scratch-database.ts";

const COUNT = Number(process.argv[2] ?? 500);
const ROUNDS = 5;
const SIDE_BY_SIDE = 20;
/** Of /proc/PID/stat. */
const TICK_MS = 10;
const { signal } = new AbortController();

await using scratch = await scratchDatabase({ migrated: true });
const { db } = scratch;
await insertBuild(db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/b", at: new Date() });
const { run } = await claimBuild(db, { id: "b", at: new Date() });
const atOnce = { db, now: () => new Date(), claim: { buildId: "b", run } };
const journal = { ...atOnce, writer: new StepWriter(db, atOnce.claim) };
const server = await serverPid();
let steps = 0;

const effectOf = (of) => (number) => {
  const name = `step-${number}`;
  const spec = { buildId: "b", name, kind: "tests", task: "t", input: { name }, signal };
  const event = { type: "tests-ran", step: name, task: "t", passed: 1, failed: 0, durationMs: 1 };
  return runEffect(of, spec, async () => ({ result: "x".repeat(200), events: [event] }));
};
const effect = effectOf(journal);
const record = (number) =>
  recordOnce(journal, { buildId: "b", name: `record-${number}` }, async () => ({
    result: null,
    events: [{ type: "task-state", task: "t", state: "running" }],
  }));
const one = (step) => async () => {
  for (let count = 0; count < COUNT; count++) await step(++steps);
  await journal.writer.settle();
};
const beside = (step) => async () => {
  for (let count = 0; count < COUNT; count += SIDE_BY_SIDE)
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => step(++steps)));
};
const WAYS = {
  "effects, one after another": one(effect),
  "the same, each at once": one(effectOf(atOnce)),
  [`effects, ${SIDE_BY_SIDE} side by side`]: beside(effect),
  "effects that are done": one((number) => effect(1 + (number % COUNT))),
  "steps of our own tables": one(record),
};

const found = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, work] of Object.entries(WAYS)) {
    const serverMs = serverCpuMs();
    const before = process.cpuUsage();
    const startedMs = performance.now();
    await work();
    const { user, system } = process.cpuUsage(before);
    const values = [(user + system) / 1000, serverCpuMs() - serverMs, performance.now() - startedMs];
    // The first round is for the compiler.
    if (round > 0) found[name].push(values.map((value) => value / COUNT));
  }
}
console.log(`${COUNT} steps, ${ROUNDS} rounds, medians of a step\n`);
for (const [name, rounds] of Object.entries(found)) {
  const median = (column) =>
    rounds
      .map((values) => values[column])
      .toSorted((a, b) => a - b)
      [Math.floor(ROUNDS / 2)].toFixed(2);
  console.log(`${name.padEnd(28)} CPU ${median(0)} ms, Postgres ${median(1)} ms, wall ${median(2)} ms`);
}

async function serverPid() {
  const { rows } = await sql`select pg_backend_pid() as pid`.execute(db);
  return Number(statOf(rows[0].pid)?.[1]);
}

/** The fields of /proc/PID/stat after the name. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  } catch {
    return undefined;
  }
}

/** Of the server, its children, and those of them that have ended. */
function serverCpuMs() {
  const stats = statOf("self") === undefined ? [] : readdirSync("/proc").map((pid) => [Number(pid), statOf(pid)]);
  let ticks = 0;
  for (const [pid, stat] of stats) {
    if (pid === server) ticks += [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat?.[field]), 0);
    else if (Number(stat?.[1]) === server) ticks += Number(stat?.[11]) + Number(stat?.[12]);
  }
  return ticks * TICK_MS;
}
