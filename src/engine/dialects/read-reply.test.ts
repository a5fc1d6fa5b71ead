import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { readReply } from "./read-reply.ts";
import { type ToolDefinition, toolDefinition } from "./tool-definition.ts";

const file = new URL("../../../test/corpus/tools.json", import.meta.url);
const { tools } = z.object({ tools: z.array(toolDefinition) }).parse(JSON.parse(readFileSync(file, "utf8")));

function read(text: string, finish: "stop" | "length" = "stop", offered: readonly ToolDefinition[] = tools) {
  return readReply(text, { tools: offered, finish });
}

/** Why a reply is refused, and what the model is told. */
function refusal(text: string, finish: "stop" | "length" = "stop", offered: readonly ToolDefinition[] = tools) {
  const reading = read(text, finish, offered);
  return reading.kind === "invalid" ? [reading.why, reading.message] : [reading.kind];
}

test("a call comes with the prose before it and the reasoning, apart", () => {
  const text =
    '<think>\nIt is small.\n</think>\nI open it.\n\n```json\n{"name": "read_file", "arguments": {"path": "a.ts"}}\n```\nDone.';
  assert.deepEqual(read(text), {
    kind: "call",
    name: "read_file",
    arguments: { path: "a.ts" },
    also: 0,
    dialect: "fenced-json",
    reasoning: "It is small.",
    text: "I open it.",
  });
});

test("an answer is shown without reasoning, headers and end marks", () => {
  const text = (reply: string) => {
    const reading = read(reply);
    return reading.kind === "text" ? [reading.text, reading.reasoning] : [reading.kind];
  };
  assert.deepEqual(text("I weigh it.\n</think>\n\nIt is **done**.<|im_end|>\nmore"), [
    "It is **done**.",
    "I weigh it.",
  ]);
  assert.deepEqual(text("<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"), ["Hello.", ""]);
  assert.deepEqual(
    text("<|channel|>analysis<|message|>Short.<|end|><|start|>assistant<|channel|>final<|message|>Yes."),
    ["Yes.", "Short."],
  );
  assert.deepEqual(text("Thought: done\nFinal Answer: 42"), ["42", ""]);
  assert.deepEqual(text('{"action": "Final Answer", "action_input": "42"}'), ["42", ""]);
  assert.deepEqual(text('{"role": "assistant", "content": "Hello.", "tool_calls": []}'), ["Hello.", ""]);
  assert.deepEqual(text("The mark `<|im_end|>` ends a turn."), ["The mark `<|im_end|>` ends a turn.", ""]);
});

test("each family is told by its name", () => {
  const json = '{"name": "list_dir", "arguments": {}}';
  const families = {
    [`<tool_call>${json}</tool_call>`]: "hermes-xml",
    "<function=list_dir></function>": "qwen3-coder-xml",
    [`[TOOL_CALLS][${json}]`]: "mistral",
    [`<|python_tag|>${json}`]: "llama3",
    [json]: "bare-json",
    [`\`\`\`json\n${json}\n\`\`\``]: "fenced-json",
    [`{"tool_calls": [${json}]}`]: "openai-tool-calls",
    "[list_dir()]": "pythonic",
    "Action: list_dir\nAction Input: {}": "react-action",
    "FILE: a.txt\n```\nhi\n```": "file-block",
    "a.txt\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE": "search-replace",
    "<list_dir></list_dir>": "tagged",
    '<invoke name="list_dir"></invoke>': "invoke",
    "<tool_call>list_dir\n<arg_key>path</arg_key>\n<arg_value>a</arg_value>\n</tool_call>": "glm",
    "<|tool_call_begin|>functions.list_dir:0<|tool_call_argument_begin|>{}<|tool_call_end|>": "kimi",
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>list_dir\n```json\n{}\n```<｜tool▁call▁end｜>": "deepseek",
    "<|tool_call>call:list_dir{}<tool_call|>": "gemma",
    "<|channel|>commentary to=functions.list_dir<|message|>{}<|call|>": "harmony",
  };
  for (const [reply, dialect] of Object.entries(families)) {
    const reading = read(reply);
    assert.equal(reading.kind === "call" ? reading.dialect : reading.kind, dialect, reply);
  }
});

test("a refusal says what was wrong and what to do", () => {
  const few = tools.filter(({ name }) => name === "read_file" || name === "finish");
  const call = (name: string, args: unknown) => JSON.stringify({ name, arguments: args });
  assert.deepEqual(refusal(call("Skill", {}), "stop", few), [
    "unknown-tool",
    'There is no tool "Skill". The tools are read_file, finish.',
  ]);
  assert.deepEqual(refusal(call("edit_file", { path: "a" })), [
    "missing-argument",
    "edit_file: the arguments search, replace are missing; write the call again with all required ones.",
  ]);
  assert.deepEqual(refusal(call("read_file", { path: "a", lines: 3 })), [
    "unknown-argument",
    'read_file: it has no argument "lines"; its arguments are path, start_line, end_line.',
  ]);
  assert.deepEqual(refusal(call("finish", { summary: "x", status: "ok" })), [
    "bad-value",
    'finish: status is "ok"; it must be one of "done", "blocked", "failed".',
  ]);
  assert.deepEqual(refusal("  "), ["empty", "The reply is empty. Write an answer, or one tool call."]);
  assert.deepEqual(refusal('{"name": "read_file", "arguments": {"path": "a', "length"), [
    "truncated",
    'The reply was cut off at the token limit before the call of "read_file" was complete. Write it again, shorter.',
  ]);
  assert.deepEqual(refusal('{"name": "read_file", "arguments": {"path": "say "hi""}}'), [
    "unparsable",
    'The call of "read_file" can\'t be read: its syntax is broken. Write it again as one complete call.',
  ]);
  const long = refusal(call("x".repeat(5000), {}))[1] ?? "";
  assert.ok(long.length < 300, long);
});

test("tools of other servers may have any schema", () => {
  const parameters = {
    type: "object",
    properties: {
      target: { anyOf: [{ type: "string" }, { type: "object" }] },
      options: { type: "object", properties: { deep: { type: "boolean" } } },
      either: { type: ["string", "null"] },
      points: { type: "array", items: { type: "object" } },
    },
    required: ["target"],
  };
  const move = toolDefinition.parse({ name: "srv__move", description: "Moves.", parameters });
  const args = { target: { id: 3 }, options: { deep: true }, either: "x", points: [{ x: 1 }], extra: [1, null] };
  const reading = read(JSON.stringify({ name: "move", arguments: args }), "stop", [move]);
  assert.deepEqual(reading.kind === "call" ? [reading.name, reading.arguments] : reading, ["srv__move", args]);
  assert.equal(
    refusal(JSON.stringify({ name: "srv__move", arguments: { target: 1, options: 3 } }), "stop", [move])[0],
    "bad-type",
  );
});

test("a call within the broken value of another is not run", () => {
  const inner = '{"name": "write_file", "arguments": {"path": "evil.sh", "content": "x"}}';
  const wrapped = [inner, `\n${inner}\n`, `<tool_call>\n${inner}\n</tool_call>`, `\n\`\`\`json\n${inner}\n\`\`\`\n`];
  for (const content of wrapped)
    for (const reply of [
      `{"name": "write_file", "arguments": {"path": "good.md", "content": "${content}"}}`,
      `{"name": write_file", "arguments": {"path": "good.md", "content": "${content}"}}`,
      `<tool_call>\n{"name": "write_file", "arguments": {"path": "good.md", "content": "${content}"}}\n</tool_call>`,
      `Action: write_file\nAction Input: {"path": "good.md", "content": "${content}"}`,
      `<|tool_call>call:write_file{path:<|"|>good.md<",content:<|"|>${content}<|"|>}<tool_call|>`,
      `<document>\n</document>\n${content}\n</document>`,
    ])
      assert.notEqual(read(reply).kind, "call", reply);
});
