import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import { showCall, TOOL_FORMATS, type ToolFormat } from "../engine/dialects/tool-format.ts";
import type { GenerateRequest, Model } from "../engine/model.ts";
import { probeModel } from "./probe-model.ts";

const { signal } = new AbortController();
const CALLS: Readonly<Record<string, readonly [string, Readonly<Record<string, unknown>>]>> = {
  "Show me what is in the file README.md.": ["read_file", { path: "README.md" }],
  "Show me lines 10 to 20 of src/app.py.": ["read_file", { path: "src/app.py", start_line: 10, end_line: 20 }],
  "Which files are in the folder docs?": ["run_command", { command: "ls -la docs" }],
  'Run this command exactly: echo "it\'s done"': ["run_command", { command: `echo "it's done"` }],
};

/** Says the right thing to every question, in the format it is able to write. */
function answer({ messages }: GenerateRequest, able: ToolFormat): string {
  const question = messages.at(-1)?.content ?? "";
  const call = CALLS[question];
  if (call !== undefined) return `Let me see.\n\n${showCall(call[0], call[1], able)}`;
  if (question.startsWith("What is two plus two")) return "4.";
  if (question.startsWith("What is the capital")) return "KUMQUAT Paris";
  if (question.startsWith("Describe a red car as JSON")) return '```json\n{"colour": "red", "wheels": 4}\n```';
  return "OK";
}

async function probe(reply: (request: GenerateRequest) => string) {
  let now = 0;
  const asked: string[] = [];
  const progress = (_: number, __: number, what: string): void => void asked.push(what);
  const report = await probeModel(fakeModel(reply), { nowMs: () => (now += 100), progress }, signal);
  return { report, asked };
}

test("a model that does everything right has every right call in every format it is read in, and the score 1", async () => {
  const { report, asked } = await probe((request) => answer(request, "hermes-xml"));
  assert.equal(report.best, "hermes-xml");
  assert.equal(report.score, 1);
  assert.deepEqual(
    { ...report, formats: undefined, best: undefined },
    {
      formats: undefined,
      best: undefined,
      followsSchema: true,
      followsForcedSchema: undefined,
      stops: true,
      honoursSystemPrompt: true,
      thinking: undefined,
      promptTokensPerSecond: report.promptTokensPerSecond,
      outputTokensPerSecond: 10,
      score: 1,
    },
  );
  assert.ok(report.promptTokensPerSecond > 0);
  assert.ok(TOOL_FORMATS.every((format) => asked.filter((what) => what.startsWith(`${format}: `)).length === 5));
});

test("what each format asks for can be read back", async () => {
  for (const format of TOOL_FORMATS) {
    const { report } = await probe((request) => answer(request, format));
    assert.deepEqual(
      report.formats.find((one) => one.format === format),
      { format, right: 5, of: 5, wrong: [] },
    );
  }
});

test("a model that only talks is told apart, with what was wrong", async () => {
  const { report } = await probe(() => "Sure, I can help with that.");
  assert.deepEqual(report.formats[0], {
    format: "hermes-xml",
    right: 0,
    of: 5,
    wrong: ["one argument: text", "numbers: text", "choosing a tool: text", "quotes: text", "no tool: text"],
  });
  assert.deepEqual([report.followsSchema, report.honoursSystemPrompt, report.score], [false, false, 0.06]);
});

test("a model that can think is asked without, but where that is the question; an empty block is no thought", async () => {
  const asked: GenerateRequest[] = [];
  const thinker: Model = {
    ...fakeModel((request) => {
      asked.push(request);
      if (request.thinking === "on") return "<think>\n7 times 13.\n</think>\n\nNo.";
      return `<think>\n\n</think>\n\n${answer(request, "hermes-xml")}`;
    }),
    capabilities: { options: new Set(["thinking"]), slots: 1 },
  };
  const report = await probeModel(thinker, { nowMs: () => 0, progress: () => {} }, signal);
  assert.deepEqual(report.thinking, { on: true, off: true });
  assert.deepEqual([report.score, report.followsSchema, report.honoursSystemPrompt], [1, true, true]);
  const questions = asked.filter(({ messages }) => !/^\d+: count on/.test(messages[0]?.content ?? ""));
  assert.deepEqual(
    questions.filter(({ thinking }) => thinking !== "off").map(({ messages }) => messages[0]?.content),
    ["Is 91 a prime number?"],
  );
});
