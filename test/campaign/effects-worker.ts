// One worker of the effects campaign: runs the workload of one build to its end, or dies on the way.
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { BuildQueue, launchDurableEngine } from "../../src/journal/durable-engine.ts";
import type { Journal } from "../../src/journal/effect.ts";
import { git } from "../../src/journal/git.ts";
import { StepWriter } from "../../src/journal/step-writer.ts";
import { Workspaces } from "../../src/journal/workspaces.ts";
import { openSandbox } from "../../src/sandbox/open-sandbox.ts";
import { claimBuild } from "../../src/store/builds.ts";
import { openDatabase } from "../../src/store/database.ts";
import { listEffects } from "../../src/store/effects.ts";
import { callTool } from "../../src/tools/gate/call-tool.ts";
import { openGate } from "../../src/tools/gate/open-gate.ts";
import { connectOwn } from "../../src/tools/mcp/connect-own.ts";
import { openFilesystemServer } from "../../src/tools/servers/filesystem/open-filesystem-server.ts";
import { openGitServer } from "../../src/tools/servers/git/open-git-server.ts";
import { openShellServer } from "../../src/tools/servers/shell/open-shell-server.ts";
import { openWorkflowServer } from "../../src/tools/servers/workflow/open-workflow-server.ts";
import { WORKLOAD } from "./effects-workload.ts";
import { type Report, workerInputSchema } from "./worker-input.ts";

const input = workerInputSchema.parse(JSON.parse(process.argv[2] ?? ""));
const { buildId, databaseUrl, state, killAt } = input;
const signal = new AbortController().signal;
let passed = 0;
let begun = false;
const db = openDatabase(databaseUrl);
const known = new Set((await listEffects(db, buildId)).map(({ id }) => id));
const unclaimed: Journal = {
  db,
  now: () => new Date(),
  atBoundary: (boundary, effectId) => {
    // What an earlier run has come to is passed over.
    if (boundary === "before-reserve" && known.has(effectId)) return;
    // Tells the campaign that effects are under way.
    if (!begun) process.stderr.write("begun\n");
    begun = true;
    if (boundary === killAt?.boundary && ++passed === killAt.nth) process.kill(process.pid, "SIGKILL");
  },
};
const engine = { databaseUrl, workerId: "campaign", version: "campaign-1" };
const queue = await BuildQueue.open(engine);
await launchDurableEngine({
  ...engine,
  build: async (id) => {
    // One that had come to its end and told so, when its process ended.
    if (id !== buildId) return;
    try {
      process.stdout.write(`${JSON.stringify(await work())}\n`, () => process.exit(0));
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      // As a crash, so that no failure is recorded as the outcome.
      process.exit(7);
    }
    await new Promise(() => {});
  },
});
await queue.goOn(buildId);

async function work(): Promise<Report> {
  const build = await claimBuild(db, { id: buildId, at: new Date() });
  if (build === undefined) throw new Error(`build ${buildId} has no run any more`);
  const claim = { buildId, run: build.run };
  const writer = new StepWriter(db, claim);
  const journal = { ...unclaimed, claim, writer };
  const sandbox = await openSandbox({ unsafe: false });
  const workspaces = await Workspaces.open(join(state, "trees.git"));
  const root = join(state, "work", buildId);
  mkdirSync(root, { recursive: true });
  const folder = workspaces.openFolder(root);
  const gitDir = join(state, "repositories", buildId);
  mkdirSync(gitDir, { recursive: true });
  await git(gitDir, ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", gitDir]);
  const hook = { timeoutMs: 10_000 };
  const webhooks = {
    dedupe: { url: `${input.hooks}/dedupe`, idempotent: true, ...hook },
    blind: { url: `${input.hooks}/plain`, idempotent: false, ...hook },
    plain: { url: `${input.hooks}/plain`, idempotent: false, lookupUrl: `${input.hooks}/applied`, ...hook },
  };
  const date = new Date("2026-01-01T00:00:00Z");
  const identity = { name: "ATOS", email: "atos@localhost" };
  const servers = [
    openFilesystemServer({ root }),
    openShellServer({ root, sandbox }),
    openGitServer({ gitDir, workTree: root, identity, now: () => date }),
    openWorkflowServer({ webhooks, now: () => new Date() }),
  ];
  const connected = await Promise.all(servers.map((server) => connectOwn(server)));
  const gate = openGate({
    run: { journal, buildId, task: "campaign", folder },
    tools: connected.flatMap(({ tools }) => tools),
    decide: () => ({ decision: "allow", because: "the campaign allows everything" }),
    secrets: [],
    ask: async ({ kind, step }) => {
      // The one who is asked whether a call happened looks it up, and says to make it again when it did not.
      if (kind !== "in-doubt") throw new Error("only what is in doubt is asked about");
      const key = hashOf(`${buildId}/${step}`);
      const { status } = await fetch(`${input.hooks}/applied?key=${key}`);
      return { decision: status === 200 ? "denied" : "approved" };
    },
  });
  const outcomes: string[] = [];
  for (const [index, call] of WORKLOAD.entries()) {
    const { outcome, text } = await callTool(gate, { step: `call-${index}`, ...call }, signal);
    // How long something took, and the name of a commit, are another's each time; a call of a webhook that was looked
    // up, or that a person was asked about, has other words.
    const same = text.replaceAll(/\d+(?:\.\d+)? m?s\b|\b[0-9a-f]{12,40}\b/g, "…");
    const words = call.name === "call_workflow" ? "" : ` ${JSON.stringify(same.slice(0, 200))} ${hashOf(same)}`;
    outcomes.push(call.arguments["name"] === "blind" ? call.name : `${call.name} ${outcome}${words}`);
  }
  if (!(await writer.settle())) throw new Error(`build ${buildId} has another run`);
  const last = await folder.snapshot();
  if (last.kind === "refused") throw new Error(last.why);
  // Not their names: each holds the key of its call, and so of its build.
  const commits = await git(gitDir, ["log", "--format=%T %an %ad %s", "main"]);
  return { snapshot: last.snapshot, commits, listing: listing(root), outcomes };
}

function listing(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder))
    .toSorted()
    .flatMap((name) => {
      const path = join(folder, name);
      const entry = lstatSync(join(root, path));
      if (entry.isDirectory()) return [`${path}/`, ...listing(root, path)];
      if (entry.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(root, path))}`];
      const hash = hashOf(readFileSync(join(root, path)));
      return [`${path} ${(entry.mode & 0o100) === 0 ? "" : "x "}${hash}`];
    });
}

function hashOf(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
