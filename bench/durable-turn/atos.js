// ATOS as in a build: a durable workflow for each conversation, and in it an agent whose turns and calls are recorded
// in the effect ledger, with their events in the audit trail. Only the model is not real.
import { join } from "node:path";
import { durableAgent } from "../../src/agents/durable-agent.ts";
import { openAgent, runAgent, systemOf } from "../../src/agents/run-agent.ts";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "../../src/journal/durable-engine.ts";
import { StepWriter } from "../../src/journal/step-writer.ts";
import { Workspaces } from "../../src/journal/workspaces.ts";
import { claimBuild, insertBuild } from "../../src/store/builds.ts";
import { openDatabase } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrate.ts";
import { DEFAULT_POLICY } from "../../src/tools/gate/default-policy.ts";
import { mayCall } from "../../src/tools/gate/may-call.ts";
import { openGate } from "../../src/tools/gate/open-gate.ts";
import { connectOwn } from "../../src/tools/mcp/connect-own.ts";
import { openFilesystemServer } from "../../src/tools/servers/filesystem/open-filesystem-server.ts";
import { ANSWER, fileOf, GOAL, ROLE } from "./script.js";

const SOURCE = { kind: "gguf", id: "fake", path: "/fake" };

export async function setup({ databaseUrl, folder, root, turns }) {
  const db = openDatabase(databaseUrl);
  await migrate(db);
  await migrateDurableEngine(databaseUrl);
  const workspaces = await Workspaces.open(join(folder, "trees.git"));
  const { tools } = await connectOwn(openFilesystemServer({ root }));
  const agent = {
    role: ROLE,
    tools: tools.map(({ definition }) => definition),
    format: "hermes-xml",
    options: { maxTokens: 500, temperature: 0, seed: 1 },
  };
  const system = systemOf(agent);
  const running = new Map();
  const engine = { databaseUrl, workerId: "bench", version: "bench" };

  async function converse(buildId) {
    const now = () => new Date();
    const { run } = await claimBuild(db, { id: buildId, at: now() });
    const claim = { buildId, run, isFirst: run === 1 };
    const journal = { db, now, claim, writer: new StepWriter(db, claim) };
    let clock = 0;
    const gate = openGate({
      run: { journal, buildId, task: "t", folder: workspaces.openFolder(root) },
      tools,
      decide: (question) => mayCall(DEFAULT_POLICY, question),
      ask: () => Promise.reject(new Error("nobody is there to ask")),
      secrets: [],
      // Or its limit on calls in a minute would be what is measured.
      nowMs: () => (clock += 1000),
    });
    const deps = {
      journal,
      gate,
      pool: poolOf(fakeModel(turns)),
      report: async () => {},
      progress: () => {},
      nowMs: () => performance.now(),
    };
    const seat = { buildId, task: "t", role: "developer", source: SOURCE };
    const context = openAgent(system, [{ part: "goal", text: GOAL }]);
    const how = durableAgent(deps, { agent, seat, name: "work" });
    const { outcome } = await runAgent(how, { agent, context, limits: { turns: turns + 1 } }, signal);
    await journal.writer.settle();
    return outcome.kind === "done" ? outcome.text : JSON.stringify(outcome);
  }

  const { signal } = new AbortController();
  const build = async (buildId) => {
    const { resolve, reject } = running.get(buildId);
    const startedMs = performance.now();
    await converse(buildId).then((text) => resolve({ text, wallMs: performance.now() - startedMs }), reject);
  };
  const queue = await BuildQueue.open(engine);
  await launchDurableEngine({ ...engine, build });
  return async (id) => {
    const ended = Promise.withResolvers();
    running.set(id, ended);
    await insertBuild(db, { id, goal: GOAL, request: {}, worker: "bench", outDirectory: `/${id}`, at: new Date() });
    await queue.goOn(id);
    return ended.promise;
  };
}

function poolOf(model) {
  return { lease: async () => ({ model, [Symbol.asyncDispose]: async () => {} }) };
}

/** Says at once which file to read next. */
function fakeModel(turns) {
  let turn = 0;
  return {
    id: "fake",
    contextTokens: 1_000_000,
    capabilities: { options: new Set(), slots: 1 },
    render: async () => ({ text: "", tokens: 1, exact: true }),
    countText: async (text) => text.length,
    async *generate() {
      const call = { name: "read_file", arguments: { path: fileOf(turn) } };
      const text = turn++ < turns ? `<tool_call>\n${JSON.stringify(call)}\n</tool_call>` : ANSWER;
      yield { kind: "text", text };
      yield { kind: "end", finish: "stop", usage: { promptTokens: 1, cachedTokens: 0, outputTokens: 1 } };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
