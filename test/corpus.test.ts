import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkCase, readCases, readTools } from "./corpus/check-case.ts";

const folder = fileURLToPath(new URL("corpus/", import.meta.url));
const script = fileURLToPath(new URL("../scripts/corpus.ts", import.meta.url));
const toolsFile = path.join(folder, "tools.json");
const tools = readTools(readFileSync(toolsFile, "utf8"));

for (const file of readdirSync(folder).filter((name) => name.endsWith(".jsonl")))
  test(`every reply in ${file} is read as the rules say`, () => {
    const cases = readCases(readFileSync(path.join(folder, file), "utf8"));
    assert.ok(cases.length > 0);
    for (const one of cases) {
      const { got, passed, wrong } = checkCase(one, tools);
      assert.ok(!wrong, `${one.id} would run a wrong call: ${JSON.stringify(got)}`);
      assert.ok(passed, `${one.id}: ${JSON.stringify({ got, expected: one.expect })}`);
    }
  });

function run(...args: readonly string[]): {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

test("the corpus command counts what passes and names what does not", (t) => {
  const scratch = mkdtempSync(path.join(tmpdir(), "atos-corpus-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const file = path.join(scratch, "cases.jsonl");
  const call = { kind: "call", name: "list_dir", arguments: {} };
  const reply = '{"name": "list_dir", "arguments": {}}';
  const cases = [
    { id: "X-1", family: "none", tools: ["list_dir"], text: "Hello.", expect: { kind: "text" } },
    { id: "X-2", family: "bare-json", tools: ["list_dir"], text: reply, expect: call },
    { id: "X-3", family: "bare-json", tools: ["list_dir"], text: reply, expect: { kind: "text" } },
    { id: "X-4", family: "none", tools: ["list_dir"], text: "Hello.", expect: { kind: "invalid", why: "empty" } },
  ];
  writeFileSync(file, cases.map((one) => JSON.stringify(one)).join("\n"));
  const { status, out, err } = run(file, toolsFile);
  const lines = out.trimEnd().split("\n");
  assert.equal(status, 1);
  assert.equal(lines.at(-1), "passed 2 of 4, wrong executions 1");
  assert.deepEqual(
    lines.slice(0, -1).map((line) => /"id":"([^"]+)"/.exec(line)?.[1]),
    ["X-3", "X-4"],
  );
  assert.match(err, /^family bare-json: 1 of 2$/m);
  writeFileSync(file, JSON.stringify(cases[1]));
  assert.deepEqual(run(file, toolsFile).out, "passed 1 of 1, wrong executions 0\n");
});

test("the corpus command refuses what it can't read", (t) => {
  const scratch = mkdtempSync(path.join(tmpdir(), "atos-corpus-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const file = path.join(scratch, "cases.jsonl");
  writeFileSync(file, '\n{"id": "X-1"}\n');
  for (const [args, message] of [
    [[], /^usage: /],
    [["a", "b", "c"], /^usage: /],
    [[path.join(scratch, "none.jsonl"), toolsFile], /none\.jsonl can't be read: .*ENOENT/],
    [[file, toolsFile], /cases\.jsonl can't be read: line 2 is no case/],
    [[file, file], /cases\.jsonl can't be read: /],
  ] as const) {
    const { status, out, err } = run(...args);
    assert.deepEqual([status, out], [2, ""]);
    assert.match(err, message);
  }
});
