import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { storeProbe } from "../agents/stored-probe.ts";
import { Turnstile } from "../base/turnstile.ts";
import { Workspaces } from "../journal/workspaces.ts";
import { openDatabase } from "../store/database.ts";
import { policyQuestion } from "../tools/gate/policy-question.ts";
import { openTools, type ToolDeps, type ToolsRequest } from "./open-tools.ts";

const OTHER = fileURLToPath(new URL("../../test/fixtures/mcp/stdio-server.mjs", import.meta.url));
const top = mkdtempSync(join(tmpdir(), "atos-open-tools-"));
const config = join(top, "config");
const target = join(top, "target");
const scratch = join(top, "scratch");
for (const folder of [config, scratch, join(target, ".atos")]) mkdirSync(folder, { recursive: true });
after(() => rmSync(top, { recursive: true, force: true }));
const { signal } = new AbortController();
// Never asked anything: no call is made.
await using db = openDatabase("postgresql://127.0.0.1:1/none");
const source = { kind: "openai", id: "m", baseUrl: "http://127.0.0.1:1/v1", model: "m", contextTokens: 1 } as const;

async function depsWith(): Promise<ToolDeps> {
  const env = {};
  return {
    workspaces: await Workspaces.open(join(top, "trees.git")),
    openSandbox: () => Promise.reject(new Error("none of these tools runs anything")),
    checks: new Turnstile(1),
    scratchDirectory: scratch,
    configDirectory: config,
    probesFolder: join(top, "probes"),
    notesFolder: join(top, "notes"),
    packagesFolder: join(top, "packages"),
    registries: {},
    approvals: { expiresMs: 60_000 },
    external: {
      mcpJson: join(config, "mcp.json"),
      knownFile: join(top, "known-tools.json"),
      loginsFolder: join(top, "logins"),
      env,
      version: "1",
    },
    env,
  };
}

function asked(tools: readonly string[]): ToolsRequest {
  const journal = { db, now: () => new Date() };
  const who = { journal, buildId: "b", task: "t", role: "handy", source, unsafe: false };
  return { ...who, tools, target, languages: [], dependencies: [] };
}

test("opens the servers of the named tools alone, in a folder that goes with them", async () => {
  const tools = await openTools(await depsWith(), asked(["write_file", "remember", "read_file"]), signal);
  assert.deepEqual(
    tools.definitions.map(({ name }) => name),
    ["write_file", "remember", "read_file"],
  );
  assert.deepEqual([...tools.gate.tools.keys()], ["write_file", "remember", "read_file"]);
  assert.equal(tools.format, "hermes-xml");
  const { directory } = tools.folder;
  writeFileSync(join(directory, "a.txt"), "a");
  await tools[Symbol.asyncDispose]();
  assert.equal(existsSync(directory), false);
  assert.deepEqual(readdirSync(scratch), []);
});

test("a model is asked for calls in the format that a probe found best", async () => {
  const report = {
    formats: [],
    best: "pythonic",
    followsSchema: true,
    followsForcedSchema: undefined,
    stops: true,
    honoursSystemPrompt: true,
    thinking: undefined,
    promptTokensPerSecond: 1,
    outputTokensPerSecond: 1,
    score: 1,
  } as const;
  const deps = await depsWith();
  await storeProbe(deps.probesFolder, source, { report, at: new Date(0) });
  await using tools = await openTools(deps, asked(["read_file"]), signal);
  assert.equal(tools.format, "pythonic");
});

test("the policy of the folder that is delivered to counts where it is stricter, and the person's own does", async () => {
  writeFileSync(join(config, "policy.yaml"), "rules:\n  - { tool: write_file, path: 'docs/**', decide: ask }\n");
  writeFileSync(join(target, ".atos", "policy.yaml"), "rules:\n  - { path: 'secret/**', decide: deny }\n");
  await using tools = await openTools(await depsWith(), asked(["write_file"]), signal);
  const { gate } = tools;
  const tool = gate.tools.get("write_file") ?? assert.fail();
  const decide = (path: string) => gate.decide(policyQuestion({ ...tool, name: "write_file" }, { path })).decision;
  assert.deepEqual([decide("a.py"), decide("docs/a"), decide("secret/a")], ["allow", "ask", "deny"]);
});

test("tools of a server of mcp.json are there under its name, and a person is asked about them", async () => {
  const servers = { other: { command: process.execPath, args: [OTHER, "good"] } };
  writeFileSync(join(config, "mcp.json"), JSON.stringify({ mcpServers: servers }));
  await using tools = await openTools(await depsWith(), asked(["other__echo", "read_file"]), signal);
  assert.deepEqual(
    tools.definitions.map(({ name }) => name),
    ["other__echo", "read_file"],
  );
  const tool = tools.gate.tools.get("other__echo") ?? assert.fail();
  const question = policyQuestion({ ...tool, name: "other__echo" }, { text: "x" });
  assert.equal(tools.gate.decide(question).decision, "ask");
});

test("a tool that nobody offers now is told, and nothing is left behind", async () => {
  const opening = openTools(await depsWith(), asked(["read_file", "gone__echo"]), signal);
  await assert.rejects(opening, {
    code: "workflows/tool-missing",
    exitCode: 3,
    message: /handy names the tool gone__echo/,
  });
  assert.deepEqual(readdirSync(scratch), []);
});
