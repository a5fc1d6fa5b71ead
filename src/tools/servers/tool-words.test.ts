import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { toolPrompt } from "../../engine/dialects/tool-format.ts";
import { textTokenBound } from "../../engine/server/token-bound.ts";
import { git } from "../../journal/git.ts";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import { ownDefinition } from "../mcp/own-definition.ts";
import { openServer, SERVER_NAMES } from "./open-server.ts";
import { TOOL_SERVERS } from "./tool-servers.ts";

const root = mkdtempSync(join(tmpdir(), "atos-words-"));
after(() => rmSync(root, { recursive: true, force: true }));

async function servers() {
  await git(root, ["init", "--quiet"]);
  const sandbox = await openSandbox({ unsafe: false });
  const deps = {
    root,
    sandbox: () => Promise.resolve(sandbox),
    notesFolder: join(root, "notes"),
    packagesFolder: join(root, "packages"),
    webhooks: {},
    env: {},
    now: () => new Date(0),
  };
  return Promise.all(SERVER_NAMES.map((name) => openServer(name, deps)));
}

async function tools() {
  return (await servers()).flatMap((server) => server.tools);
}

test("the table of tools for builds has every tool of every server but git's", async () => {
  const there = (await servers()).filter(({ name }) => name !== "git");
  const own = there.flatMap(({ name: server, tools: offered }) => offered.map(({ name }) => [name, server]));
  assert.deepEqual(Object.fromEntries(TOOL_SERVERS), Object.fromEntries(own));
});

// ATOS's own bound stands in for a tokenizer: it is never below the count of Qwen2.5's, and about twice it.
test("each tool takes at most 60 tokens of a prompt, as its name, arguments and description are written there", async () => {
  for (const tool of await tools()) {
    const line =
      toolPrompt([ownDefinition(tool)], "llama3")
        .tools.split("\n")
        .at(-1) ?? "";
    assert.ok(textTokenBound(line) <= 2 * 60 && line.length <= 240, `${textTokenBound(line)}: ${line}`);
  }
});

test("tools have names of their own and examples that their schemas take; paths and commands that are named exist", async () => {
  const all = await tools();
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const tool of all) {
    const named = [
      ...(tool.pathArguments ?? []),
      ...(tool.commandArgument === undefined ? [] : [tool.commandArgument]),
    ];
    for (const argument of named) assert.ok(argument in tool.input.shape, `${tool.name} ${argument}`);
    assert.ok(tool.example !== undefined && tool.input.safeParse(tool.example).success, tool.name);
    assert.equal(tool.annotations.readOnly, tool.effect === "none", tool.name);
  }
});
