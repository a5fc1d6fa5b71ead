import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { assertGreen, assertHonestlyRed, type Built, eventsOf, gitIn, receiptOf } from "../fixtures/build-with.ts";
import { ACCEPT, code, file, type Line, plan, spec, tests } from "../fixtures/cued-team.ts";
import { pathOf, TeamBuilds } from "../fixtures/team-builds.ts";
import { childrenOf } from "../fixtures/process-list.ts";

/* One task and all that can become of it. One model plays every team of this file: it goes by the task's name. */
const builds = new TeamBuilds("tasks");
after(() => builds[Symbol.asyncDispose]());

const FAILED = "That did not pass:";
const AGAIN = "could not be used";
/** Of two lines a task's first sample draws the first one with this seed, and its second sample the other. */
const SEED = "0";
const PROSE = "I am still thinking about it.";
const REVISE = "SCORE: 4\nVERDICT: revise\n- must-fix: say what it is for\n";

/** What each task's developer says, what its tests ask for beside the number 1, and its reviewer. */
const TASKS: Readonly<
  Record<string, { says: readonly Omit<Line, "role">[]; asks?: readonly string[]; reviews?: string }>
> = {
  typo: { says: [{ seeing: FAILED, says: code("typo", 1) }, { says: file("typo.py", "def typo(:", "    return 1") }] },
  stuck: { says: [{ says: code("stuck", 7) }, { says: code("stuck", 1) }] },
  prose: { says: [{ seeing: AGAIN, says: PROSE }, { says: PROSE }, { says: code("prose", 1) }] },
  mute: { says: [{ seeing: FAILED, says: PROSE }, { says: code("mute", 2) }, { says: code("mute", 1) }] },
  hopeless: {
    asks: ["", "def test_more(self):", "    self.assertEqual(hopeless.__doc__, 'x')"],
    says: [
      { says: file("hopeless.py", "def hopeless():", "    'nearly'", "    return 1") },
      { says: code("hopeless", 3) },
    ],
  },
  worse: { reviews: REVISE, says: [{ seeing: FAILED, says: code("worse", 5) }, { says: code("worse", 1) }] },
  vain: { reviews: REVISE, says: [{ says: code("vain", 1) }] },
  hangs: {
    says: [{ seeing: FAILED, says: code("hangs", 1) }, { says: code("hangs", 1, "import time", "time.sleep(1000)") }],
  },
  dies: {
    says: [
      { says: code("dies", 1, ...Array.from({ length: 900 }, (_, line) => `# ${(line * 7919) % 10_007} is a number`)) },
    ],
  },
};

const names = Object.keys(TASKS);
const LINES = names.flatMap((name): readonly Line[] => {
  const { says, asks = [], reviews = ACCEPT } = TASKS[name] ?? { says: [] };
  return [
    { role: "product-manager", about: `goal ${name}.`, says: spec(1, name) },
    { role: "tech-lead", about: `NAME: ${name}\n`, says: plan({ id: name }) },
    { role: "tester", task: name, says: tests(name, 1, ...asks) },
    ...says.map((line): Line => ({ role: "developer", task: name, ...line })),
    { role: "reviewer", task: name, says: reviews },
  ];
});
const roster = builds.team(LINES);

function build(name: string): Promise<Built> {
  return builds.buildGoal(`The goal ${name}.`, ["--roster", roster, "--seed", SEED]);
}

// It waits for the sandbox's limit of a minute, which the other builds need not.
const hanging = build("hangs");

function tiersOf(built: Built): readonly Record<string, unknown>[] {
  return eventsOf(built, "tier-ended").map(({ tier, green, samples, rounds }) => ({ tier, green, samples, rounds }));
}

function turnsOf(built: Built, role: string): readonly string[] {
  return eventsOf(built, "turn-finished")
    .filter((turn) => turn["role"] === role)
    .map(({ step }) => String(step));
}

const BEGIN = ["context/ready", "write/files", "syntax/parses"];
const RED_AND_REPAIR = ["test/red", "reflect/repair", "fix/files", "syntax/parses"];
const END = ["test/green", "review/accept"];

test("code that can't be parsed is not run, and is repaired", async () => {
  const built = await build("typo");
  assertGreen(built);
  const path = [
    "context/ready",
    "write/files",
    "syntax/broken",
    "reflect/repair",
    "fix/files",
    "syntax/parses",
    ...END,
  ];
  assert.deepEqual(pathOf(built, "typo"), path);
  assert.deepEqual(tiersOf(built), [{ tier: "simple", green: true, samples: 1, rounds: 1 }]);
});

test("a repair that changes nothing is not followed by another: the task is begun again", async () => {
  const built = await build("stuck");
  assertGreen(built);
  const again = ["test/red", "reflect/resample", "resample/again"];
  assert.deepEqual(pathOf(built, "stuck"), [...BEGIN, ...RED_AND_REPAIR, ...again, ...BEGIN, ...END]);
  assert.deepEqual(turnsOf(built, "developer"), [
    "tasks/stuck/simple-1/turn-1",
    "tasks/stuck/simple-1/turn-2",
    "tasks/stuck/simple-2/turn-1",
  ]);
});

test("four replies without a file end a sample, and the next one is begun", async () => {
  const built = await build("prose");
  assertGreen(built);
  const none = ["context/ready", "write/unusable", "reflect/resample", "resample/again"];
  assert.deepEqual(pathOf(built, "prose"), [...none, ...BEGIN, ...END]);
  assert.equal(eventsOf(built, "reply-rejected").length, 4);
  assert.equal(turnsOf(built, "developer").length, 5);
});

test("a repair without a file ends the sample too", async () => {
  const built = await build("mute");
  assertGreen(built);
  const path = [...BEGIN, "test/red", "reflect/repair", "fix/unusable", "reflect/resample", "resample/again"];
  assert.deepEqual(pathOf(built, "mute"), [...path, ...BEGIN, ...END]);
});

test("of samples that all stay red the best is delivered, and the receipt says what was tried", async () => {
  const built = await build("hopeless");
  assertHonestlyRed(
    built,
    /task hopeless: still red after 2 samples and 2 repairs: test_hopeless: AssertionError: 3 != 1/,
  );
  const stays = [...BEGIN, ...RED_AND_REPAIR, "test/red"];
  const path = [...stays, "reflect/resample", "resample/again", ...stays, "reflect/give-up"];
  assert.deepEqual(pathOf(built, "hopeless"), path);
  assert.deepEqual(tiersOf(built), [{ tier: "simple", green: false, samples: 2, rounds: 2 }]);
  const [task] = tasksOf(built);
  assert.deepEqual(
    { ...task, why: "" },
    { id: "hopeless", state: "red", tier: "simple", model: "team1-all", samples: 2, rounds: 2, why: "" },
  );
  // One of its two tests passes, and of the second sample none.
  assert.match(gitIn(built.out, "show", "HEAD:hopeless.py"), /nearly/);
  const { passed, failed } = Object(receiptOf(built.out)["verification"]);
  assert.deepEqual([passed, failed], [1, 1]);
});

test("what passed is kept when the round that the reviewer asked for makes it worse", async () => {
  const built = await build("worse");
  assertGreen(built);
  const path = [...BEGIN, "test/green", "review/revise", "fix/files", "syntax/parses", "test/red", "reflect/keep"];
  assert.deepEqual(pathOf(built, "worse"), path);
  assert.match(gitIn(built.out, "show", "HEAD:worse.py"), /return 1/);
  const review = { score: 4, verdict: "revise", findings: ["must-fix: say what it is for"] };
  assert.deepEqual(receiptOf(built.out)["review"], review);
});

test("a reviewer who never agrees ends with the last round, and is reported", async () => {
  const built = await build("vain");
  assertGreen(built);
  const round = ["test/green", "review/revise", "fix/files", "syntax/parses"];
  assert.deepEqual(pathOf(built, "vain"), [...BEGIN, ...round, ...round, "test/green", "review/no-round"]);
  assert.equal(eventsOf(built, "reviewed").length, 3);
  assert.equal(Object(receiptOf(built.out)["review"]).verdict, "revise");
});

test("code that never ends is ended, and is a failure like any other", async () => {
  const built = await hanging;
  assertGreen(built);
  assert.deepEqual(pathOf(built, "hangs"), [...BEGIN, ...RED_AND_REPAIR, ...END]);
  const [red] = eventsOf(built, "tests-ran").filter(({ step }) => step === "tasks/hangs/simple-1/test-1");
  assert.deepEqual([red?.["passed"], red?.["failed"]], [0, 1]);
});

test("a model whose process dies in a turn is loaded again, and the turn is a visible second attempt", async () => {
  const args = ["build", "The goal dies.", "--seed", SEED, "--roster", roster, "--out", "dies", "--json"];
  const client = builds.atos.start(args);
  let text = "";
  let killed = 0;
  client.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    if (killed > 0 || !text.includes('"attempt-started","step":"tasks/dies/simple-1/turn-1"')) return;
    const children = childrenOf(builds.atos.workerPid() ?? 0).filter(isModel);
    for (const child of children) process.kill(child, "SIGKILL");
    killed = children.length;
  });
  const { code: exit, stdout, stderr } = await client.ended;
  assert.equal(killed, 1, `no process of a model was found: ${stderr}`);
  assert.equal(exit, 0, stderr);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => Object(JSON.parse(line)));
  const failed = eventsOf({ lines }, "attempt-failed").map(({ step, attempt }) => ({ step, attempt }));
  assert.deepEqual(failed, [{ step: "tasks/dies/simple-1/turn-1", attempt: 1 }]);
  assert.equal(eventsOf({ lines }, "model-crashed").length, 1);
});

test("these builds took every edge that is theirs", () => builds.assertTookEdges());

function isModel(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("llama-child");
}

function tasksOf({ out }: Built): readonly Record<string, unknown>[] {
  return Object(receiptOf(out)["tasks"]);
}
