import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildFacts } from "./campaign/build-facts.ts";
import { drawKills } from "./campaign/draw-kills.ts";
import { judgeBuild } from "./campaign/judge-build.ts";
import { randomNumbers } from "./campaign/random-numbers.ts";

const UNDISTURBED: BuildFacts = {
  state: "green",
  tree: "t",
  history: "h",
  tasks: ["a green 1", "b green 2"],
  effects: ["turn a/1 x done", "tests a/2 y done"],
  events: ["told a", "told a", "told b"],
  told: 9,
  attempts: 2,
  problems: [],
};

test("a build that came to the same in more attempts has lost and doubled nothing", () => {
  const found = { ...UNDISTURBED, events: UNDISTURBED.events.toReversed(), told: 20, attempts: 5 };
  assert.deepEqual(judgeBuild(found, UNDISTURBED), { lost: [], doubled: [] });
});

test("what is missing is lost, what is there once too often is doubled, and problems count as lost", () => {
  const found: BuildFacts = {
    ...UNDISTURBED,
    tree: "other",
    tasks: ["a green 1", "b skipped 2"],
    effects: [...UNDISTURBED.effects, "turn a/1 x done"],
    events: ["told a", "told b", "told b"],
    problems: ["something is left"],
  };
  assert.deepEqual(judgeBuild(found, UNDISTURBED), {
    lost: [
      "something is left",
      "its tree is another: other, not t",
      "of its tasks is missing: b green 2",
      "of its events is missing: told a",
    ],
    doubled: [
      "of its tasks is too much: b skipped 2",
      "of its effects is too much: turn a/1 x done",
      "of its events is too much: told b",
    ],
  });
});

test("kills are drawn from the seed alone: two to four, in order, the first as asked", () => {
  for (let seed = 0; seed < 200; seed++) {
    const kills = drawKills(randomNumbers(seed), "postgres");
    assert.deepEqual(kills, drawKills(randomNumbers(seed), "postgres"));
    assert.ok(kills.length >= 2 && kills.length <= 4);
    assert.deepEqual(kills[0]?.victims, ["postgres"]);
    const ofModels = drawKills(randomNumbers(seed), "model").filter(({ victims }) => victims.includes("model"));
    assert.ok(ofModels.length >= 1 && ofModels.length <= 2);
    assert.deepEqual(
      kills.map(({ at }) => at),
      kills.map(({ at }) => at).toSorted((a, b) => a - b),
    );
  }
});
