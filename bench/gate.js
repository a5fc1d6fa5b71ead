// What a tool call costs an agent: node bench/gate.js [CALLS]
// The same file is read by a plain function, through an in-memory MCP client, through the gate with a ledger that
// records nothing, and through gate and ledger on a real Postgres in a real durable workflow. CPU time of this process
// (Postgres's own is not in it); the last line is what the issue asks: at most 1 ms.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "../src/journal/durable-engine.ts";
import { Workspaces } from "../src/journal/workspaces.ts";
import { claimBuild, insertBuild } from "../src/store/builds.ts";
import { callTool } from "../src/tools/gate/call-tool.ts";
import { DEFAULT_POLICY } from "../src/tools/gate/default-policy.ts";
import { mayCall } from "../src/tools/gate/may-call.ts";
import { openGate } from "../src/tools/gate/open-gate.ts";
import { connectOwn } from "../src/tools/mcp/connect-own.ts";
import { openFilesystemServer } from "../src/tools/servers/filesystem/open-filesystem-server.ts";
import { readInside } from "../src/tools/servers/filesystem/read-inside.ts";
import { scratchDatabase } from "../test/fixtures/scratch-database.ts";

const CALLS = Number(process.argv[2] ?? 1000);
const ROUNDS = 5;
const folder = mkdtempSync(join(tmpdir(), "atos-bench-gate-"));
const root = join(folder, "work");
mkdirSync(root);
writeFileSync(join(root, "a.txt"), "A line of text, of the length that such lines have.\n".repeat(40));
const { signal } = new AbortController();
const context = { signal, idempotencyKey: "k" };

const { tools } = await connectOwn(openFilesystemServer({ root }));
const read = tools.find(({ definition }) => definition.name === "read_file");
if (read === undefined) throw new Error("there is no read_file");
const workspaces = await Workspaces.open(join(folder, "trees.git"));
await using scratch = await scratchDatabase({ migrated: true });
const { db, url: databaseUrl } = scratch;
await migrateDurableEngine(databaseUrl);
await insertBuild(db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/b", at: new Date() });
const { run } = await claimBuild(db, { id: "b", at: new Date() });
const journal = { db, now: () => new Date(), claim: { buildId: "b", run } };
const gate = openGate({
  run: { journal, buildId: "b", task: "t", folder: workspaces.openFolder(root) },
  tools,
  decide: (question) => mayCall(DEFAULT_POLICY, question),
  ask: () => Promise.reject(new Error("nobody is there to ask")),
  secrets: ["a-secret-that-is-looked-for"],
  // Or its limit on calls would be what is measured.
  nowMs: () => (clock += 1000),
});
let clock = 0;
const args = { path: "a.txt" };
let calls = 0;

const WAYS = {
  "a function": async () => readInside(root, "a.txt").toString("utf8"),
  "in-memory MCP": () => read.call(args, context),
  "gate and MCP, no ledger": async () => {
    gate.decide({ tool: "read_file", server: "filesystem", own: true, effect: "none", paths: ["a.txt"] });
    read.validate(args);
    return gate.observe(await read.call(args, context));
  },
  "gate, ledger and MCP": () =>
    callTool(limitless(), { step: `call-${++calls}`, name: "read_file", arguments: args }, signal),
};

/** A run may make 1,000 calls. */
function limitless() {
  return { ...gate, overLimit: () => undefined };
}

const done = Promise.withResolvers();
const engine = { databaseUrl, workerId: "bench", version: "bench" };
const queue = await BuildQueue.open(engine);
await launchDurableEngine({ ...engine, build: () => measure().then(done.resolve, done.reject) });
await queue.goOn("b");
await done.promise;
rmSync(folder, { recursive: true, force: true });
process.exit(0);

async function measure() {
  const found = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, once] of Object.entries(WAYS)) {
      const before = process.cpuUsage();
      const startedMs = performance.now();
      for (let call = 0; call < CALLS; call++) await once();
      const { user, system } = process.cpuUsage(before);
      const wallMs = (performance.now() - startedMs) / CALLS;
      // The first round is for the compiler.
      if (round > 0) found[name].push({ cpuMs: (user + system) / 1000 / CALLS, wallMs });
    }
  }
  console.log(`${CALLS} reads of a file of 2 KB, ${ROUNDS} rounds, median (best)\n`);
  for (const [name, rounds] of Object.entries(found)) {
    const cpu = rounds.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b);
    const wall = rounds.map(({ wallMs }) => wallMs).toSorted((a, b) => a - b);
    const text = (of) => `${of[2].toFixed(3)} (${of[0].toFixed(3)})`;
    console.log(`${name.padEnd(26)} CPU ${text(cpu)} ms, wall ${text(wall)} ms`);
  }
}
