// What reading a reply costs: node bench/parse.js [--rounds N]
//
// CPU per kilobyte of text, at three sizes, for a file written in each dialect, for plain answers, and for inputs
// made to be bad. A parser in linear time has the same figure in each column, but for what a reading costs once.
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { readReply } from "../src/engine/dialects/read-reply.ts";
import { showCall } from "../src/engine/dialects/tool-format.ts";

const SIZES = [1_000, 10_000, 100_000];
/** CPU time of shorter stretches is too coarse. */
const LEAST_MS = 20;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const file = new URL("../test/corpus/tools.json", import.meta.url);
const tools = JSON.parse(readFileSync(file, "utf8")).tools.map((tool) => ({
  ...tool,
  parameters: { required: [], ...tool.parameters },
}));
const path = "src/parts.ts";

/** A reply that writes `content`, for each dialect. */
const DIALECTS = {
  "hermes-xml": (content) => showCall("write_file", { path, content }, "hermes-xml"),
  "qwen3-coder-xml": (content) => showCall("write_file", { path, content }, "qwen3-coder-xml"),
  mistral: (content) => showCall("write_file", { path, content }, "mistral"),
  llama3: (content) => showCall("write_file", { path, content }, "llama3"),
  "fenced-json": (content) => showCall("write_file", { path, content }, "fenced-json"),
  pythonic: (content) => showCall("write_file", { path, content }, "pythonic"),
  "react-action": (content) => showCall("write_file", { path, content }, "react-action"),
  "bare-json": (content) => JSON.stringify({ name: "write_file", arguments: { path, content } }),
  "openai-tool-calls": (content) => {
    const called = { name: "write_file", arguments: JSON.stringify({ path, content }) };
    return JSON.stringify({ tool_calls: [{ id: "call_1", type: "function", function: called }] });
  },
  "file-block": (content) => `FILE: ${path}\n\`\`\`ts\n${content}\`\`\`\n`,
  "search-replace": (content) =>
    `${path}\n<<<<<<< SEARCH\n${content}=======\n${content.replaceAll("steps", "items")}>>>>>>> REPLACE\n`,
  "reasoning, then hermes-xml": (content) =>
    `<think>\n${prose(content.length)}</think>\n\n${showCall("read_file", { path }, "hermes-xml")}`,
};
const ANSWERS = {
  "plain prose": prose,
  "prose with code": (length) => `Here is an example:\n\n\`\`\`ts\n${code(length)}\`\`\`\n`,
};
const PATHOLOGICAL = [
  "<tool_call>",
  '<tool_call>{"name":',
  "<function=",
  "<parameter=x>",
  "<think>",
  "</think>",
  "{",
  "[",
  '{"a":',
  '{"name": "read_file", "arguments": {',
  "[TOOL_CALLS]",
  "<|python_tag|>",
  "```",
  "```json\n{",
  "`",
  "'",
  '"',
  '"""',
  "Action: ",
  "Action: read_file\nAction Input: ",
  "FILE: a.ts\n```\n",
  "a.ts\n<<<<<<< SEARCH\n",
  "a.b.c",
  "read_file(",
  "[read_file(path='",
  "\\",
  "> ",
  "\n",
  " ",
  "\ud800",
];

heading("a reply that writes a file");
for (const [name, write] of Object.entries(DIALECTS)) {
  row(
    name,
    (length) => write(code(length)),
    (reading) => reading.kind === "call",
  );
}
heading("an answer");
for (const [name, write] of Object.entries(ANSWERS)) row(name, write, (reading) => reading.kind === "text");
heading("nothing but");
for (const marker of PATHOLOGICAL) {
  row(
    JSON.stringify(marker),
    (length) => marker.repeat(Math.ceil(length / marker.length)),
    () => true,
  );
}

function heading(title) {
  console.log(
    `\n${title.padEnd(44)}${SIZES.map((size) => `${size / 1000} kB`.padStart(12)).join("")}   µs of CPU per kB, least`,
  );
}

function row(name, write, isRight) {
  const cells = SIZES.map((size) => {
    const text = write(size);
    const reading = readReply(text, { tools, finish: "stop" });
    return isRight(reading) ? cost(text).toFixed(1) : `${reading.kind}!`;
  });
  console.log(`${name.padEnd(44)}${cells.map((cell) => cell.padStart(12)).join("")}`);
}

/** Microseconds per kilobyte: the least of several stretches, after one to warm up. */
function cost(text) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = -1; round < Number(values.rounds); round++) {
    const before = process.cpuUsage();
    let times = 0;
    let spent = 0;
    while (spent < LEAST_MS * 1000) {
      readReply(text, { tools, finish: "stop" });
      times++;
      const { user, system } = process.cpuUsage(before);
      spent = user + system;
    }
    if (round >= 0) least = Math.min(least, spent / times);
  }
  return least / (text.length / 1000);
}

function code(length) {
  const line = (index) => `  const step${index} = steps[${index}] ?? { name: "part ${index}", done: false };\n`;
  let text = "export function parts(steps) {\n";
  for (let index = 0; text.length < length - 20; index++) text += line(index);
  return `${text}  return steps;\n}\n`;
}

function prose(length) {
  const sentence = "The function adds one step to the list, and then it returns the sum of all that were done before. ";
  return sentence.repeat(Math.max(1, Math.floor(length / sentence.length)));
}
