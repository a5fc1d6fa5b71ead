import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { z } from "zod";
import { Installation } from "./fixtures/atos.ts";
import { assertGreen, assertNoStackTrace, buildWith, eventsOf, gitIn, receiptOf } from "./fixtures/build-with.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

const KEY = "secret-value-123";
const tokens = z.object({ promptTokens: z.number(), outputTokens: z.number() });

const atos = new Installation();
after(() => atos[Symbol.asyncDispose]());

test("a server that speaks the OpenAI protocol builds a tested repository, and the receipt names it", async () => {
  await using server = await startTeamServer();
  const built = await buildWith(atos, "out", ["--model", `${server.baseUrl}#m`]);
  assertGreen(built);
  const receipt = receiptOf(built.out);
  assert.deepEqual(receipt["models"], [{ id: "m", source: `${server.baseUrl}#m` }]);
  const usage = eventsOf(built, "turn-finished").map((event) => z.object({ usage: tokens }).parse(event).usage);
  const prompt = usage.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const output = usage.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  assert.ok(prompt > 0 && output > 0);
  assert.deepEqual([receipt["turns"], receipt["tokens"]], [5, { prompt, output }]);
  // Without a model's name the only one it offers is taken.
  const unnamed = await buildWith(atos, "unnamed", ["--model", server.baseUrl]);
  assertGreen(unnamed);
  assert.deepEqual(receiptOf(unnamed.out)["models"], [{ id: "fake", source: `${server.baseUrl}#fake` }]);

  await using empty = await startTeamServer(good, { models: [] });
  const none = await atos.run("build", "Write add_numbers", "--out", "none", "--model", empty.baseUrl);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /offers no model; load one into it/);
  await using several = await startTeamServer(good, { models: ["a", "b"] });
  const which = await atos.run("build", "Write add_numbers", "--out", "which", "--model", several.baseUrl);
  assert.equal(which.code, 2);
  assert.match(which.stderr, /offers several models; name one: .*#a, .*#b/);
});

test("a server's bad moment is a second attempt that everybody can see", async () => {
  const moments = [
    { kind: "status", status: 500, body: "overloaded" },
    { kind: "cut-after", text: "TASK: co", how: "reset" },
  ] as const;
  await using server = await startTeamServer((role, index) => {
    if (index === 0) return moments[0];
    return index === 2 ? moments[1] : good(role);
  });
  const built = await buildWith(atos, "moments", ["--model", `${server.baseUrl}#m`]);
  assertGreen(built);
  const failed = eventsOf(built, "attempt-failed").map(({ step, attempt }) => ({ step, attempt }));
  assert.deepEqual(failed, [
    { step: "spec/turn-1", attempt: 1 },
    { step: "plan/turn-1", attempt: 1 },
  ]);
  assert.match(String(eventsOf(built, "attempt-failed")[0]?.["why"]), /answered 500: overloaded/);
  const second = eventsOf(built, "attempt-started").filter(({ attempt }) => attempt === 2);
  assert.deepEqual(
    second.map(({ step }) => step),
    ["spec/turn-1", "plan/turn-1"],
  );
  assert.equal(server.requests.filter(({ path }) => path.endsWith("/chat/completions")).length, 7);
  assert.deepEqual(journalProblems(await journalOf(atos, built.id)), []);
});

test("a server that dies in the middle pauses the build, which goes on when the server is back", async () => {
  const server = await startTeamServer((role) => {
    if (role !== "tester") return good(role);
    // Closing waits for this very answer to end.
    void server[Symbol.asyncDispose]();
    return { kind: "hang-after", text: "FILE: test_add" };
  });
  const port = Number(new URL(server.baseUrl).port);
  const paused = await buildWith(atos, "paused", ["--model", `${server.baseUrl}#m`]);
  assert.deepEqual([paused.code, paused.state], [3, "paused"]);
  const why = String(eventsOf(paused, "build-paused")[0]?.["why"]);
  assert.match(why, /no model server answers at http:\/\/127\.0\.0\.1:\d+\/v1 .*start one/);
  // A resume too early changes nothing.
  const early = await atos.run("resume", paused.id);
  assert.equal(early.code, 3);
  assert.match(early.stdout, new RegExp(`Go on: {2}atos resume ${paused.id}`));
  assertNoStackTrace(early.stderr);

  await using again = await startTeamServer(good, { port });
  const resumed = await atos.json("resume", paused.id);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(gitIn(paused.out, "branch", "--show-current"), "main");
  // Spec and plan were answered by the first server, once.
  assert.equal(again.requests.filter(({ path }) => path.endsWith("/chat/completions")).length, 3);
  assert.deepEqual(journalProblems(await journalOf(atos, paused.id)), []);
});

test("the key goes to the server and nowhere else, also when the server says it", async () => {
  await using atos = new Installation({ ATOS_API_KEY_VARIABLE: "MY_KEY", MY_KEY: KEY });
  await using server = await startTeamServer((role, index) =>
    index === 1 ? { kind: "status", status: 500, body: `bad key ${KEY}` } : good(role),
  );
  const built = await buildWith(atos, "out", ["--model", `${server.baseUrl}#m`]);
  assertGreen(built);
  assert.ok(server.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`));
  const status = await atos.run("status", built.id);
  const shown = await atos.run("config", "show");
  const places = {
    stdout: JSON.stringify(built.lines) + status.stdout + shown.stdout,
    stderr: built.stderr + status.stderr,
    "worker log": atos.workerLog(),
    "database log": readFileSync(`${atos.home}/postgres.log`, "utf8"),
    "worker file": readFileSync(`${atos.home}/worker.json`, "utf8"),
    journal: JSON.stringify(await journalOf(atos, built.id)),
    receipt: gitIn(built.out, "log", "-p"),
    stored: JSON.stringify((await atos.json("status", built.id)).lines),
  };
  for (const [place, text] of Object.entries(places)) {
    assert.notEqual(text, "", `nothing to look at in ${place}`);
    assert.ok(!text.includes(KEY), `the key is in ${place}`);
  }
  assert.match(places.journal, /bad key \*\*\*/);
});

test("a key that is missing ends the build before it begins", async () => {
  await using atos = new Installation({ ATOS_API_KEY_VARIABLE: "MY_KEY" });
  await using server = await startTeamServer();
  const missing = await atos.run("build", "Write add_numbers", "--out", "out", "--model", `${server.baseUrl}#m`);
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /the key for http:\/\/127\.0\.0\.1:\d+\/v1 is to be in the variable MY_KEY/);
  assert.equal(server.requests.length, 0);
  const unfinished = await atos.run("resume");
  assert.equal(unfinished.code, 2);
  assert.match(unfinished.stderr, /there is no unfinished build/);
});
