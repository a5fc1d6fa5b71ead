import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Installation } from "./fixtures/atos.ts";

const FIXTURE = fileURLToPath(new URL("fixtures/mcp/stdio-server.mjs", import.meta.url));
const ENTRY = fileURLToPath(new URL("../bin/atos.js", import.meta.url));
const TOKEN = "a-token-made-up-for-this-test";

test("atos mcp lists its servers, with what a client's configuration needs", async () => {
  await using atos = new Installation();
  const { code, lines } = await atos.json("mcp");
  const [{ servers, mcpServers } = assert.fail("nothing was printed")] = lines;
  assert.equal(code, 0);
  assert.ok(Array.isArray(servers) && servers.length >= 9);
  assert.deepEqual(mcpServers, {
    "atos-filesystem": { command: process.execPath, args: [ENTRY, "mcp", "filesystem", "--root", "/path/to/a/folder"] },
  });
});

test("a server over stdio keeps to its folder, its policy and --read-only", async () => {
  await using atos = new Installation();
  const root = atos.path("workspace");
  mkdirSync(join(root, ".atos"), { recursive: true });
  writeFileSync(join(root, "a.txt"), "hello\n");
  writeFileSync(join(root, "b.txt"), "hello\n");
  const rules = "rules:\n  - path: b.txt\n    decide: ask\n";
  writeFileSync(join(root, ".atos", "policy.yaml"), rules);
  const call = async (args: readonly string[], name: string, value: Record<string, unknown>) => {
    const client = new Client({ name: "test", version: "1" });
    const env = { ATOS_HOME: atos.home, HOME: atos.root };
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [ENTRY, "mcp", ...args], env, stderr: "ignore" }),
    );
    const answer = await client.callTool({ name, arguments: value }).catch((error: unknown) => String(error));
    await client.close();
    if (typeof answer === "string") return answer;
    const [block] = answer.content;
    return `${answer.isError === true ? "error: " : ""}${block?.type === "text" ? block.text : ""}`;
  };
  const files = ["filesystem", "--root", root];
  assert.equal(await call(files, "read_file", { path: "a.txt" }), "hello\n");
  assert.match(await call(files, "read_file", { path: "../home" }), /^error: Not allowed: the path/);
  assert.match(await call(files, "read_file", { path: "b.txt" }), /^error: Not allowed here: a person must agree/);
  assert.match(await call([...files, "--read-only"], "delete_file", { path: "a.txt" }), /delete_file not found/);
  assert.match(await call(["memory"], "recall", { query: "anything" }), /./, "what it works on is in no folder");
  assert.match(
    await call(["shell", "--root", root], "run_command", { command: "cat a.txt" }),
    /^exit code 0[\s\S]*hello/,
  );
});

test("a server over HTTP wants the token of its file, and ends at SIGTERM", async () => {
  await using atos = new Installation();
  writeFileSync(atos.path("token"), `${TOKEN}\n`);
  mkdirSync(atos.path("workspace"));
  const child = atos.start([
    "mcp",
    "docs",
    "--root",
    "workspace",
    "--http",
    "--token-file",
    atos.path("token"),
    "--json",
  ]);
  const [line] = await once(createInterface({ input: child.stdout ?? assert.fail() }), "line");
  const { url } = Object(JSON.parse(String(line)));
  const client = new Client({ name: "test", version: "1" });
  const headers = { Authorization: `Bearer ${TOKEN}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ["search_docs", "call_context7"],
  );
  await client.close();
  child.kill("SIGTERM");
  const { code, stderr } = await child.ended;
  assert.deepEqual([code, stderr.includes(TOKEN)], [0, false]);
});

test("what does not go together is bad usage", async () => {
  await using atos = new Installation();
  writeFileSync(atos.path("short"), "short");
  const usages = [
    ["nothing-like-it", "--root", "."],
    ["docs"],
    ["docs", "--root", ".", "--port", "80"],
    ["docs", "--root", ".", "--http", "--port", "70000"],
    ["docs", "--root", ".", "--http", "--host", "0.0.0.0"],
    ["docs", "--root", ".", "--http", "--token-file", "short"],
    ["workflow", "--root", ".", "--read-only"],
    ["--accept", "nobody"],
  ];
  const codes = await Promise.all(usages.map(async (words) => (await atos.run("mcp", ...words)).code));
  assert.deepEqual(
    codes,
    usages.map(() => 2),
  );
});

test("servers of mcp.json are started, shown and remembered; one that changed waits for a person", async () => {
  await using atos = new Installation({ SERVICE_KEY: "made-up-value" });
  const config = atos.path(".config", "atos");
  mkdirSync(config, { recursive: true });
  const good = { command: process.execPath, args: [FIXTURE, "good"], env: { KEY: "${SERVICE_KEY}" } };
  const gone = { command: "no-such-command-here" };
  const unset = { command: "x", env: { KEY: "${NOT_SET_ANYWHERE}" } };
  const off = { command: "x", disabled: true };
  writeFileSync(join(config, "mcp.json"), JSON.stringify({ mcpServers: { unset, good, off, gone } }));
  const others = async () => {
    const { code, lines } = await atos.json("mcp", "--others");
    const servers: { server: string; tools: { name: string }[]; changed: string[]; problems: string[] }[] = Object(
      lines[0],
    ).servers;
    return {
      code,
      seen: servers.map(({ tools, changed, problems }) => [tools.map(({ name }) => name), changed, problems.length]),
    };
  };
  assert.deepEqual(await others(), {
    code: 1,
    seen: [
      [["good__echo"], [], 0],
      [[], [], 1],
      [[], [], 1],
    ],
  });
  const known = join(atos.home, "known-tools.json");
  assert.deepEqual(Object.keys(Object(JSON.parse(readFileSync(known, "utf8"))).good), ["echo"]);
  assert.equal(statSync(known).mode & 0o777, 0o600);
  writeFileSync(known, JSON.stringify({ good: { echo: "0".repeat(64) } }));
  assert.deepEqual((await others()).seen[0], [[], ["echo"], 0]);
  assert.equal((await atos.run("mcp", "--accept", "good")).code, 0);
  assert.deepEqual((await others()).seen[0], [["good__echo"], [], 0]);
});
