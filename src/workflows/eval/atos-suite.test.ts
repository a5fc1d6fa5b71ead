import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { familiesOf, readClosedDomain } from "../../agents/closed-domain.ts";
import type { WorkspaceFile } from "../../journal/workspaces.ts";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { BUILT_IN_LANGUAGES } from "../../tools/built-in-languages.ts";
import { checkGoal } from "../check-goal.ts";
import { type Grade, gradeSolution } from "./grade-solution.ts";
import { loadTaskFolders } from "./load-task-folders.ts";
import { readFolder } from "./read-folder.ts";
import type { EvalTask } from "./suite.ts";

const ATOS = fileURLToPath(new URL("../../../eval/atos", import.meta.url));
const DOMAIN = fileURLToPath(new URL("../../../models/nano/domain.yaml", import.meta.url));
const mutantsSchema = z.array(z.strictObject({ file: z.string(), replace: z.string(), with: z.string() })).min(1);

const suite = await loadTaskFolders(ATOS, "atos", BUILT_IN_LANGUAGES);
const scratchDirectory = mkdtempSync(join(tmpdir(), "atos-eval-suite-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(scratchDirectory, { recursive: true, force: true }));

function grade(task: EvalTask, files: readonly WorkspaceFile[]): Promise<Grade> {
  return gradeSolution({ sandbox, scratchDirectory }, { task, files }, AbortSignal.timeout(60_000));
}

test("the suite has tasks of both languages and of every tier, and a domain for the built-in model", () => {
  const general = suite.tasks.filter(({ id }) => !id.startsWith("nano-"));
  const count = (language: string): number => general.filter((task) => task.language.id === language).length;
  assert.ok(count("python") >= 12 && count("typescript") >= 8, `${count("python")} and ${count("typescript")}`);
  assert.deepEqual(new Set(general.map(({ tier }) => tier)), new Set(["simple", "medium", "complex"]));
  assert.ok(suite.tasks.length - general.length >= 6);
});

test("the goals of general tasks name their files, and none shows a hidden test", () => {
  for (const { id, goal, entry, hidden } of suite.tasks) {
    assert.equal(checkGoal(goal), goal, id);
    if (!id.startsWith("nano-")) assert.ok(entry.length > 0 && entry.every((path) => goal.includes(path)), id);
    for (const { path } of hidden) assert.ok(!goal.includes(path), `${id} names ${path}`);
  }
});

test("the goals for the built-in model are inside its domain, one function at a time", () => {
  const domain = readClosedDomain(readFileSync(DOMAIN, "utf8"));
  const single = suite.tasks.filter(({ id }) => id.startsWith("nano-") && id !== "nano-add-and-even");
  for (const { id, goal } of single) assert.ok(familiesOf(goal, domain).length > 0, id);
});

for (const task of suite.tasks) {
  test(`${task.id}: its reference passes, an empty solution and every wrong one fail`, async () => {
    const folder = join(ATOS, "tasks", task.id);
    const reference = await readFolder(join(folder, "reference"));
    const passed = await grade(task, reference);
    assert.equal(passed.why, "");
    assert.ok(passed.passed && passed.testsPassed > 0 && passed.testsFailed === 0);
    const empty = await grade(
      task,
      reference.map(({ path }) => ({ path, content: "" })),
    );
    assert.equal(empty.passed, false);
    const mutants = mutantsSchema.parse(parse(readFileSync(join(folder, "mutants.yaml"), "utf8")));
    for (const mutant of mutants) {
      const wrong = reference.map((file) =>
        file.path === mutant.file
          ? { ...file, content: file.content.replace(mutant.replace, () => mutant.with) }
          : file,
      );
      assert.notDeepEqual(wrong, reference, `${mutant.replace} is not in ${mutant.file}`);
      assert.equal((await grade(task, wrong)).passed, false, `${mutant.with} in ${mutant.file} was not noticed`);
    }
  });
}
