import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { BuildEvent } from "../base/events.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "../journal/durable-engine.ts";
import { Workspaces } from "../journal/workspaces.ts";
import type { ModelPool } from "../pool/model-pool.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { type Approval, openApprovals } from "../store/approvals.ts";
import { claimBuild, insertBuild } from "../store/builds.ts";
import { answerQuestion } from "../tools/gate/answer-question.ts";
import { askPerson } from "../tools/gate/ask-person.ts";
import { mayCall } from "../tools/gate/may-call.ts";
import { openGate } from "../tools/gate/open-gate.ts";
import { mergePolicies, parsePolicy } from "../tools/gate/read-policy.ts";
import { redactorOf } from "../tools/gate/redact.ts";
import { connectOwn } from "../tools/mcp/connect-own.ts";
import { openFilesystemServer } from "../tools/servers/filesystem/open-filesystem-server.ts";
import { openShellServer } from "../tools/servers/shell/open-shell-server.ts";
import { type FakeModel, fakeModel } from "../../test/fixtures/fake-model.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { durableAgent } from "./durable-agent.ts";
import { type Agent, type AgentOutcome, openAgent, runAgent, systemOf } from "./run-agent.ts";

/* Agents with scripted replies; everything else is real: database, durable engine, gate, servers, sandbox. */

const engine = { workerId: "w", version: "durable-agent-test" };
const POLICY = "rules:\n  - { tool: run_command, command: 'rm **', decide: ask, why: it removes files }\n";
const SECRET = ["hush", "hush", "4711"].join("-");
type Case = { readonly model: FakeModel; readonly ended: PromiseWithResolvers<AgentOutcome> };

const folder = mkdtempSync(join(tmpdir(), "atos-agent-"));
const cases = new Map<string, Case>();
let scratch: ScratchDatabase;
let queue: BuildQueue;
let durable: AsyncDisposable;

before(async () => {
  scratch = await scratchDatabase({ migrated: true });
  const { url: databaseUrl } = scratch;
  await migrateDurableEngine(databaseUrl);
  queue = await BuildQueue.open({ ...engine, databaseUrl });
  durable = await openAgents(databaseUrl);
});
after(async () => {
  await durable[Symbol.asyncDispose]();
  await queue[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function openAgents(databaseUrl: string): Promise<AsyncDisposable> {
  const { db } = scratch;
  const now = (): Date => new Date();
  const workspaces = await Workspaces.open(join(folder, "trees.git"));
  const sandbox = await openSandbox({ unsafe: false });
  const policy = mergePolicies({ user: parsePolicy(POLICY, "policy.yaml") });
  return launchDurableEngine({
    ...engine,
    databaseUrl,
    build: async (buildId) => {
      const { model, ended } = cases.get(buildId) ?? assert.fail(buildId);
      const { run } = (await claimBuild(db, { id: buildId, at: now() })) ?? assert.fail(buildId);
      const journal = { db, now, claim: { buildId, run } };
      const root = join(folder, buildId);
      mkdirSync(root, { recursive: true });
      const servers = [openFilesystemServer({ root }), openShellServer({ root, sandbox })];
      const connected = await Promise.all(servers.map((server) => connectOwn(server)));
      const tools = connected.flatMap((each) => each.tools);
      const agent: Agent = {
        role: "You are careful.",
        tools: tools.map(({ definition }) => definition),
        format: "hermes-xml",
        options: { maxTokens: 500, temperature: 0, seed: 1 },
      };
      const gate = openGate({
        run: { journal, buildId, task: "t", folder: workspaces.openFolder(root) },
        tools,
        decide: (question) => mayCall(policy, question),
        ask: askPerson({ ...journal, redactor: redactorOf([SECRET]), expiresMs: 60_000 }),
        secrets: [SECRET],
      });
      const lease: ModelPool["lease"] = async () => ({ model, [Symbol.asyncDispose]: async () => {} });
      const nothing = (): void => {};
      const deps = { journal, gate, pool: { lease }, report: async () => {}, progress: nothing, nowMs: () => 0 };
      const source = { kind: "gguf", id: "fake", path: "/fake" } as const;
      const seat = { buildId, task: "t", role: "developer", source };
      const context = openAgent(systemOf(agent), [{ part: "goal", text: "Do it." }]);
      const { signal } = new AbortController();
      const start = { agent, context, limits: { turns: 10 } };
      const { outcome } = await runAgent(durableAgent(deps, { agent, seat, name: "work" }), start, signal);
      ended.resolve(outcome);
    },
  });
}

async function begin(buildId: string, replies: readonly string[]): Promise<Case> {
  const started = { model: fakeModel(replies), ended: Promise.withResolvers<AgentOutcome>() };
  cases.set(buildId, started);
  const outDirectory = `/${buildId}`;
  await insertBuild(scratch.db, { id: buildId, goal: "g", request: {}, worker: "w", outDirectory, at: new Date() });
  await queue.goOn(buildId);
  return started;
}

function call(name: string, values: Readonly<Record<string, unknown>>): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: values })}\n</tool_call>`;
}

async function question(buildId: string): Promise<Approval> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await openApprovals(scratch.db, new Date());
    const found = open.find((approval) => approval.buildId === buildId);
    if (found !== undefined) return found;
    await setTimeout(50);
  }
  return assert.fail(`${buildId} never asked`);
}

async function events<T extends BuildEvent["type"]>(buildId: string, type: T) {
  const all = await allBuildEvents(scratch.db, buildId);
  return all.flatMap(({ event }) => (isOf(event, type) ? [event] : []));
}

function isOf<T extends BuildEvent["type"]>(event: BuildEvent, type: T): event is Extract<BuildEvent, { type: T }> {
  return event.type === type;
}

function lastSaid({ model }: Case): string {
  return model.requests.at(-1)?.messages.at(-1)?.content ?? "";
}

test("an agent writes, runs and reads through real servers, and every call is in the trail", async () => {
  const run = await begin("works", [
    call("write_file", { path: "a.txt", content: `alpha ${SECRET}\n` }),
    call("run_command", { command: "cat a.txt >> b.txt; mkdir -p .git 2>/dev/null; echo hidden: $?" }),
    call("read_file", { path: "b.txt" }),
    call("read_file", { path: "../../etc/passwd" }),
    call("write_file", { path: "b.txt", content: "alpha [known secret taken out]\nbeta\n" }),
    call("no_such_tool", {}),
    "All done.",
  ]);
  assert.deepEqual(await run.ended.promise, { kind: "done", text: "All done." });
  const calls = await events("works", "tool-called");
  assert.deepEqual(
    calls.map(({ tool, outcome }) => `${tool} ${outcome}`),
    ["write_file ok", "run_command ok", "read_file ok", "read_file denied", "write_file invalid"],
  );
  assert.match((await events("works", "reply-rejected"))[0]?.why ?? "", /no_such_tool/);
  assert.equal(readFileSync(join(folder, "works", "b.txt"), "utf8"), `alpha ${SECRET}\n`);
  const texts = z.array(z.unknown()).parse(run.model.requests.flatMap(({ messages }) => messages.slice(3)));
  const shown = JSON.stringify([texts, calls]);
  assert.ok(shown.includes("known secret taken out"), shown);
  // The model's own words stay as it said them; what tools say does not carry the secret to it.
  const observed = run.model.requests.at(-1)?.messages.filter(({ role }) => role === "user") ?? [];
  assert.ok(!JSON.stringify(observed).includes(SECRET));
  assert.ok(!JSON.stringify(calls).includes(SECRET));
});

test("a question waits for a person, outlives a stop, and its answer is for that one call", async () => {
  const remove = call("run_command", { command: "rm -f old.txt" });
  const run = await begin("asks", [call("write_file", { path: "old.txt", content: "x" }), remove, remove, "Done."]);
  const first = await question("asks");
  await queue.stop("asks");
  await queue.goOn("asks");
  await setTimeout(500);
  assert.equal((await question("asks")).id, first.id);
  assert.equal(run.model.requests.length, 2, "a replay asks no model");
  const answer = { by: "me", at: new Date() } as const;
  await answerQuestion(scratch.db, { id: first.id, hash: first.hash, decision: "approved", ...answer });
  const second = await question("asks");
  assert.notEqual(second.id, first.id);
  const no = { decision: "denied", reason: "once is enough", ...answer } as const;
  await answerQuestion(scratch.db, { id: second.id, hash: second.hash, ...no });
  assert.deepEqual(await run.ended.promise, { kind: "done", text: "Done." });
  assert.match(lastSaid(run), /A person said no\. They say: once is enough\./);
  assert.deepEqual(
    (await events("asks", "tool-called")).map(({ tool, outcome }) => `${tool} ${outcome}`),
    ["write_file ok", "run_command ok", "run_command denied"],
  );
  const asked = await events("asks", "approval-asked");
  assert.equal(asked.length, 2);
  assert.match(
    asked[0]?.shown ?? "",
    /^run_command: rm -f old\.txt\nbecause: .*policy\.yaml, rule 1.*it removes files$/,
  );
});
