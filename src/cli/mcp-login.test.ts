import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Installation } from "../../test/fixtures/atos.ts";
import { startLoginServer } from "../../test/fixtures/mcp/login-server.ts";

const SECRET = /(?:access|refresh)-[0-9a-f]{8}/;

test("atos mcp --login shows an address and waits for the browser, --logout forgets", async () => {
  await using server = await startLoginServer();
  await using atos = new Installation();
  writeMcpJson(atos, { wiki: { url: server.url.href }, program: { command: "none" } });
  const others = await atos.run("mcp", "--others");
  assert.match(others.stdout, /wiki of mcp\.json wants a log-in; run: atos mcp --login wiki/);
  const child = atos.start(["mcp", "--login", "wiki", "--json"]);
  const [line] = await once(createInterface({ input: child.stdout ?? assert.fail() }), "line");
  const { type, url } = Object(JSON.parse(String(line)));
  assert.equal(type, "login-address");
  await fetch(url);
  const done = await child.ended;
  assert.equal(done.code, 0);
  assert.deepEqual(JSON.parse(done.stdout.trim().split("\n").at(-1) ?? ""), {
    type: "logged-in",
    server: "wiki",
    tools: 1,
  });
  const file = join(atos.home, "mcp-logins", "wiki.json");
  assert.match(readFileSync(file, "utf8"), SECRET);
  const again = await atos.run("mcp", "--login", "wiki");
  assert.equal(again.stdout, "No log-in is needed for wiki: it offers 1 tools.\n");
  const out = await atos.run("mcp", "--logout", "wiki");
  assert.deepEqual([out.stdout, existsSync(file)], ["Removed the log-in of wiki.\n", false]);
  const printed = [others, done, again, out].map(({ stdout, stderr }) => stdout + stderr).join("\n");
  assert.doesNotMatch(printed, SECRET);
});

test("a log-in is given up at Ctrl-C, and what can't be logged in to is bad usage", async () => {
  await using server = await startLoginServer();
  await using atos = new Installation();
  const headers = { Authorization: "Bearer made-up-value" };
  writeMcpJson(atos, {
    wiki: { url: server.url.href },
    program: { command: "none" },
    key: { url: server.url.href, headers },
  });
  const child = atos.start(["mcp", "--login", "wiki", "--json"]);
  await once(createInterface({ input: child.stdout ?? assert.fail() }), "line");
  child.kill("SIGINT");
  assert.equal((await child.ended).code, 130);
  const names = [
    ["--login", "program"],
    ["--login", "key"],
    ["--login", "nobody"],
    ["--logout", "../wiki"],
  ];
  const codes = await Promise.all(names.map(async (words) => (await atos.run("mcp", ...words)).code));
  assert.deepEqual(codes, [2, 2, 2, 2]);
});

function writeMcpJson(atos: Installation, mcpServers: Readonly<Record<string, unknown>>): void {
  const config = atos.path(".config", "atos");
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, "mcp.json"), JSON.stringify({ mcpServers }));
}
