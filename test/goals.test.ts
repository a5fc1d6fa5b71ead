import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSandbox } from "../src/sandbox/open-sandbox.ts";
import { checkFolder } from "../src/tools/check-folder.ts";
import { requireLanguage } from "../src/tools/find-language.ts";
import { isTestFile } from "../src/tools/language.ts";
import { Installation } from "./fixtures/atos.ts";
import { DOMAIN_GOALS, type DomainGoal, OUTSIDE_GOALS } from "./fixtures/goals.ts";

/*
 * The main job, offline, through the real model, engine, database and sandbox. Short by default: the first six
 * goals; ATOS_TEST_FULL=1 runs all. In the long form at most two may end red, as small models do; none may be
 * green with tests that do not match its goal.
 */
const FULL = process.env["ATOS_TEST_FULL"] === "1";
const GOALS = FULL ? DOMAIN_GOALS : DOMAIN_GOALS.slice(0, 6);
const MAX_RED = FULL ? 2 : 0;

test(`${GOALS.length} goals of the domain become tested repositories with a receipt`, async (t) => {
  await using atos = new Installation();
  const notGreen: string[] = [];
  for (const [index, goal] of GOALS.entries()) {
    const out = `goal-${index}`;
    const built = await atos.json("build", goal.goal, "--out", out);
    const result = built.lines.at(-1);
    if (built.code !== 0) {
      notGreen.push(`${goal.goal}: exit ${built.code}: ${JSON.stringify(result)} ${built.stderr}`);
      continue;
    }
    const verified = await atos.json("receipt", "verify", out);
    assert.equal(verified.code, 0, `${goal.goal}: ${JSON.stringify(verified.lines)}`);
    // Last, as it changes the repository's files.
    assert.deepEqual(await judgeTests(atos.path(out), goal), { right: true, wrong: false }, goal.goal);
  }
  t.diagnostic(`${GOALS.length - notGreen.length} of ${GOALS.length} green`);
  assert.ok(notGreen.length <= MAX_RED, notGreen.join("\n"));
});

test("a goal outside the domain, or that only resembles one inside, is refused before any work", async () => {
  await using atos = new Installation();
  for (const goal of FULL ? OUTSIDE_GOALS : OUTSIDE_GOALS.slice(0, 4)) {
    const { code, lines, stderr } = await atos.json("build", goal, "--out", "never");
    assert.equal(code, 3, `${goal}: ${JSON.stringify(lines)}`);
    assert.match(stderr, /--model/);
    assert.equal(atos.workerPid(), undefined, "a worker was started for a goal that only had to be refused");
  }
});

/** Whether the delivered tests accept an implementation that does what the goal says, and one that does not. */
async function judgeTests(directory: string, goal: DomainGoal): Promise<{ right: boolean; wrong: boolean }> {
  const sandbox = await openSandbox({ unsafe: false });
  const extension = goal.language === "python" ? "py" : "ts";
  const file = `${goal.name}.${extension}`;
  const testFile = goal.language === "python" ? `test_${file}` : `${goal.name}.test.ts`;
  const language = requireLanguage(goal.language);
  assert.ok(isTestFile(language, testFile));
  const passes = async (code: string): Promise<boolean> => {
    writeFileSync(join(directory, file), code);
    const check = await checkFolder(
      sandbox,
      { root: directory, paths: [file, testFile], language },
      AbortSignal.timeout(60_000),
    );
    return check.kind === "tests" && check.run.green;
  };
  return { right: await passes(goal.right), wrong: await passes(goal.wrong) };
}
