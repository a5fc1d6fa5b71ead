import assert from "node:assert/strict";
import { test } from "node:test";
import { atWork } from "./status-line.ts";

test("the status line names up to two tasks at work, and counts the rest", () => {
  const turn = (task: string) => ({ task, role: "developer", model: "coder", outputTokens: task.length });
  assert.deepEqual(
    [[], ["a"], ["a", "bb"], ["a", "bb", "c", "d"]].map((tasks) => atWork(tasks.map(turn))),
    [
      "working",
      "a: developer at work with coder · 1 token",
      "a: developer · coder · 1 token  |  bb: developer · coder · 2 tokens",
      "a: developer · coder · 1 token  |  bb: developer · coder · 2 tokens · +2",
    ],
  );
});
