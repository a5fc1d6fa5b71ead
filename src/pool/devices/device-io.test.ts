import assert from "node:assert/strict";
import { test } from "node:test";
import { machineIo, runWithin } from "./device-io.ts";

const never = new AbortController().signal;
const node = process.execPath;

test("a command's output comes back, and a missing one is said to be missing", async () => {
  assert.deepEqual(await runWithin(60_000, [node, "-p", "1 + 1"], never), { kind: "output", text: "2\n" });
  assert.deepEqual(await machineIo.run("no-such-program-of-atos", [], never), { kind: "missing" });
});

test("a command that fails is told by its first words, else by its exit code", async () => {
  const says = [node, "-e", "console.log('no driver\\nmore'); process.exit(9)"];
  assert.deepEqual(await runWithin(60_000, says, never), { kind: "failed", why: "said: no driver" });
  assert.deepEqual(await runWithin(60_000, [node, "-e", "process.exit(9)"], never), {
    kind: "failed",
    why: "ended with 9",
  });
});

test("a command that hangs is killed, even one that ignores a polite end", async () => {
  const hangs = [node, "-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"];
  assert.deepEqual(await runWithin(300, hangs, never), { kind: "failed", why: "gave no answer within 300 ms" });
});

test("an abort ends a command with the signal's reason", async () => {
  const controller = new AbortController();
  const running = runWithin(60_000, [node, "-e", "setInterval(() => {}, 1000)"], controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(running, reason);
});

test("a file that can't be read is undefined", async () => {
  assert.equal(await machineIo.readFile("/no/such/file"), undefined);
});
