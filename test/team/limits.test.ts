import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertGreen, assertHonestlyRed, type Built, eventsOf, receiptOf } from "../fixtures/build-with.ts";
import { ACCEPT, code, goodLines, type Line, plan, spec, tests, withLines } from "../fixtures/cued-team.ts";
import { edgesOf, pathOf, TeamBuilds } from "../fixtures/team-builds.ts";

/*
 * Limits that come at every stage. What a scripted team says takes the same number of tokens every time: a build
 * without a limit tells how many it has used after each turn, and the next one has its limit just there.
 */
const builds = new TeamBuilds("limits");
after(() => builds[Symbol.asyncDispose]());

const LIMIT = /^(task a: )?the build's limit was reached before it was done$/;
const AGAIN = "could not be used";
const FAILED = "That did not pass:";

/** Tokens that a build has used when `step` is done; of the steps of two tasks the sum. */
function tokensAfter(built: Built, step: string): string {
  let tokens = 0;
  for (const turn of eventsOf(built, "turn-finished")) {
    const { promptTokens, outputTokens } = Object(turn["usage"]);
    tokens += Number(promptTokens) + Number(outputTokens);
    if (turn["step"] === step) return String(tokens);
  }
  assert.fail(`there was no turn ${step}`);
}

function steps(built: Built): readonly string[] {
  return eventsOf(built, "turn-finished").map(({ step }) => String(step));
}

/** Every turn of the first try is refused, or fails: each role is asked twice. */
const SLOW: readonly Line[] = [
  { role: "product-manager", seeing: AGAIN, says: spec(1) },
  { role: "product-manager", says: "Let me think." },
  { role: "tech-lead", seeing: AGAIN, says: plan({ id: "a" }) },
  { role: "tech-lead", says: "Let me see." },
  { role: "tester", seeing: AGAIN, says: tests("a", 1) },
  { role: "tester", says: "Let me try." },
  { role: "developer", task: "a", seeing: AGAIN, says: code("a", 1) },
  { role: "developer", task: "a", seeing: FAILED, says: "Let me look again." },
  { role: "developer", task: "a", says: code("a", 2) },
  { role: "reviewer", seeing: AGAIN, says: ACCEPT },
  { role: "reviewer", says: "Let me read." },
];

describe("a limit of tokens that is reached by", () => {
  const roster = builds.team(SLOW);
  let unlimited: Built;
  before(async () => {
    unlimited = await builds.build(roster);
    assertGreen(unlimited);
  });

  for (const { step, edge, more } of [
    { step: "spec/turn-1", edge: "build/spec/limit", more: [] },
    { step: "spec/turn-2", edge: "decompose/draft/limit", more: ["build/plan/limit"] },
    { step: "plan/turn-1", edge: "decompose/repair/limit", more: ["build/plan/limit"] },
    { step: "plan/turn-2", edge: "build/tests/limit", more: [] },
    { step: "tests/turn-1", edge: "build/tests/limit", more: [] },
    { step: "tests/turn-2", edge: "build/tests/limit", more: [] },
    { step: "tasks/a/simple-1/turn-1", edge: "task/syntax/limit", more: ["build/tasks/done", "build/merge/complete"] },
    { step: "tasks/a/simple-1/turn-2", edge: "task/fix/limit", more: [] },
    { step: "tasks/a/simple-1/turn-3", edge: "task/syntax/limit", more: [] },
  ])
    test(`${step} ends the build there, red, with what there is`, async () => {
      const most = tokensAfter(unlimited, step);
      const built = await builds.build(roster, "--max-tokens", most);
      assertHonestlyRed(built, LIMIT);
      const edges = edgesOf(built);
      for (const expected of [edge, ...more, "build/verify/checked", "build/deliver/red"])
        assert.ok(edges.includes(expected), `${expected} is not among ${edges.join(", ")}`);
      assert.deepEqual(
        eventsOf(built, "limit-reached").map(({ limit, most: told }) => [limit, String(told)]),
        [["tokens", most]],
      );
      // What was used before is all in the receipt, and nothing was asked after.
      assert.equal(steps(built).at(-1), step);
      const { turns, tokens } = receiptOf(built.out);
      const { prompt, output } = Object(tokens);
      assert.deepEqual([turns, String(prompt + output)], [steps(built).length, most]);
    });

  test("the reviewer leaves what passed as it is, and green", async () => {
    const most = tokensAfter(unlimited, "tasks/a/simple-1/review-2/turn-1");
    const built = await builds.build(roster, "--max-tokens", most);
    assertGreen(built);
    assert.equal(pathOf(built, "a").at(-1), "review/limit");
    assert.equal(eventsOf(built, "limit-reached").length, 1);
  });

  test("the last turn of all leaves nothing out", async () => {
    const last = steps(unlimited).at(-1) ?? "";
    assertGreen(await builds.build(roster, "--max-tokens", tokensAfter(unlimited, last)));
  });
});

test("a limit of tokens that is reached by a reply without a file stops the task before it has one", async () => {
  const mute: Line = { role: "developer", task: "a", says: "Let me think." };
  const roster = builds.team(withLines(goodLines({ id: "a" }), { ...mute, seeing: AGAIN, says: code("a", 1) }, mute));
  const unlimited = await builds.build(roster);
  assertGreen(unlimited);
  const built = await builds.build(roster, "--max-tokens", tokensAfter(unlimited, "tasks/a/simple-1/turn-1"));
  assertHonestlyRed(built, LIMIT);
  assert.deepEqual(pathOf(built, "a"), ["context/ready", "write/limit"]);
});

test("a limit of no time at all ends the build at once, red, with an honest receipt", async () => {
  const built = await builds.build(builds.team(SLOW), "--max-minutes", "0.0001");
  assertHonestlyRed(built, LIMIT);
  assert.deepEqual(steps(built), []);
  assert.ok(edgesOf(built).includes("build/spec/limit"));
  assert.deepEqual(
    eventsOf(built, "limit-reached").map(({ limit, most }) => [limit, most]),
    [["minutes", 0.0001]],
  );
});

describe("two tasks side by side", () => {
  const PAIR = [{ id: "a" }, { id: "b" }] as const;
  /** With the other's file beside it, as in what is verified in the end, it goes on. */
  const HANGS_ALONE = ["import os, time", 'if not os.path.exists("b.py"): time.sleep(1000)'];

  test("a limit that is reached by the last review leaves out the branch that would have to be tested, and says so", async () => {
    const roster = builds.team(goodLines(...PAIR));
    const unlimited = await builds.build(roster);
    assertGreen(unlimited);
    const last = steps(unlimited).at(-1) ?? "";
    const built = await builds.build(roster, "--max-tokens", tokensAfter(unlimited, last));
    assertHonestlyRed(built, /^the build's limit was reached before it was done$/);
    assert.ok(edgesOf(built).includes("build/merge/limit"));
    assert.deepEqual(
      eventsOf(built, "merged").map(({ task, how }) => [task, how]),
      [["a", "fast-forward"]],
    );
  });

  test("a test that runs when another task reaches the limit is stopped", async () => {
    // One says something new each time, so that it goes on being repaired; meanwhile the other's test hangs.
    const says = (seeing: string, result: number): Line => ({
      role: "developer",
      task: "b",
      seeing,
      says: code("b", result),
    });
    const lines = withLines(
      goodLines(...PAIR),
      says("14 != 2", 15),
      says("13 != 2", 14),
      { role: "developer", task: "b", says: code("b", 13) },
      { role: "developer", task: "a", says: code("a", 1, ...HANGS_ALONE) },
    );
    const roster = builds.team(lines);
    const quick = builds.team(withLines(lines, { role: "developer", task: "a", says: code("a", 1) }));
    const unlimited = await builds.build(quick);
    assertHonestlyRed(unlimited, /task b: still red after 2 samples and 2 repairs/);
    const most = tokensOf(unlimited, /^(?:(?:spec|plan|tests|tasks\/a)\/|tasks\/b\/simple-(?:1\/|2\/turn-1))/);
    const built = await builds.build(roster, "--max-tokens", String(most));
    assertHonestlyRed(built, /^task [ab]: the build's limit was reached before it was done$/);
    assert.deepEqual(pathOf(built, "a").slice(-2), ["syntax/parses", "test/limit"]);
    const states = Object(receiptOf(built.out)["tasks"]).map(({ id, state }: { id: string; state: string }) => [
      id,
      state,
    ]);
    assert.deepEqual(states, [
      ["a", "stopped"],
      ["b", "stopped"],
    ]);
  });
});

function tokensOf(built: Built, step: RegExp): number {
  return eventsOf(built, "turn-finished")
    .filter((turn) => step.test(String(turn["step"])))
    .reduce((sum, { usage }) => sum + Number(Object(usage).promptTokens) + Number(Object(usage).outputTokens), 0);
}

test("these builds took every edge that is theirs", () => builds.assertTookEdges());
