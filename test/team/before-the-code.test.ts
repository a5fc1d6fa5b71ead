import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { assertGreen, assertHonestlyRed, type Built, eventsOf } from "../fixtures/build-with.ts";
import { ACCEPT, code, file, type Line, plan, spec, tests } from "../fixtures/cued-team.ts";
import { edgesOf, TeamBuilds } from "../fixtures/team-builds.ts";

/* What can go wrong before there is code. One model plays every team of this file: it goes by the goal's name. */
const builds = new TeamBuilds("before-the-code");
after(() => builds[Symbol.asyncDispose]());

const MANY = Array.from({ length: 500 }, (_, index) => ({ id: `t${index}`, covers: "none" }));
const REPEATED = "could not be used";

type Case = { readonly name: string; readonly says: string; readonly why: RegExp };

const BAD_PLANS: readonly Case[] = [
  {
    name: "circle",
    says: plan(
      { id: "a", after: "c" },
      { id: "b", after: "a", covers: "none" },
      { id: "c", after: "b", covers: "none" },
    ),
    why: /in a circle: a after c, c after b, b after a/,
  },
  { name: "manytasks", says: plan(...MANY), why: /500 tasks are more than 40; put more into each/ },
  { name: "twice", says: plan({ id: "a" }, { id: "a", covers: "C1" }), why: /there are two tasks a$/ },
  { name: "empty", says: "There is nothing to do here.", why: /no task was found; begin each with a line TASK: name/ },
  {
    name: "samefile",
    says: plan({ id: "a", files: "a.py" }, { id: "b", files: "b.py, a.py", covers: "C1" }),
    why: /a\.py belongs to both a and b/,
  },
  {
    name: "testfile",
    says: plan({ id: "a", files: "a.py, test_a.py" }),
    why: /test_a\.py is a test file; tests are not/,
  },
  {
    name: "outside",
    says: plan({ id: "a", files: "../a.py" }),
    why: /task a: "\.\.\/a\.py": the path is not in its plain form/,
  },
  { name: "readme", says: plan({ id: "a", files: "README.md" }), why: /README\.md is written by ATOS itself/ },
  { name: "insidefile", says: plan({ id: "a", files: "a, a/b.py" }), why: /a\/b\.py/ },
];

const BAD_TESTS: readonly Case[] = [
  {
    name: "nocode",
    says: file("test_a.py", "import unittest", "class A(unittest.TestCase):", "    def test_a(self):", "        pass"),
    why: /the tester's tests for a can't be used: test_a\.py passes although there is no code yet/,
  },
  {
    name: "broken",
    says: file("test_a.py", "def test_(:"),
    why: /the tester's tests for a can't be used: SyntaxError: .*test_a\.py/,
  },
];

const LINES: readonly Line[] = [
  ...[...BAD_PLANS, ...BAD_TESTS].map(
    ({ name }): Line => ({ role: "product-manager", about: `goal ${name}.`, says: spec(1, name) }),
  ),
  { role: "product-manager", about: "goal unwanted.", says: "REFUSE: nobody should have that\n" },
  { role: "product-manager", about: "goal nonsense.", says: "I would rather not." },
  { role: "product-manager", about: "goal slow.", seeing: REPEATED, says: spec(1, "slow") },
  { role: "product-manager", about: "goal slow.", says: "Let me think about that." },
  ...BAD_PLANS.map(({ name, says }): Line => ({ role: "tech-lead", about: `NAME: ${name}\n`, says })),
  { role: "tech-lead", about: "NAME: slow\n", seeing: REPEATED, says: plan({ id: "a" }) },
  { role: "tech-lead", about: "NAME: slow\n", says: "First I would like to know more." },
  ...BAD_TESTS.map(({ name, says }): Line => ({ role: "tester", about: `NAME: ${name}\n`, says })),
  { role: "product-manager", about: "goal untested.", says: spec(1, "untested") },
  { role: "tester", about: "NAME: untested\n", says: file("test_a.py", "from a import a") },
  { role: "tester", about: "NAME: slow\n", seeing: REPEATED, says: tests("a", 1) },
  { role: "tester", about: "NAME: slow\n", says: file("test_a.py", "x = = 1") },
  { role: "tech-lead", says: plan({ id: "a" }) },
  { role: "developer", says: code("a", 1) },
  { role: "reviewer", says: ACCEPT },
];
const roster = builds.team(LINES);

function build(name: string): Promise<Built> {
  return builds.buildGoal(`The goal ${name}.`, ["--roster", roster]);
}

function turnsOf(built: Built): Readonly<Record<string, number>> {
  const roles = eventsOf(built, "turn-finished").map(({ role }) => String(role));
  return Object.fromEntries([...new Set(roles)].map((role) => [role, roles.filter((one) => one === role).length]));
}

const FAILED_PLAN = [
  "build/start/ready",
  "build/spec/written",
  "decompose/draft/drafted",
  "decompose/validate/invalid",
  "decompose/repair/drafted",
  "decompose/validate/give-up",
  "build/plan/failed",
  "build/verify/checked",
  "build/deliver/red",
  "reply/ask/replied",
  "reply/read/ok",
];

for (const { name, why } of BAD_PLANS) {
  test(`a plan like "${name}" is told once, drawn twice again, and ends red`, async () => {
    const built = await build(name);
    assertHonestlyRed(built, why);
    assert.deepEqual(turnsOf(built), { "product-manager": 1, "tech-lead": 4 });
    assert.deepEqual(edgesOf(built), FAILED_PLAN);
  });
}

for (const { name, why } of BAD_TESTS) {
  test(`tests like "${name}" are sent back once, and end red`, async () => {
    const built = await build(name);
    assertHonestlyRed(built, why);
    assert.deepEqual(turnsOf(built), { "product-manager": 1, "tech-lead": 1, tester: 2 });
    assert.deepEqual(edgesOf(built).slice(6, 9), ["build/tests/failed", "build/verify/checked", "build/deliver/red"]);
  });
}

test("a product manager's, a tech lead's and a tester's second answers are taken, and the build is green", async () => {
  const built = await build("slow");
  assertGreen(built);
  assert.deepEqual(turnsOf(built), { "product-manager": 2, "tech-lead": 2, tester: 2, developer: 1, reviewer: 1 });
});

test("tests that test nothing fail without code, and no code can pass them", async () => {
  const built = await build("untested");
  assertHonestlyRed(built, /task a: still red after 2 samples and \d repairs?: test_a\.py: no test was found/);
});

test("a goal that the product manager refuses is refused, and nothing is delivered", async () => {
  const built = await build("unwanted");
  assert.deepEqual([built.code, built.state], [3, "refused"]);
  const [finished] = eventsOf(built, "build-finished");
  assert.deepEqual([finished?.["outcome"], finished?.["why"]], ["refused", "nobody should have that"]);
  assert.deepEqual(edgesOf(built).slice(0, 2), ["build/start/ready", "build/spec/refused"]);
});

test("a product manager whose four replies say nothing ends the build red, with a receipt and no file", async () => {
  const built = await build("nonsense");
  assertHonestlyRed(
    built,
    /the product manager's specification can't be used: the reply lacks NAME, LANGUAGE, SUMMARY/,
  );
  assert.deepEqual(turnsOf(built), { "product-manager": 4 });
  assert.ok(edgesOf(built).includes("reply/read/give-up"));
});

test("a model that can't be loaded refuses the build before anything is asked", async () => {
  const broken = builds.team([{ role: "tester", says: "x" }]);
  writeFileSync(broken.replace("roster.yaml", "all.gguf"), "this is no model");
  const built = await builds.build(broken);
  assert.deepEqual([built.code, built.state], [3, "refused"]);
  assert.deepEqual(edgesOf(built), ["build/start/missing"]);
  assert.deepEqual(turnsOf(built), {});
});

test("these builds took every edge that is theirs", () => builds.assertTookEdges());
