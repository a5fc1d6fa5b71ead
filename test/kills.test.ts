import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Installation } from "./fixtures/atos.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";

/*
 * The kill campaign: builds with the real model, database and sandbox, whose processes are killed with
 * SIGKILL at random moments. Each build must end green, with no finished step run twice and with the very
 * tree of an undisturbed run. Short by default; ATOS_TEST_FULL=1 kills 40 times.
 */
const KILLS = process.env["ATOS_TEST_FULL"] === "1" ? 40 : 6;
const KILLS_PER_BUILD = 3;
const SEED = Number(process.env["ATOS_KILL_SEED"] ?? Date.now() % 1_000_000);
const GOAL = "Write a Python function add_numbers that adds two numbers, with tests";
const VICTIMS = ["worker", "client", "postgres"] as const;

test(`${KILLS} kills of worker, client and Postgres lose nothing and repeat nothing (seed ${SEED})`, async (t) => {
  await using atos = new Installation();
  const random = randomNumbers(SEED);
  const undisturbed = await atos.json("build", GOAL, "--out", "undisturbed");
  assert.equal(undisturbed.code, 0, undisturbed.stderr);
  const tree = verifiedTree(atos, "undisturbed");
  const killed = { worker: 0, client: 0, postgres: 0 };

  let done = 0;
  for (let build = 1; done < KILLS && build <= KILLS * 2; build++) {
    const out = `build-${build}`;
    let client = atos.start(["build", GOAL, "--out", out, "--json"]);
    const id = await queuedId(client);
    for (let kill = 0; kill < KILLS_PER_BUILD && done < KILLS; kill++) {
      await setTimeout(50 + random() * 1500);
      if (client.exitCode !== null) break;
      // In turn, so that each kind of process dies; one that is just being started again is waited for.
      const victim = VICTIMS[done % VICTIMS.length] ?? "worker";
      const pid = { worker: atos.workerPid(), client: client.pid, postgres: atos.postgresPid() }[victim];
      if (pid === undefined) continue;
      process.kill(pid, "SIGKILL");
      killed[victim]++;
      done++;
      if (victim !== "client") continue;
      await client.ended;
      client = atos.start(["resume", id, "--json"]);
    }
    const end = await client.ended;
    // A build that ended just before its client was killed has nothing left to resume.
    const state = (await atos.json("status", id)).lines[0]?.["state"];
    assert.equal(state, "green", `build ${id}: ${end.stderr}\n${end.stdout}\n${atos.workerLog()}`);
    assert.equal(verifiedTree(atos, out), tree, `build ${id} has another tree`);
    assert.deepEqual(journalProblems(await journalOf(atos, id)), [], `build ${id}`);
    const verified = await atos.json("receipt", "verify", out);
    assert.equal(verified.code, 0, verified.stderr);
  }
  t.diagnostic(`killed: ${JSON.stringify(killed)}`);
  assert.ok(
    killed.worker + killed.client + killed.postgres >= KILLS / 2,
    "most builds ended before they could be killed",
  );
});

/** The build's id, as soon as the client tells it. */
function queuedId(client: ReturnType<Installation["start"]>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    client.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      const id = /"build-queued","build":"([^"]+)"/.exec(text)?.[1];
      if (id !== undefined) resolve(id);
    });
    client.ended.then(({ stderr }) => reject(new Error(`the build was never queued: ${stderr}`)), reject);
  });
}

function verifiedTree(atos: Installation, out: string): string {
  return execFileSync("git", ["-C", atos.path(out), "rev-parse", "HEAD~1^{tree}"], { encoding: "utf8" }).trim();
}

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
