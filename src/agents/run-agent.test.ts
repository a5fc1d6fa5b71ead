import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import { toolDefinition } from "../engine/dialects/tool-definition.ts";
import type { Context, Segment } from "./context.ts";
import { type Agent, type AgentTurn, openAgent, runAgent, systemOf, type ToolCall } from "./run-agent.ts";
import { takeTurn } from "./turn.ts";

const { signal } = new AbortController();
const CORPUS_TOOLS = new URL("../../test/corpus/tools.json", import.meta.url);
const tools = z.object({ tools: z.array(toolDefinition) }).parse(JSON.parse(readFileSync(CORPUS_TOOLS, "utf8"))).tools;

const agent: Agent = {
  role: "You are careful.",
  tools,
  format: "hermes-xml",
  options: { maxTokens: 100, temperature: 0, seed: 7 },
};
const GOAL: readonly Segment[] = [{ part: "goal", text: "Say what is in a.txt." }];
const READ = '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.txt"}}\n</tool_call>';

/** Runs an agent with scripted replies and a tool that always says the same. */
async function run(
  replies: readonly string[],
  more: { context?: Context; turns?: number; observed?: readonly Segment[]; contextTokens?: number } = {},
) {
  const model = fakeModel(replies, more.contextTokens);
  const calls: ToolCall[] = [];
  const turns: AgentTurn[] = [];
  const { outcome, context } = await runAgent(
    {
      takeTurn: (asked, abort) => takeTurn({ model }, asked, abort),
      callTool: async (call) => {
        calls.push(call);
        return more.observed ?? [{ part: "observation", text: "hello" }];
      },
      record: async (turn) => void turns.push(turn),
    },
    { agent, context: more.context ?? openAgent(systemOf(agent), GOAL), limits: { turns: more.turns ?? 10 } },
    signal,
  );
  return { model, calls, turns, outcome, context };
}

test("calls one tool a turn, sees its result, and ends with a reply that calls none", async () => {
  const { outcome, calls, model, turns } = await run([READ, "It says hello."]);
  assert.deepEqual(outcome, { kind: "done", text: "It says hello." });
  assert.deepEqual(calls, [{ name: "read_file", arguments: { path: "a.txt" } }]);
  assert.equal(model.requests[1]?.messages.at(-1)?.content, "<tool_response>\nhello\n</tool_response>");
  assert.deepEqual(
    turns.map(({ reading }) => reading.kind),
    ["call", "text"],
  );
});

test("the role is in force on every request", async () => {
  const { model } = await run([READ, READ, "done"]);
  for (const { messages } of model.requests) assert.match(messages[0]?.content ?? "", /^You are careful\.\n\nTools:\n/);
});

test("a reply that can't be read is told so once, then drawn again with other seeds, and each attempt is recorded", async () => {
  const bad = '<tool_call>\n{"name": "fly", "arguments": {}}\n</tool_call>';
  const { outcome, calls, model, turns } = await run([bad, bad, bad, bad]);
  assert.equal(outcome.kind, "unreadable");
  assert.deepEqual(calls, []);
  assert.deepEqual(
    turns.map(({ attempt, reading }) => [attempt, reading.kind]),
    [
      [1, "invalid"],
      [2, "invalid"],
      [3, "invalid"],
      [4, "invalid"],
    ],
  );
  const [first, told, drawn, last] = model.requests;
  assert.match(told?.messages.at(-1)?.content ?? "", /fly/);
  assert.equal(told?.messages.length, (first?.messages.length ?? 0) + 2);
  assert.deepEqual(drawn, { ...told, seed: 8, temperature: 0.7 });
  assert.deepEqual(last, { ...told, seed: 9, temperature: 0.7 });
});

test("a run ends after its turns, and goes on from its context as if it had not been cut", async () => {
  const whole = await run([READ, READ, "It says hello."]);
  const cut = await run([READ], { turns: 1 });
  assert.deepEqual(cut.outcome, { kind: "out-of-turns", turns: 1 });
  const kept: Context = JSON.parse(JSON.stringify(cut.context));
  const rest = await run([READ, "It says hello."], { context: kept });
  assert.deepEqual(rest.outcome, whole.outcome);
  assert.deepEqual(
    [...cut.model.requests, ...rest.model.requests].map(({ messages }) => messages),
    whole.model.requests.map(({ messages }) => messages),
  );
});

test("each request extends the one before byte for byte, with recalled notes, corrections and resumed runs", async () => {
  const observed: readonly Segment[] = [
    { part: "observation", text: "x".repeat(2000) },
    { part: "recall", text: "\n\nYou noted: a.txt is old." },
  ];
  const cut = await run([READ, "<tool_call>{", READ], { observed, turns: 3 });
  const rest = await run([READ, "done"], { observed, context: JSON.parse(JSON.stringify(cut.context)) });
  const requests = [...cut.model.requests, ...rest.model.requests];
  for (const [index, { messages }] of requests.entries()) {
    const before = requests[index - 1]?.messages ?? [];
    assert.deepEqual(messages.slice(0, before.length), before);
  }
  assert.equal(requests.length, 5);
});

test("where it no longer fits, the context is shortened once, recorded, and extended from there on", async () => {
  const observed: readonly Segment[] = [{ part: "observation", text: "x".repeat(2000) }];
  const { turns, outcome } = await run([...Array.from({ length: 6 }, () => READ), "done"], {
    observed,
    contextTokens: 9000,
  });
  assert.deepEqual(outcome, { kind: "done", text: "done" });
  const compactions = turns.filter(({ turn }) => turn.compacted !== undefined).length;
  assert.ok(compactions > 0);
  let before = "";
  let breaks = 0;
  for (const { turn } of turns) {
    const { extends: same = 0, text = "" } = turn.sent ?? {};
    if (same < before.length) breaks++;
    before = before.slice(0, same) + text;
  }
  assert.equal(breaks, compactions);
});

test("an agent whose goal does not fit says so", async () => {
  const goal: Context = openAgent(systemOf(agent), [{ part: "goal", text: "g".repeat(50_000) }]);
  const model = fakeModel([], 9000);
  const refused = await runAgent(
    {
      takeTurn: async () => ({
        text: "",
        finish: "no-room",
        usage: { promptTokens: 0, cachedTokens: 0, outputTokens: 0 },
        noRoom: "the prompt takes 50000 tokens and the model's context holds 9000",
      }),
      callTool: () => assert.fail("nothing is called"),
      record: async () => {},
    },
    { agent, context: goal, limits: { turns: 3 } },
    signal,
  );
  assert.equal(refused.outcome.kind, "no-room");
  assert.equal(model.requests.length, 0);
});
