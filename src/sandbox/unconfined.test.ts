import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openSandbox } from "./open-sandbox.ts";
import { listPids, readProcess } from "./process-view.ts";
import type { SandboxRequest } from "./sandbox.ts";

const sandbox = await openSandbox({ unsafe: true });
const never = new AbortController().signal;

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "atos-unconfined-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const shell = (script: string, rest: Partial<SandboxRequest> = {}) =>
  sandbox.run({ command: ["/bin/sh", "-c", script], root, ...rest }, never);

test("says what it is, and runs in the workspace itself", async () => {
  const { durationMs, ...report } = await shell("pwd; echo problem >&2; exit 3");
  assert.deepEqual(report, { level: "none", exitCode: 3, stdout: `${root}\n`, stderr: "problem\n" });
  assert.ok(durationMs > 0);
});

test("passes on nothing of its own environment", async () => {
  process.env["ATOS_TEST_SECRET"] = "do not tell";
  try {
    const report = await shell("env", { env: { GIVEN: "yes" } });
    assert.match(report.stdout, /^GIVEN=yes$/m);
    assert.doesNotMatch(report.stdout, /do not tell/);
  } finally {
    delete process.env["ATOS_TEST_SECRET"];
  }
});

test("a command that is not there is exit 127, one that a signal ends 128 and its number", async () => {
  const missing = await sandbox.run({ command: ["no-such-command"], root }, never);
  assert.equal(missing.exitCode, 127);
  assert.equal((await shell("kill -TERM $$")).exitCode, 143);
});

test("kills what a command left running, job control or not", async () => {
  const report = await shell("set -m; sleep 300 & echo $!; sleep 301 & echo $!", {});
  const pids = report.stdout.trim().split("\n").map(Number);
  assert.equal(pids.length, 2);
  const living = pids
    .map((pid) => readProcess("/proc", pid))
    .filter((found) => found !== undefined && found.state !== "Z");
  assert.deepEqual(living, []);
});

test("keeps the limits on time, memory, disk, output and file size", async () => {
  assert.equal((await shell("sleep 30", { limits: { wallMs: 200 } })).limitHit, "wall");
  assert.equal((await shell("yes", { limits: { outputBytes: 1000 } })).limitHit, "output");
  const write = "for i in 1 2 3 4 5 6 7 8; do head -c 4000000 /dev/zero > f$i; sleep 0.05; done";
  assert.equal((await shell(write, { limits: { diskMib: 8 } })).limitHit, "disk");
  const take = "const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 20)";
  const command = [sandbox.nodePath, "-e", take] as const;
  assert.equal((await sandbox.run({ command, root, limits: { memoryMib: 200 } }, never)).limitHit, "memory");
  await shell("head -c 4000000 /dev/zero > large", { limits: { fileMib: 1 } });
  assert.equal(readFileSync(join(root, "large")).length, 1024 * 1024);
});

test("an abort kills it within a second and is thrown", async () => {
  const startedAt = performance.now();
  const reason = new Error("enough");
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 100);
  await assert.rejects(sandbox.run({ command: ["sleep", "30"], root }, stop.signal), reason);
  assert.ok(performance.now() - startedAt < 1000);
  assert.deepEqual(
    listPids("/proc").filter(
      (pid) => readProcess("/proc", pid)?.parent === process.pid && readProcess("/proc", pid)?.state !== "Z",
    ),
    [],
  );
});

test("refuses what only a sandbox can do", async () => {
  await assert.rejects(shell("true", { readOnly: [{ source: "/usr", target: "/deps" }] }), { code: "sandbox/unsafe" });
  await assert.rejects(shell("true", { limits: { wallMs: 0 } }), { code: "sandbox/limits" });
  await assert.rejects(shell("true", { env: { "A=B": "c" } }), { code: "sandbox/env" });
});
