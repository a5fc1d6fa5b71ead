import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { openDatabase } from "../src/store/database.ts";
import { Installation } from "./fixtures/atos.ts";
import { assertNoStackTrace, gitIn } from "./fixtures/build-with.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { letterCode, startLettersServer } from "./fixtures/letters-server.ts";

/*
 * Three tasks: alpha and beta side by side, gamma after beta. With its first seeds the developer gets beta wrong; the
 * tests look into the build, go on from inside of it, and do it again.
 */
const atos = new Installation();
let isSilent = false;
let betaIsRight = false;
const server = await startLettersServer(({ letter, seed }) =>
  isSilent && letter !== "gamma"
    ? { kind: "hang" }
    : letterCode(letter, letter === "beta" && seed < 10_000 && !betaIsRight ? 7 : undefined),
);
after(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
const BUILD = ["Know three letters", "--model", `${server.baseUrl}#m`, "--yes"] as const;

type Lines = readonly Record<string, unknown>[];

async function build(out: string): Promise<{ readonly id: string; readonly lines: Lines }> {
  return ended(await atos.json("build", ...BUILD, "--out", out));
}

function ended({ code, lines, stderr }: { code: number | null; lines: Lines; stderr: string }) {
  assertNoStackTrace(stderr);
  const last = lines.at(-1) ?? {};
  assert.deepEqual([last["type"], last["exitCode"]], ["result", code], stderr);
  return { id: String(last["build"]), state: last["state"], lines, result: Object(last["result"]) };
}

/** Who was asked since `from`, by the words of the role. */
function askedSince(from: number): readonly string[] {
  const roles = server.chats
    .slice(from)
    .map(({ body }) => /You are (?:the|a) ([a-z ]+?)[ .]/.exec(JSON.stringify(body))?.[1]);
  return roles.map(String);
}

const statusSchema = z.object({
  id: z.string(),
  state: z.string(),
  forkedFrom: z.string().optional(),
  expectedLeftMs: z.number().optional(),
  tokens: z.object({ prompt: z.number(), output: z.number() }),
  atWork: z.array(z.object({ task: z.string(), does: z.string(), model: z.string().optional() })),
  tasks: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      kept: z.boolean(),
      attempt: z.object({ sample: z.number(), repairs: z.number() }).optional(),
      tokens: z.object({ prompt: z.number(), output: z.number() }),
    }),
  ),
});

async function statusOf(id: string) {
  const { code, lines, stderr } = await atos.json("status", id);
  assert.equal(code, 0, stderr);
  return statusSchema.parse(lines[0]);
}

function statesOf(status: z.infer<typeof statusSchema>): Readonly<Record<string, string>> {
  return Object.fromEntries(status.tasks.map((task) => [task.id, task.state]));
}

let red = "";
let retried = "";

test("debug shows a task of a parallel build in order: turns, diffs, checks, and why it went where it went", async () => {
  const built = await build("red");
  red = built.id;
  assert.deepEqual(statesOf(await statusOf(red)), { alpha: "green", beta: "red", gamma: "skipped" });
  const { lines } = await atos.json("debug", "beta");
  const steps = z
    .array(
      z.object({
        kind: z.string(),
        why: z.string().optional(),
        diff: z.string().optional(),
        ok: z.boolean().optional(),
        output: z.array(z.string()).optional(),
      }),
    )
    .parse(lines[0]?.["steps"]);
  assert.ok(steps.some(({ diff }) => diff?.includes("+    return 7")));
  assert.ok(
    steps.some(({ kind, ok, output }) => kind === "check" && ok === false && output?.join().includes("7 != 2")),
  );
  assert.ok(steps.some(({ why }) => why === "no progress, or no round left; a sample is"));
  assert.ok(steps.some(({ why }) => why === "nothing is left to try"));
  const shown = await atos.run("debug", "beta");
  assert.match(shown.stdout, /task: reflect → resample, on resample: no progress, or no round left; a sample is/);
  assert.match(shown.stdout, /tasks\/beta\/simple-1\/parse-1 · ok\n/);
  assert.match(shown.stdout, /tasks\/beta\/simple-1\/test-1 · red\n {2}\S*test_1/);
  assert.match((await atos.run("debug", "verify")).stdout, /verify · red/);
});

test("the status of a red build says with what commands one can look at it and go on", async () => {
  const { stdout } = await atos.run("status", red);
  const step = String.raw`simple-2/(?:review-\d+/)?turn-\d+`;
  assert.match(stdout, new RegExp(`\nLook at it: atos debug beta --build ${red}\nGo on from there: `));
  assert.match(stdout, new RegExp(`: atos debug beta --build ${red} --from ${step}, or with another seed: `));
  assert.match(stdout, new RegExp(`: atos retry beta --build ${red}\n`));
});

test("the graph of a task has the path that it took, and that of a build its own", async () => {
  const beta = await atos.run("debug", "beta", "--graph");
  assert.match(beta.stdout, /n_reflect ==>\|"give-up: nothing is left to try"\| n_failed/);
  const whole = await atos.json("debug", "--graph", "--build", red);
  assert.match(
    String(whole.lines[0]?.["mermaid"]),
    /n_deliver ==>\|"red: a check failed, or something is missing"\| n_red/,
  );
});

test("retry of a skipped task does the red one before it again with another seed, and asks for nothing else", async () => {
  const from = server.chats.length;
  const began = Date.now();
  const { id, state, lines } = ended(await atos.json("retry", "gamma"));
  retried = id;
  assert.equal(state, "green");
  assert.deepEqual(askedSince(from), ["developer", "reviewer", "developer", "reviewer"]);
  assert.deepEqual(
    lines.filter(({ type }) => type === "build-forked").map(({ seq, from: old, step, seed }) => [seq, old, step, seed]),
    [[1, red, "tasks/beta: running", 10_007]],
  );
  const status = await statusOf(id);
  assert.deepEqual([status.forkedFrom, statesOf(status)], [red, { alpha: "green", beta: "green", gamma: "green" }]);
  assert.deepEqual(
    status.tasks.map(({ kept }) => kept),
    [true, false, false],
  );
  // From its own beginning, and not from that of the build that it goes on from.
  const { spentMs, pausedMs } = lines.at(-1) ?? {};
  assert.ok(Number(spentMs) > 0 && Number(spentMs) < Date.now() - began && pausedMs === 0, `${String(spentMs)} ms`);
  assert.equal(gitIn(atos.path("red-fork"), "branch", "--show-current"), "main");
  assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
  assert.equal((await atos.run("audit", "verify")).code, 0);
  assert.equal((await atos.run("receipt", "verify", atos.path("red-fork"))).code, 0);
  assert.deepEqual(statesOf(await statusOf(red)), { alpha: "green", beta: "red", gamma: "skipped" });
});

test("a fork keeps what stands before its step, and does only the rest", async () => {
  const from = server.chats.length;
  const fork = ended(
    await atos.json("debug", "gamma", "--build", retried, "--from", "simple-1/test-1", "--out", "again"),
  );
  assert.equal(fork.state, "green");
  // The turn of the first seed and that of the second are both still what they were.
  assert.deepEqual(askedSince(from), ["reviewer"]);
  const other = ended(
    await atos.json("debug", "alpha", "--build", fork.id, "--from", "simple-1/turn-1", "--seed", "3"),
  );
  assert.equal(other.state, "green");
  assert.equal(gitIn(atos.path("again-fork"), "branch", "--show-current"), "main");
  const shown = await atos.run("debug", "gamma", "--build", other.id);
  assert.match(shown.stdout, /^\(kept\) tasks\/gamma\/simple-1\/turn-1 · developer · m/m);
  const { turns } = z
    .object({ turns: z.array(z.object({ reply: z.string() })) })
    .parse((await atos.json("debug", "alpha", "--build", other.id)).lines[0]);
  assert.equal(turns.length, 2);
});

test("a fork tells people what it does itself and what that cost, and not again what it has kept", async () => {
  const { code, stdout, stderr } = await atos.run(
    "debug",
    "gamma",
    "--build",
    retried,
    "--from",
    "simple-1/test-1",
    "--out",
    "told",
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^fork +of \S+, from tasks\/gamma\/simple-1\/test-1 on .*; kept from before that: \d+ steps$/m);
  assert.doesNotMatch(stdout, /^spec |○ waiting|developer ·|(?:alpha|beta) +✔ green/m);
  assert.match(stdout, /^gamma +reviewer · m/m);
  assert.match(stdout, /^Cost: 1 turn \(and \d+ kept\), \d+ \+ \d+ tokens, \d[^,]*, no cloud\.$/m);
  assert.doesNotMatch((await atos.run("status")).stdout, /developer ·/);
});

test("a finished build is replayed to the same commit without a model, a fork too, also a red one", async () => {
  const from = server.chats.length;
  for (const [id, out] of [
    [retried, "red-fork"],
    [red, "red"],
  ] as const) {
    const { code, lines, stderr } = await atos.json("debug", "--replay", "--build", id);
    assert.deepEqual([code, lines[0]?.["kind"]], [0, "same"], `${stderr}${JSON.stringify(lines)}`);
    assert.equal(lines[0]?.["receiptCommit"], gitIn(atos.path(out), "rev-parse", "HEAD"));
    assert.equal(lines[0]?.["commit"], gitIn(atos.path(out), "rev-parse", "HEAD~1"));
  }
  assert.deepEqual(askedSince(from), []);
});

test("a ledger that was changed does not come to the same, and the replay says where", async () => {
  betaIsRight = true;
  const { id } = await build("tampered");
  betaIsRight = false;
  const { databaseUrl }: { databaseUrl: string } = JSON.parse(readFileSync(join(atos.home, "worker.json"), "utf8"));
  await using db = openDatabase(databaseUrl);
  const row = (name: string) => db.updateTable("atos.effects").where("id", "=", `${id}/${name}`);
  const turn = `${id}/tasks/alpha/simple-1/turn-1`;
  const found = await db.selectFrom("atos.effects").select("result").where("id", "=", turn).executeTakeFirstOrThrow();
  const forged = JSON.stringify(found.result).replace("return 1", "return 9");
  assert.notEqual(forged, JSON.stringify(found.result));
  await row("tasks/alpha/simple-1/turn-1").set({ result: forged }).execute();
  const changed = await atos.json("debug", "--replay", "--build", id);
  assert.deepEqual([changed.code, changed.lines[0]?.["kind"]], [1, "differs"]);
  assert.match(String(changed.lines[0]?.["why"]), /tasks\/alpha\/simple-1\/parse-1 was reserved with another input/);
  await row("tasks/alpha/simple-1/turn-1")
    .set({ result: JSON.stringify(found.result) })
    .execute();
  assert.equal((await atos.run("debug", "--replay", "--build", id)).code, 0);
  await db.deleteFrom("atos.effects").where("id", "=", `${id}/verify`).execute();
  const missing = await atos.json("debug", "--replay", "--build", id);
  assert.deepEqual([missing.code, missing.lines[0]?.["step"]], [1, "verify"]);
});

test("status tells who is at work in a running build, and cancel leaves nothing half done", async () => {
  isSilent = true;
  const client = atos.start(["build", ...BUILD, "--out", "silent", "--json"]);
  let id = "";
  for (let tries = 0; tries < 200; tries++) {
    await setTimeout(100);
    const { lines } = await atos.json("status");
    const status = statusSchema.safeParse(lines[0]).data;
    if (status?.state !== "running" || status.atWork.filter(({ does }) => does === "developer").length < 2) continue;
    id = status.id;
    const atWork = status.atWork.map(({ task, does, model }) => `${task}: ${does} with ${model}`).toSorted();
    assert.deepEqual(atWork, ["alpha: developer with m", "beta: developer with m"]);
    assert.deepEqual(statesOf(status), { alpha: "running", beta: "running", gamma: "waiting" });
    break;
  }
  assert.notEqual(id, "", "alpha and beta were never at work together");
  const watch = atos.start(["status", id, "--watch", "--json"]);
  const seen = new Promise((resolve) => watch.stdout?.once("data", resolve));
  await seen;
  assert.equal((await atos.run("cancel", id)).code, 0);
  assert.equal((await client.ended).code, 1);
  const watched = await watch.ended;
  assert.equal(watched.code, 0, watched.stderr);
  assert.equal(JSON.parse(watched.stdout.trimEnd().split("\n").at(-1) ?? "{}").state, "cancelled");
  const status = await statusOf(id);
  assert.deepEqual([status.state, status.atWork], ["cancelled", []]);
  assert.deepEqual(statesOf(status), { alpha: "skipped", beta: "skipped", gamma: "skipped" });
  assert.deepEqual(readdirSync(join(atos.home, "scratch")), []);
  isSilent = false;
  assert.equal(ended(await atos.json("retry", "beta", "--build", id, "--out", "after-cancel")).state, "green");
  // It waited for beta, which was at work: both are done, and so is alpha.
  assert.equal(ended(await atos.json("retry", "gamma", "--build", id, "--out", "after-cancel-too")).state, "green");
});

test("a build whose worker and client were killed goes on as soon as somebody asks for its status", async () => {
  isSilent = true;
  const from = server.chats.length;
  const client = atos.start(["build", ...BUILD, "--out", "killed", "--json"]);
  for (let tries = 0; tries < 300 && !askedSince(from).includes("developer"); tries++) await setTimeout(100);
  client.kill("SIGKILL");
  process.kill(atos.workerPid() ?? 0, "SIGKILL");
  await client.ended;
  isSilent = false;
  betaIsRight = true;
  const { code, stdout, stderr } = await atos.run("status");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^the worker died; starting another, which goes on with its builds …$/m);
  const [id = ""] = stdout.split(" ");
  let state = "";
  for (let tries = 0; tries < 100 && state !== "green"; tries++) state = (await statusOf(id)).state;
  assert.equal(state, "green");
  betaIsRight = false;
});

test("what can't be forked, retried or replayed says why, and what can be done", async () => {
  const codes = async (...args: readonly string[]) => {
    const { code, lines } = await atos.json(...args);
    return [code, lines[0]?.["code"]];
  };
  assert.deepEqual(await codes("debug", "gamma", "--build", retried, "--from", "turn-9"), [
    2,
    "workflows/no-such-step",
  ]);
  assert.deepEqual(await codes("debug", "gamma", "--seed", "4"), [2, "cli/bad-debug"]);
  assert.deepEqual(await codes("debug", "--graph", "--replay"), [2, "cli/bad-debug"]);
  assert.deepEqual(await codes("retry", "alpha", "--build", red), [2, "cli/not-retried"]);
  assert.deepEqual(await codes("retry", "delta", "--build", red), [2, "cli/not-retried"]);
  assert.deepEqual(await codes("debug", "delta", "--graph", "--build", red), [2, "cli/no-such-task"]);
  const told = async (...args: readonly string[]) => (await atos.run(...args, "--build", red)).stderr;
  assert.match(
    await told("retry", "delta"),
    /there is no task delta\. Those of build \S+ are alpha, beta, gamma, spec,/,
  );
  assert.match(await told("retry", "alpha"), /alpha is green\. .*: atos debug alpha --build /);
  assert.match(
    await told("debug", "--graph", "delta"),
    /no graph delta; there are build, decompose, task, reply; nor is it a task of build \S+, .* alpha, beta/,
  );
});

test("models show tells how often the model got its tasks right here", async () => {
  const { code, lines, stderr } = await atos.json("models", "show", "nano");
  assert.equal(code, 0, stderr);
  assert.deepEqual(lines[0]?.["passRates"], []);
});

test("a graph is drawn where there is no state and no worker", async () => {
  await using fresh = new Installation();
  const drawn = await fresh.run("debug", "--graph", "reply");
  assert.equal(drawn.code, 0, drawn.stderr);
  assert.match(drawn.stdout, /^flowchart TD\n/);
  assert.ok(!existsSync(join(fresh.home, "worker.json")));
});
