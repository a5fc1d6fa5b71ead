import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { planEditOf, type Standing } from "../workflows/read-plan-edit.ts";
import { editPlan } from "./edit-plan.ts";
import type { PlanTerminal } from "./plan-terminal.ts";

const root = mkdtempSync(join(tmpdir(), "atos-edit-"));
after(() => rmSync(root, { recursive: true, force: true }));
const signal = AbortSignal.timeout(20_000);

const standing: Standing = {
  spec: { name: "demo", language: "python", summary: "a number", criteria: ["a() returns 1"] },
  tasks: [
    { id: "a", tier: "simple", files: ["a.py"], after: [], description: "write a()", covers: [1], kind: "other" },
  ],
  tests: [{ task: "a", path: "sub/test_a.py", content: "# a\n" }],
  language: requireLanguage("python"),
  isNew: true,
  languages: BUILT_IN_LANGUAGES,
  closedDomain: false,
  existing: { paths: new Set(), texts: new Set() },
};
const begin = planEditOf(standing);

/** A person who does these things in the editor, one each time it is opened, and answers with these lines. */
function person(edits: readonly ((folder: string) => string)[], answers: readonly string[] = []) {
  const said: string[] = [];
  const [left, lines] = [[...edits], [...answers]];
  const terminal: PlanTerminal = {
    say: (text) => void said.push(text),
    ask: async () => lines.shift(),
    rows: 24,
    edit: async ([first = ""]) => {
      const how = left.shift()?.(dirname(first)) ?? "";
      return { ok: how === "", how };
    },
  };
  return { terminal, said };
}

const change = (folder: string): string => {
  writeFileSync(join(folder, "tests", "a", "sub", "test_a.py"), "# other\n");
  return "";
};
const CHANGED = { ...begin, tests: [{ task: "a", path: "sub/test_a.py", content: "# other\n" }] };

test("what was changed is read back, without what an editor leaves beside it, from a folder of the person's own", async () => {
  const { terminal } = person([
    (folder) => {
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      writeFileSync(join(folder, "tests", "a", ".test_a.py.swp"), "x");
      writeFileSync(join(folder, "tests", "a", "test_a.py~"), "x");
      return change(folder);
    },
  ]);
  const edited = await editPlan(terminal, { standing, begin, root }, signal);
  assert.deepEqual(edited?.edit, CHANGED);
  assert.equal(readFileSync(join(edited?.folder ?? "", "spec.md"), "utf8"), begin.spec);
  rmSync(edited?.folder ?? "", { recursive: true });
});

test("nothing changed, and what is dropped, is no edit and leaves nothing behind", async () => {
  const unchanged = person([() => ""]);
  assert.equal(await editPlan(unchanged.terminal, { standing, begin, root }, signal), undefined);
  assert.deepEqual(unchanged.said, ["nothing is changed"]);
  const failed = person([() => "ended with 1"], ["d"]);
  assert.equal(await editPlan(failed.terminal, { standing, begin, root }, signal), undefined);
  assert.deepEqual(failed.said, ["this can't be used: the editor ended with 1"]);
  assert.deepEqual(readdirSync(root), []);
});

test("what can't be read is told, and the person goes on with it", async () => {
  const bad =
    (file: string, content: string | Uint8Array) =>
    (folder: string): string => {
      writeFileSync(join(folder, file), content);
      return "";
    };
  const { terminal, said } = person(
    [
      bad("plan.md", "nothing"),
      bad("plan.md", new Uint8Array([0xff])),
      (folder) => bad("plan.md", begin.plan)(folder) + bad("tests/loose.py", "")(folder),
      (folder) => {
        rmSync(join(folder, "tests", "loose.py"));
        symlinkSync("/nowhere", join(folder, "tests", "a", "test_b.py"));
        return "";
      },
      (folder) => {
        rmSync(join(folder, "tests", "a", "test_b.py"));
        return change(folder);
      },
    ],
    ["e", "e", "e", ""],
  );
  const edited = await editPlan(terminal, { standing, begin, root }, signal);
  assert.deepEqual(edited?.edit, CHANGED);
  assert.equal(said.length, 4);
  for (const [index, why] of [
    /no task was found/,
    /encoded data/,
    /loose\.py is in no task's folder/,
    /test_b\.py/,
  ].entries())
    assert.match(said[index] ?? "", why);
  rmSync(edited?.folder ?? "", { recursive: true });
});

test("what is written is kept when the question is over meanwhile, and the person is told where", async () => {
  const stop = new AbortController();
  const { terminal, said } = person([
    (folder) => {
      stop.abort(new Error("over"));
      return change(folder);
    },
  ]);
  await assert.rejects(editPlan(terminal, { standing, begin, root }, stop.signal), /over/);
  const [name = ""] = readdirSync(root);
  assert.deepEqual(said, [`what you have written is kept in ${join(root, name)}`]);
});
