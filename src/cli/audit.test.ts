import assert from "node:assert/strict";
import { test } from "node:test";
import { plainText } from "./audit.ts";

test("no line of the trail is empty: an edge is told by its ends, a commit by its name, the rest by its step", () => {
  const edge = { type: "edge-taken", graph: "build", from: "spec", to: "plan", on: "written" } as const;
  assert.equal(plainText({ ...edge, task: "" }), "build: spec → plan, on written");
  assert.equal(plainText({ ...edge, graph: "task", task: "a" }), "a: spec → plan, on written");
  assert.equal(plainText({ type: "committed", commit: "c1", tree: "t1" }), "c1");
  assert.equal(plainText({ type: "files-written", step: "s", task: "a", from: "x", tree: "y" }), "s");
});
