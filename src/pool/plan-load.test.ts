import assert from "node:assert/strict";
import { test } from "node:test";
import { planLoad } from "./plan-load.ts";

test("loads straight away when nothing is loaded", () => {
  assert.deepEqual(planLoad("coder", []), { kind: "load", evict: [] });
});

test("uses the model that is loaded and idle", () => {
  assert.deepEqual(planLoad("coder", [{ modelId: "coder", busy: false }]), { kind: "ready" });
});

test("evicts an idle model that is in the way", () => {
  assert.deepEqual(planLoad("coder", [{ modelId: "planner", busy: false }]), { kind: "load", evict: ["planner"] });
});

test("waits for a busy model rather than ending its turn, also for the wanted one", () => {
  assert.deepEqual(planLoad("coder", [{ modelId: "planner", busy: true }]), { kind: "wait", blockedBy: ["planner"] });
  assert.deepEqual(planLoad("coder", [{ modelId: "coder", busy: true }]), { kind: "wait", blockedBy: ["coder"] });
});
