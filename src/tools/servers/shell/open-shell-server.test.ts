import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSandbox } from "../../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { commandOutcome, tailOf } from "./command-outcome.ts";
import { openShellServer } from "./open-shell-server.ts";
import type { WorkspaceCommands } from "./run-in-workspace.ts";

const root = mkdtempSync(join(tmpdir(), "atos-shell-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(root, { recursive: true, force: true }));

async function run(input: object, deps: Partial<WorkspaceCommands> = {}, signal = AbortSignal.timeout(25_000)) {
  const [tool] = openShellServer({ sandbox, root, ...deps }).tools;
  assert.ok(tool);
  const result = await tool.run(tool.input.parse(input), { signal, idempotencyKey: "key" });
  if (!result.ok) return { why: result.why, text: "", stdout: "" };
  const { duration_ms: _, ...output } = commandOutcome.parse(result.output);
  return { why: "", text: result.text ?? "", ...output };
}

test("a command runs by the shell in the workspace; its end and its output are told", async () => {
  assert.deepEqual(await run({ command: "echo a > made && cat made | tr a b; echo oh >&2; exit 3" }), {
    why: "",
    exit_code: 3,
    stdout: "b\n",
    stderr: "oh\n",
    level: sandbox.level,
    text: "exit code 3\nb\noh",
  });
  assert.equal(readFileSync(join(root, "made"), "utf8"), "a\n");
});

test("nothing outside the workspace is reached, and nothing stays running", async () => {
  const { text } = await run({ command: "cat /etc/shadow; echo x > ../out; (sleep 60 & echo started)" });
  assert.match(text, /started/);
  assert.doesNotMatch(text, /root:/);
  assert.ok(!existsSync(join(root, "../out")));
});

test("a command that is too slow, unknown, or no command is told so that the next can be better", async () => {
  assert.match(
    (await run({ command: "echo early; sleep 20", timeout_seconds: 1 })).text,
    /^stopped after \d+ s: the time limit.*timeout_seconds\.\nearly$/s,
  );
  assert.match((await run({ command: "no-such-program" })).text, /^exit code 127 \(no such command\)/);
  assert.match((await run({ command: "a\0b" })).why, /NUL byte/);
  assert.match((await run({ command: `echo ${"é".repeat(70_000)}` })).why, /write_file/);
});

test("limits of the server hold, and the end of long output is what is kept", async () => {
  const flood = await run({ command: "yes" }, { limits: { outputBytes: 10_000 } });
  assert.equal("limit_hit" in flood && flood.limit_hit, "output");
  const long = await run({ command: "seq 1 20000" });
  assert.match(long.text, /^exit code 0\n\[\.\.\. \d+ characters left out \.\.\.\]\n\d+\n(.|\n)*20000$/);
  assert.ok(long.text.length < 4200 && long.stdout.length < 16_100);
});

test("an aborted call ends with the signal's reason", async () => {
  await assert.rejects(run({ command: "sleep 20" }, {}, AbortSignal.timeout(300)), { name: "TimeoutError" });
});

test("what is installed beside the workspace is seen by the command", async () => {
  const surroundings = () => Promise.resolve({ env: { FOUND: "yes" } });
  assert.equal((await run({ command: "echo $FOUND" }, { surroundings })).stdout, "yes\n");
});

test("a tail says what it leaves out", () => {
  assert.equal(tailOf("one\ntwo\nthree\n", 8), "[... 8 characters left out ...]\nthree\n");
  assert.equal(tailOf("abcdef", 3), "[... 3 characters left out ...]\ndef");
  assert.equal(tailOf("abc", 3), "abc");
});
