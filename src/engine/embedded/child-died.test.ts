import assert from "node:assert/strict";
import { test } from "node:test";
import { childDied, type ChildDeath } from "./child-died.ts";

const death = (change: Partial<ChildDeath>) => childDied({ name: "m", pid: 7, phase: "run", stderr: "", ...change });
const likelyMemory = (change: Partial<ChildDeath>) => death(change).details?.["likelyMemory"];

test("says how a process died, in which phase, and its last words", () => {
  const error = death({ signal: "SIGSEGV", phase: "load", stderr: `${"x".repeat(700)}the end\n` });
  assert.equal(error.code, "engine/child-died");
  const said = `${"x".repeat(593)}the end`;
  assert.equal(
    error.message,
    `the process 7 of the model m died (SIGSEGV); load the model again; its last words: ${said}`,
  );
  assert.deepEqual(error.details, { phase: "load", signal: "SIGSEGV", status: undefined, likelyMemory: false });
  assert.match(death({ status: 3 }).message, /died \(exit code 3\); load the model again$/);
});

test("takes it for the memory when it was killed, gave up in loading, or spoke of it", () => {
  assert.equal(likelyMemory({ signal: "SIGKILL" }), true);
  assert.equal(likelyMemory({ signal: "SIGABRT", phase: "load" }), true);
  assert.equal(likelyMemory({ signal: "SIGABRT" }), false);
  assert.equal(likelyMemory({ signal: "SIGTERM", phase: "load" }), false);
  for (const stderr of [
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "ggml/src/ggml-alloc.c:80: GGML_ASSERT(addr) failed",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
  ])
    assert.equal(likelyMemory({ signal: "SIGABRT", stderr }), true, stderr);
});
