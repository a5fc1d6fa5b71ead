import assert from "node:assert/strict";
import { test } from "node:test";
import { readWritten } from "./read-written.ts";

const rule = { mayWrite: new Set(["a.py", "b.py"]), tests: ["test_a.py"], otherTests: ["test_c.py"] };

function reply(...paths: readonly string[]): string {
  return paths.map((path) => `FILE: ${path}\n\`\`\`python\nx = 1\n\`\`\`\n`).join("\n");
}

function written(...paths: readonly string[]) {
  return { ok: true, value: paths.map((path) => ({ path, content: "x = 1\n" })) };
}

test("the task's own files are taken, all or some of them", () => {
  assert.deepEqual(readWritten(rule, reply("a.py", "b.py")), written("a.py", "b.py"));
  assert.deepEqual(readWritten(rule, reply("b.py")), written("b.py"));
});

test("frozen tests that are shown again are left alone, its own and those of others", () => {
  assert.deepEqual(readWritten(rule, reply("test_a.py", "a.py", "test_c.py")), written("a.py"));
});

test("tests alone are none of the task's files", () => {
  const why = "none of the task's files was written; its files are a.py, b.py";
  assert.deepEqual(readWritten(rule, reply("test_a.py")), { ok: false, why });
});

test("one file that is not the task's refuses them all", () => {
  const why = "c.py is not a file of this task; its files are a.py, b.py";
  assert.deepEqual(readWritten(rule, reply("a.py", "c.py")), { ok: false, why });
});

test("a reply without a file says what is missing", () => {
  const why = "no file was found; write a line FILE: path, then the whole file in a fenced block";
  assert.deepEqual(readWritten(rule, "I would write a.py"), { ok: false, why });
});
