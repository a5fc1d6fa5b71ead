import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Installation, isAlive } from "./fixtures/atos.ts";
import { assertGreen, assertNoStackTrace, buildWith, gitIn } from "./fixtures/build-with.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { processesOf } from "./fixtures/process-list.ts";
import { GOOD, writeTeam } from "./fixtures/scripted-team.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

/*
 * Builds that somebody stops while the tester is at work: its server is told to say nothing until it is let go on,
 * so that every test interrupts the same step.
 */
const atos = new Installation();
let silent = true;
const server = await startTeamServer((role) => (role === "tester" && silent ? { kind: "hang" } : good(role)));
after(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
const BUILD = ["build", "Write add_numbers", "--model", `${server.baseUrl}#m`, "--json", "--out"] as const;

type Client = ReturnType<Installation["start"]>;

/** A build whose tester has been asked and says nothing. */
async function startSilentBuild(out: string): Promise<{ readonly client: Client; readonly id: string }> {
  silent = true;
  const client = atos.start([...BUILD, out]);
  let text = "";
  client.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  await waitFor("the tester to be asked", () => text.includes('"step":"tests/turn-1"') || client.exitCode !== null);
  const id = /"build-queued","build":"([^"]+)"/.exec(text)?.[1];
  assert.ok(id !== undefined && client.exitCode === null, text);
  return { client, id };
}

async function waitFor(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 50) {
    if (holds()) return;
    await setTimeout(50);
  }
  assert.fail(`waited ${withinMs / 1000} s in vain for ${what}`);
}

async function stateOf(id: string): Promise<unknown> {
  return (await atos.json("status", id)).lines[0]?.["state"];
}

async function assertResumes(id: string, out: string): Promise<void> {
  silent = false;
  const resumed = await atos.run("resume", id);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(gitIn(atos.path(out), "branch", "--show-current"), "main");
  assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
}

test("Ctrl-C pauses the build and says how to go on; resuming repeats nothing", async () => {
  silent = true;
  const args = [...BUILD, "once"].filter((argument) => argument !== "--json");
  const client = atos.start(args);
  let text = "";
  client.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  await waitFor("the plan", () => text.includes("add_numbers.py") || client.exitCode !== null);
  client.kill("SIGINT");
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 130, stderr);
  assertNoStackTrace(stderr);
  assert.match(stderr, /pausing .*Ctrl-C again leaves at once/);
  const id = /Go on: +atos resume (\S+)/.exec(stdout)?.[1];
  assert.ok(id !== undefined, stdout);
  assert.equal(await stateOf(id), "paused");
  await assertResumes(id, "once");
});

test("a second Ctrl-C leaves at once, also when the worker does not answer", async () => {
  const { client, id } = await startSilentBuild("twice");
  const worker = atos.workerPid();
  assert.ok(worker !== undefined);
  process.kill(worker, "SIGSTOP");
  try {
    client.kill("SIGINT");
    await setTimeout(500);
    assert.equal(client.exitCode, null, "one Ctrl-C waits for the worker");
    const since = performance.now();
    client.kill("SIGINT");
    const { code, stderr } = await client.ended;
    assert.ok(performance.now() - since < 2000, `it took ${performance.now() - since} ms`);
    assert.equal(code, 130);
    assert.match(stderr, new RegExp(`atos resume ${id}`));
    assertNoStackTrace(stderr);
  } finally {
    process.kill(worker, "SIGCONT");
  }
  await assertResumes(id, "twice");
});

test("a build cancelled by somebody else ends its follower with 1 and frees the folder", async () => {
  const { client, id } = await startSilentBuild("cancelled");
  const cancel = await atos.run("cancel", id);
  assert.equal(cancel.code, 0, cancel.stderr);
  assert.match(cancel.stdout, new RegExp(`build ${id} is cancelled`));
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 1, stderr);
  assert.match(stdout, /"type":"result".*"state":"cancelled"/);
  assertNoStackTrace(stderr);
  assert.equal(await stateOf(id), "cancelled");
  for (const command of ["cancel", "resume"]) {
    const again = await atos.run(command, id);
    assert.notEqual(again.code, 0, `${command} of a cancelled build`);
    assert.match(again.stderr + again.stdout, /cancelled/);
    assertNoStackTrace(again.stderr);
  }
  silent = false;
  assertGreen(await buildWith(atos, "cancelled", ["--model", `${server.baseUrl}#m`]));
});

test("a killed worker is replaced while the client follows, and the cut-off turn is a visible second attempt", async () => {
  const { client, id } = await startSilentBuild("killed");
  const worker = atos.workerPid();
  assert.ok(worker !== undefined);
  silent = false;
  process.kill(worker, "SIGKILL");
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /went away; starting again, nothing is lost/);
  assertNoStackTrace(stderr);
  assert.match(stdout, /"attempt-started","step":"tests\/turn-1".*"attempt":2/);
  assert.notEqual(atos.workerPid(), worker);
  assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
});

test("an idle worker ends and leaves no process behind", async (t) => {
  silent = false;
  await using idle = new Installation({ ATOS_WORKER_IDLE_SECONDS: "1" });
  // The reviewer is asked last, so its model's process is there when the build ends.
  const roster = writeTeam(idle.path("team"), { reviewer: GOOD.reviewer }, { server: server.baseUrl });
  assertGreen(await buildWith(idle, "out", ["--roster", roster]));
  const pids = [idle.workerPid(), idle.postgresPid()].filter((pid) => pid !== undefined);
  assert.equal(pids.length, 2, "worker and database are up when the build ends");
  const running = processesOf(idle.root);
  if (running === undefined) t.diagnostic("no /proc here: only the worker and the database are looked for");
  else assert.ok(running.some((line) => line.includes("llama-child")));
  await waitFor("the worker and its children to end", () => {
    return !pids.some(isAlive) && (processesOf(idle.root) ?? []).length === 0;
  });
  assert.equal(idle.workerPid(), undefined);
});
