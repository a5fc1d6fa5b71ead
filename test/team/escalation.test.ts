import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertGreen, assertHonestlyRed, type Built, eventsOf, receiptOf } from "../fixtures/build-with.ts";
import { code, goodLines, type Line, withLines } from "../fixtures/cued-team.ts";
import { pathOf, TeamBuilds } from "../fixtures/team-builds.ts";

/* Tasks that are handed over to a stronger model, which is told what was tried. */
const builds = new TeamBuilds("escalation");
after(() => builds[Symbol.asyncDispose]());

/** All but the developers, who are models of their own. */
function others(lines: readonly Line[]): readonly Line[] {
  return lines.filter(({ role }) => role !== "developer");
}

function says(task: string, result: number, seeing?: string): Line {
  return { role: "developer", task, says: code(task, result), ...(seeing === undefined ? {} : { seeing }) };
}

function tiersOf(built: Built, task: string): readonly unknown[] {
  return eventsOf(built, "tier-ended")
    .filter((event) => event["task"] === task)
    .map(({ tier, green, samples, rounds }) => [tier, green, samples, rounds]);
}

function loadsOf(built: Built): readonly string[] {
  return eventsOf(built, "model-loaded").map(({ model }) => String(model).replace(/^team\d+-/, ""));
}

const SAMPLE = [
  "context/ready",
  "write/files",
  "syntax/parses",
  "test/red",
  "reflect/repair",
  "fix/files",
  "syntax/parses",
  "test/red",
];
const TIER = [...SAMPLE, "reflect/resample", "resample/again", ...SAMPLE];

test("simple, medium, complex: each tier is told what those before it tried, and the last one knows better", async () => {
  const summary = (tier: string) => `- ${tier} model, try 2 and 1 repair: test_a: AssertionError: `;
  const roster = builds.team({
    all: others(goodLines({ id: "a" })),
    simple: [says("a", 7)],
    // Right only when it is told nothing: it must have been told.
    medium: [says("a", 8, summary("simple")), says("a", 1)],
    complex: [says("a", 1, summary("medium")), says("a", 9)],
  });
  const built = await builds.build(roster);
  assertGreen(built);
  const path = [...TIER, "reflect/escalate", "escalate/hand-over"];
  const end = ["context/ready", "write/files", "syntax/parses", "test/green", "review/accept"];
  assert.deepEqual(pathOf(built, "a"), [...path, ...path, ...end]);
  assert.deepEqual(tiersOf(built, "a"), [
    ["simple", false, 2, 2],
    ["medium", false, 2, 2],
    ["complex", true, 1, 0],
  ]);
  const [task] = Object(receiptOf(built.out)["tasks"]);
  assert.deepEqual(
    { ...task },
    { id: "a", state: "green", tier: "complex", model: "team1-complex", samples: 5, rounds: 4 },
  );
});

test("when no tier gets it right the best of all tiers is delivered, red", async () => {
  const roster = builds.team({
    all: others(goodLines({ id: "a" })),
    simple: [says("a", 7)],
    medium: [says("a", 8)],
    complex: [says("a", 9)],
  });
  const built = await builds.build(roster);
  assertHonestlyRed(built, /^task a: still red after 6 samples and 6 repairs: test_a: AssertionError: 9 != 1/);
  assert.equal(pathOf(built, "a").at(-1), "reflect/give-up");
});

test("two tasks that need the stronger model are served by one load of it, where only one model fits", async () => {
  const lines = goodLines({ id: "a" }, { id: "b" });
  const cast = {
    all: others(lines),
    simple: [says("a", 7), says("b", 7)],
    medium: lines.filter(({ role }) => role === "developer"),
  };
  const roomy = await builds.build(builds.team(cast));
  assertGreen(roomy);
  const bytes = eventsOf(roomy, "model-loaded").map((event) => Number(event["bytes"]));
  const [least = 0, next = 0] = bytes.toSorted((a, b) => a - b);
  const most = Math.max(...bytes);
  assert.ok(least + next > most, `two of these models fit where one does: ${bytes.join(", ")}`);

  await using tight = new TeamBuilds("escalation", { ATOS_BUDGET: `${Math.ceil((most + 1) / 2 ** 20)}mib` });
  const built = await tight.build(tight.team(cast));
  assertGreen(built);
  for (const task of ["a", "b"])
    assert.deepEqual(
      tiersOf(built, task).map((end) => Object(end)[0]),
      ["simple", "medium"],
    );
  assert.equal(loadsOf(built).filter((model) => model === "medium").length, 1, loadsOf(built).join(", "));
  // Then only what has to be reviewed is left; what goes on before that is the pool's affair.
  assert.deepEqual(loadsOf(built).slice(-2), ["medium", "all"]);
});

test("what passed is not handed over: only the task that fails is", async () => {
  const lines = goodLines({ id: "a" }, { id: "b" });
  const roster = builds.team({
    all: others(lines),
    simple: [says("a", 1), says("b", 7)],
    medium: withLines(
      lines.filter(({ role }) => role === "developer"),
      says("a", 5),
    ),
  });
  const built = await builds.build(roster);
  assertGreen(built);
  assert.deepEqual(tiersOf(built, "a"), [["simple", true, 1, 0]]);
  assert.deepEqual(tiersOf(built, "b"), [
    ["simple", false, 2, 2],
    ["medium", true, 1, 0],
  ]);
});

test("these builds took every edge that is theirs", () => builds.assertTookEdges());
