import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertGreen, assertHonestlyRed, type Built, eventsOf, gitIn, receiptOf } from "../fixtures/build-with.ts";
import { code, file, goodLines, type Line, type TaskPlan, tests, withLines } from "../fixtures/cued-team.ts";
import { edgesOf, pathOf, TeamBuilds } from "../fixtures/team-builds.ts";

/* Several tasks: what goes on beside what, what waits, what becomes of the rest when one fails, and of merges. */
const builds = new TeamBuilds("side-by-side");
after(() => builds[Symbol.asyncDispose]());

function merges(built: Built): readonly (readonly unknown[])[] {
  return eventsOf(built, "merged").map(({ task, how }) => [task, how]);
}

function states(built: Built): readonly (readonly string[])[] {
  return Object(receiptOf(built.out)["tasks"]).map(({ id, state }: { id: string; state: string }) => [id, state]);
}

/** Where in the trail something is told of a task. */
function at(built: Built, type: string, task: string): number {
  return built.lines.findIndex((line) => line["type"] === type && line["task"] === task);
}

const DIAMOND: readonly TaskPlan[] = [
  { id: "a" },
  { id: "b", after: "a" },
  { id: "c", after: "a" },
  { id: "d", after: "b, c" },
];

/** What each task of the diamond is to return, with what it uses of those before it. */
const DIAMOND_CODE: readonly Line[] = [
  { role: "developer", task: "b", says: code("b", "a() + 1", "from a import a") },
  { role: "developer", task: "c", says: code("c", "a() + 2", "from a import a") },
  {
    role: "developer",
    task: "d",
    says: code("d", "b() + c() - a()", "from a import a", "from b import b", "from c import c"),
  },
];

test("a diamond of tasks: those in the middle go on side by side, and the last sees what both wrote", async () => {
  const built = await builds.build(builds.team(withLines(goodLines(...DIAMOND), ...DIAMOND_CODE)));
  assertGreen(built);
  assert.deepEqual(
    states(built),
    ["a", "b", "c", "d"].map((id) => [id, "green"]),
  );
  assert.ok(
    at(built, "turn-finished", "c") < at(built, "reviewed", "b") ||
      at(built, "turn-finished", "b") < at(built, "reviewed", "c"),
  );
  assert.deepEqual(merges(built), [
    ["a", "fast-forward"],
    ["b", "fast-forward"],
    ["c", "merge"],
    ["d", "fast-forward"],
  ]);
  // The commits are what the plan says: d comes after b and c, and both come after a.
  const parents = new Map(
    gitIn(built.out, "log", "--all", "--format=%s:%H:%P")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([subject = "", hash = "", of = ""]) => [hash, { subject, of: of.split(" ") }]),
  );
  const subjectsBefore = (subject: string) =>
    [...parents.values()].find((one) => one.subject === subject)?.of.map((hash) => parents.get(hash)?.subject);
  assert.deepEqual(subjectsBefore("write b()"), ["write a()"]);
  assert.deepEqual(subjectsBefore("write c()"), ["write a()"]);
  assert.deepEqual(subjectsBefore("write d()"), ["write b()", "write c()"]);
});

test("a task that fails skips those after it, and the rest goes on and is delivered", async () => {
  const wrong: Line = { role: "developer", task: "b", says: code("b", 9) };
  const lines = withLines(withLines(goodLines(...DIAMOND, { id: "e" }), ...DIAMOND_CODE), wrong);
  const built = await builds.build(builds.team(lines));
  assertHonestlyRed(built, /^task b: still red after 2 samples and 2 repairs: test_b: AssertionError: 9 != 2/);
  assert.deepEqual(states(built), [
    ["a", "green"],
    ["b", "red"],
    ["c", "green"],
    ["d", "skipped"],
    ["e", "green"],
  ]);
  assert.deepEqual(pathOf(built, "d"), []);
  const files = gitIn(built.out, "ls-tree", "--name-only", "HEAD")
    .split("\n")
    .filter((path) => /^[a-e]\.py$/.test(path));
  // What failed is there to be looked at.
  assert.deepEqual(files, ["a.py", "b.py", "c.py", "e.py"]);
  const { passed, failed } = Object(receiptOf(built.out)["verification"]);
  assert.deepEqual([passed, failed], [3, 2]);
});

/** Counts the marks in all files of the folder: right in each branch by itself, and wrong in both together. */
const COUNTS = [
  "import glob",
  "def a():",
  "    return sum(open(path).read().count('# mark') for path in glob.glob('?.py')) // 2",
];
const MARKED = (name: string, result: number): string => code(name, result, "# mark", "# mark");
const CLASHING: readonly Line[] = withLines(
  goodLines({ id: "a" }, { id: "b" }),
  { role: "developer", task: "a", says: file("a.py", ...COUNTS, "# mark") },
  { role: "developer", task: "b", says: MARKED("b", 2) },
);

test("two branches that pass alone and not together are mended by the integrator", async () => {
  const mended: Line = { role: "integrator", says: code("a", 1) };
  const built = await builds.build(builds.team([...CLASHING, mended]));
  assertGreen(built);
  assert.deepEqual(merges(built), [
    ["a", "fast-forward"],
    ["b", "red"],
  ]);
  const [added] = eventsOf(built, "task-added");
  assert.deepEqual(Object(added?.["task"]).files, ["a.py", "b.py"]);
  assert.deepEqual(pathOf(built, "merge:b"), [
    "context/ready",
    "write/files",
    "syntax/parses",
    "test/green",
    "review/accept",
  ]);
  assert.match(gitIn(built.out, "show", "HEAD:b.py"), /# mark/);
  assert.doesNotMatch(gitIn(built.out, "show", "HEAD:a.py"), /glob/);
});

test("what the integrator can't mend stays outside, the rest is delivered, and the receipt says so", async () => {
  const useless: Line = { role: "integrator", says: code("a", 8) };
  const built = await builds.build(builds.team([...CLASHING, useless]));
  assertHonestlyRed(
    built,
    /^task b: it could not be merged: still red after 2 samples and 2 repairs: test_a: AssertionError/,
  );
  assert.deepEqual(merges(built), [
    ["a", "fast-forward"],
    ["b", "red"],
    ["b", "left-out"],
  ]);
  const { passed, failed } = Object(receiptOf(built.out)["verification"]);
  assert.deepEqual([passed, failed], [1, 1]);
  assert.doesNotMatch(gitIn(built.out, "ls-tree", "--name-only", "HEAD"), /^b\.py$/m);
});

test("a branch that was built on what the integrator changed since comes in by what it changed itself", async () => {
  const third: Line = { role: "developer", task: "c", says: code("c", "a() + 2", "from a import a") };
  const plan: readonly TaskPlan[] = [{ id: "a" }, { id: "b" }, { id: "c", after: "a" }];
  const lines = [
    ...withLines(
      goodLines(...plan),
      ...CLASHING.filter(({ role, task }) => role === "developer" && task !== undefined),
      third,
    ),
  ];
  const mended: Line = { role: "integrator", says: code("a", 1) };
  const built = await builds.build(builds.team([...lines, mended]));
  assertGreen(built);
  assert.deepEqual(merges(built), [
    ["a", "fast-forward"],
    ["b", "red"],
    ["c", "merge"],
  ]);
  assert.equal(eventsOf(built, "task-added").length, 1);
  assert.doesNotMatch(gitIn(built.out, "show", "HEAD:a.py"), /glob/);
  assert.ok(edgesOf(built).includes("build/integrate/mended"));
});

test("two testers who choose one name: the later one is asked again", async () => {
  const same = (name: string, result: number): string => tests(name, result).replace(`test_${name}.py`, "test_it.py");
  const lines = withLines(
    goodLines({ id: "a" }, { id: "b" }),
    { role: "tester", task: "b", seeing: "holds the tests of another task already", says: tests("b", 2) },
    { role: "tester", task: "a", says: same("a", 1) },
    { role: "tester", task: "b", says: same("b", 2) },
  );
  const built = await builds.build(builds.team(lines));
  assertGreen(built);
  assert.deepEqual(eventsOf(built, "tests-frozen")[0]?.["files"], ["test_it.py", "test_b.py"]);
});

test("these builds took every edge that is theirs", () => builds.assertTookEdges());
