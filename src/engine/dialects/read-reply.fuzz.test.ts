import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { readReply } from "./read-reply.ts";
import { WHYS } from "./reading.ts";
import { toolDefinition } from "./tool-definition.ts";

const file = new URL("../../../test/corpus/tools.json", import.meta.url);
const { tools } = z.object({ tools: z.array(toolDefinition) }).parse(JSON.parse(readFileSync(file, "utf8")));

/** Pieces that mean something to one family or another. */
const PIECES = [
  "<tool_call>",
  "</tool_call>",
  "<tool_call",
  "<function=read_file>",
  "<function=write_file>\n",
  "</function>",
  "<parameter=path>",
  "<parameter=content>\n",
  "</parameter>",
  '<invoke name="list_dir">',
  "</invoke>",
  "<read_file>",
  "<path>",
  "</path>",
  "</read_file>",
  "<arg_key>path</arg_key>",
  "<arg_value>",
  "</arg_value>",
  "[TOOL_CALLS]",
  "[/TOOL_CALLS]",
  "[ARGS]",
  "[CALL_ID]",
  "[TOOL_RESULTS]",
  "[THINK]",
  "[/THINK]",
  "<think>",
  "</think>",
  "<|python_tag|>",
  "<|im_end|>",
  "<|im_start|>user\n",
  '<|tool_call>call:read_file{path:<|"|>',
  '<|"|>}',
  "<｜tool▁call▁begin｜>",
  "<｜tool▁sep｜>",
  "<|tool_call_argument_begin|>",
  "<|channel|>analysis<|message|>",
  "to=functions.list_dir<|message|>",
  "Action: read_file\n",
  "Action Input: ",
  "Action: ",
  "Observation: ",
  "Final Answer: ",
  "Thought: x\n",
  "FILE: src/a.ts\n",
  '<file path="a">',
  "</file>",
  "```",
  "```json\n",
  "~~~\n",
  "````\n",
  "\n",
  "\n\n",
  "\r\n",
  "> ",
  "`",
  "``",
  "<!--",
  "-->",
  "<example>",
  "</example>",
  "<document>",
  "</document>",
  "<tool_response>",
  "<<<<<<< SEARCH\n",
  "=======\n",
  ">>>>>>> REPLACE\n",
  "{",
  "}",
  "{{",
  "[",
  "]",
  "(",
  ")",
  '"',
  "'",
  "“",
  "”",
  "\\",
  "\\u0000",
  "\\n",
  ":",
  ",",
  ";",
  "#",
  "//",
  "/*",
  "*/",
  "...",
  "None",
  "true",
  "12",
  "1.5e3",
  "name",
  '"name": "read_file"',
  '"arguments": {',
  '"path": "a.ts"',
  '{"name": "list_dir", "arguments": {}}',
  '{"tool_calls": [',
  "read_file(",
  "path=",
  "read_file",
  'list_dir(path="src")',
  "print(",
  "for example",
  "you can",
  " ",
  "\u00a0",
  "\ufeff",
  "\0",
  "\ud800",
  "\udc00",
  "😀",
  "é",
  "prose ",
];

/** Small, seeded, the same on every machine. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomText(next: (below: number) => number): string {
  return Array.from({ length: 1 + next(40) }, () => PIECES[next(PIECES.length)] ?? "").join("");
}

test("any text gets a reading that keeps its promises", () => {
  const offered = new Map(tools.map((tool) => [tool.name, tool.parameters]));
  for (let seed = 1; seed <= 20_000; seed++) {
    const next = random(seed);
    const text = randomText(next);
    const finish = next(4) === 0 ? "length" : "stop";
    const reading = readReply(text, { tools, finish });
    assert.deepEqual(readReply(text, { tools, finish }), reading, `seed ${seed}`);
    if (reading.kind === "invalid") {
      assert.ok(WHYS.includes(reading.why), `seed ${seed}`);
      assert.ok(reading.message.length > 0 && reading.message.length <= 400, `seed ${seed}: ${reading.message}`);
    }
    if (reading.kind !== "call") continue;
    const parameters = offered.get(reading.name);
    assert.ok(parameters !== undefined, `seed ${seed}: ${reading.name}`);
    const given = Object.keys(reading.arguments);
    assert.deepEqual(
      parameters.required.filter((key) => !given.includes(key)),
      [],
      `seed ${seed}`,
    );
    assert.deepEqual(
      given.filter((key) => !Object.hasOwn(parameters.properties, key)),
      [],
      `seed ${seed}`,
    );
    assert.ok(!Object.values(reading.arguments).some((value) => typeof value === "string" && value.includes("\0")));
  }
});

test("quoted text, samples and reasoning are never calls, whatever they hold", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const next = random(seed);
    const inner = randomText(next).replaceAll(
      /<\/?(?:think|document)[^>]*>?|-->|<\|?[a-z_ ]*end[a-z_ ]*\|?>|<\/s>|`|~/gi,
      "",
    );
    const quoted = [
      `<document>\n${inner}\n</document>\nThat is what it says.`,
      `<think>\n${inner}\n</think>\nThat is what it says.`,
      `<!-- ${inner} -->\nThat is what it says.`,
      `${inner
        .split("\n")
        .map((line) => `> ${line}`)
        .join("\n")}\nThat is what it says.`,
      `For example:\n\n\`\`\`\`\`\n${inner}\n\`\`\`\`\`\n\nThat is what it says.`,
    ][next(5)];
    if (quoted === undefined) continue;
    const { kind } = readReply(quoted, { tools, finish: "stop" });
    assert.notEqual(kind, "call", `seed ${seed}: ${JSON.stringify(quoted)}`);
  }
});

test("deep nesting does not overflow the stack", () => {
  const depth = 100_000;
  for (const [open, close] of [
    ["[", "]"],
    ["{", "}"],
    ['{"a":', "}"],
    ['{"tool_calls":[', "]}"],
    ["read_file(path=", ")"],
    ["[(", ")]"],
    ["read_file(path=[", "])"],
    ["<tool_call>", "</tool_call>"],
    ["<read_file><path>", "</path></read_file>"],
    ["<document>", "</document>"],
    ["<function=read_file><parameter=path>", "</parameter></function>"],
  ] as const)
    for (const text of [
      open.repeat(depth),
      open.repeat(depth) + close.repeat(depth),
      `<tool_call>${open.repeat(depth)}`,
    ])
      assert.ok(readReply(text, { tools, finish: "stop" }).kind.length > 0);
});

const REPEATED = [
  ...PIECES,
  "<s>",
  "<|im_start|>assistant\n",
  "<|start_header_id|>assistant<|end_header_id|>\n",
  "<think></think><s>",
  "<｜tool▁calls▁begin｜>",
  "<|tool_calls_section_begin|>",
  '<tool_call>\n{"name": "read_file", "arguments": {"path": "a\n',
  '<tool_call>{"name":"nope","arguments":{}}</tool_call>',
  '{"name": "list_dir", "arguments": {}}\n',
  '{"a": 1}\n',
  "{'a': ",
  "{“a",
  '{"a":"',
  "[[",
  "[{",
  "[1,",
  "<x>",
  "</x>",
  "<a",
  "a.b.c",
  "a b\n",
  "Action: read_file\nAction Input: {\n",
  "Action: x[",
  "Tool: x\n",
  "File: a.ts\n",
  "File: a.ts\n```\n",
  "```\nx\n",
  "```\n```js\n",
  "`a``b",
  "f(x=1)\n",
  "read_file(path='a')\n",
  "read_file(path='a'); ",
  "[read_file(",
  "read_file('",
  "read_file(a.",
  "read_file\n{",
  "<function=read_file>\n",
  "<function=read_file>\n<parameter=path>\na\n</parameter>\n",
  "<parameter=path>\na\n",
  "<read_file>\n<path>a</path>\n",
  "<read_file>\n<path>\n",
  "<<<<<<< SEARCH\na\n",
  "a.ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
  "<|tool_call>call:read_file{",
  "call:read_file{a",
  "<think>a",
  "a</think>",
  "<thinking>a</think>",
  "<tool_response>x</tool_response>",
  "<document></document>",
  "\n\n\n",
  "\t ",
  "For example:\n\n",
];

function timeOf(text: string): number {
  const start = process.cpuUsage();
  readReply(text, { tools, finish: "stop" });
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

test("the work grows with the length of the text and not faster", () => {
  for (const piece of REPEATED) {
    const small = piece.repeat(Math.ceil(30_000 / piece.length));
    const grown = small.repeat(8);
    timeOf(small);
    const before = Math.max(5, Math.min(timeOf(small), timeOf(small)));
    const after = timeOf(grown);
    assert.ok(after <= before * 24, `${JSON.stringify(piece)}: ${before} ms, then ${after} ms for 8 times as much`);
  }
});
