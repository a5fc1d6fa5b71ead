// A team whose members answer at once, and right; and a sandbox that says what the tests would come to. What a build
// with them costs is the orchestration.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const SEATS = [
  ["You are the product manager", specification],
  ["You are the tech lead", (prompt) => planText(planAsked(prompt))],
  ["You are the tester", (prompt) => testFile(taskOf(prompt))],
  ["You are a developer", (prompt) => codeFile(taskOf(prompt))],
  ["You are the reviewer", () => "SCORE: 9\nVERDICT: accept\n"],
];

/** Plans of so many tasks: each by itself, or one first, the rest but one after it, and one after all of these. */
export function planOf(shape, count) {
  return Array.from({ length: count }, (_, index) => {
    const middle = Array.from({ length: Math.max(0, count - 2) }, (__, at) => `part_${at + 2}`);
    const last = index === count - 1 && index > 0;
    const after = shape === "wide" || index === 0 ? [] : last && middle.length > 0 ? middle : ["part_1"];
    return { id: `part_${index + 1}`, after };
  });
}

/** The goal names its plan, so that the team needs no memory. */
export function goalOf(shape, count) {
  return `Write a demo of ${count} parts, ${shape}`;
}

function goalIn(prompt) {
  return /a demo of \d+ parts, \w+/.exec(prompt)?.[0];
}

function planAsked(prompt) {
  const [, count, shape] = /(\d+) parts, (\w+)/.exec(goalIn(prompt)) ?? [];
  return planOf(shape, Number(count));
}

/** A model for every role; a turn takes `turnMs` in which nothing is computed. */
export function fakeModel(id, turnMs) {
  return {
    id,
    contextTokens: 32_768,
    capabilities: { options: new Set(), slots: 1000 },
    render: async ({ messages }) => {
      const text = messages.map(({ role, content }) => `<${role}>${content}`).join("");
      return { text, tokens: Math.ceil(text.length / 4), exact: true };
    },
    countText: async (text) => Math.ceil(text.length / 4),
    async *generate({ messages }) {
      const prompt = messages.map(({ content }) => content).join("\n");
      const reply = SEATS.find(([words]) => prompt.includes(words))?.[1];
      if (reply === undefined) throw new Error(`nobody is asked in ${prompt.slice(0, 200)}`);
      if (turnMs > 0) await setTimeout(turnMs);
      yield { kind: "text", text: reply(prompt) };
      const usage = { promptTokens: 400, cachedTokens: 300, outputTokens: 80 };
      yield { kind: "end", finish: "stop", usage };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Lends everybody the same model at once. */
export function fakePool(turnMs) {
  const model = fakeModel("fake", turnMs);
  return {
    lease: async () => ({ model, [Symbol.asyncDispose]: async () => {} }),
    foresee: () => {},
    forget: () => {},
  };
}

/** Answers as the runners do: a test is red where the file that it tests is not there. */
export function fakeSandbox() {
  return {
    level: "bubblewrap",
    mounts: true,
    nodePath: "/usr/bin/node",
    pythonPath: "/usr/bin/python3",
    run: async ({ command, root, env }) => {
      const runner = command.findIndex((word) => word.endsWith("-runner.py"));
      const [mark, what, ...files] = command.slice(runner + 1);
      const report = what === "syntax" ? { problems: [] } : testReport(root, files, env?.ATOS_COVERED_FILES);
      const green = what === "syntax" || report.tests.every(({ outcome }) => outcome === "passed");
      const stdout = `${mark}${JSON.stringify(report)}\n`;
      return { level: "bubblewrap", exitCode: green ? 0 : 1, stdout, stderr: "", durationMs: 1 };
    },
  };
}

function testReport(root, files, covered) {
  const tests = files.map((file) => {
    const name = file.replace(/^test_(\w+)\.py$/, "$1");
    const outcome = existsSync(join(root, `${name}.py`)) ? "passed" : "failed";
    const message = outcome === "passed" ? "" : `ModuleNotFoundError: No module named '${name}'`;
    return { file, name: `test_${name}`, outcome, message, error: outcome === "failed" };
  });
  const coverage = covered && JSON.parse(covered).map((path) => ({ path, lines: 2, covered: 2 }));
  return { runner: "unittest", durationMs: 1, tests, ...(coverage === undefined ? {} : { coverage }) };
}

function specification(prompt) {
  const criteria = planAsked(prompt).map(({ id }, index) => `C${index + 1}: ${id}() returns ${index + 1}\n`);
  return `NAME: demo\nLANGUAGE: python\nSUMMARY: ${goalIn(prompt)}\nCRITERIA:\n${criteria.join("")}`;
}

function planText(plan) {
  return plan
    .map(
      ({ id, after }, index) =>
        `TASK: ${id}\nTIER: simple\nFILES: ${id}.py\nAFTER: ${after.join(", ") || "none"}\nCOVERS: C${index + 1}\nDO: write ${id}()\n`,
    )
    .join("\n");
}

function taskOf(prompt) {
  return /^TASK: (\w+)$/m.exec(prompt)?.[1] ?? "";
}

function testFile(id) {
  const number = Number(id.split("_")[1]);
  return `FILE: test_${id}.py\n\`\`\`python\nimport unittest\nfrom ${id} import ${id}\n\n\nclass PartTest(unittest.TestCase):\n    def test_${id}(self):\n        self.assertEqual(${id}(), ${number})\n\`\`\`\n`;
}

function codeFile(id) {
  return `FILE: ${id}.py\n\`\`\`python\ndef ${id}():\n    return ${Number(id.split("_")[1])}\n\`\`\`\n`;
}
