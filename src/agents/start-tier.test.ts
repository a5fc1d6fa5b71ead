import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ModelSource } from "../engine/model.ts";
import { loadTeam } from "./load-team.ts";
import { type Roster, singleModelRoster } from "./roster.ts";
import { type PassRate, startTier } from "./start-tier.ts";

const own = fileURLToPath(new URL("../../roles", import.meta.url));
const { team } = await loadTeam({ directory: own, overrides: [], own });

const models = ["small", "large"].map((id): ModelSource => ({ kind: "gguf", id, path: `/${id}.gguf` }));
const roster: Roster = {
  name: "two",
  models,
  tiers: { simple: "small", medium: "small", complex: "large" },
  roles: {},
};
const task = { kind: "parsing", tier: "simple" } as const;

/** What a model did, such as `1 of 6`. */
function rate(model: string, done: `${number} of ${number}`, of: Partial<PassRate> = {}): PassRate {
  const [passed = 0, tried = 0] = done.split(" of ").map(Number);
  return { model, passed, tried, kind: "parsing", tier: "simple", ...of };
}

function begun(rates: readonly PassRate[], of: Roster = roster) {
  return startTier(task, rates, { roster: of, team });
}

test("a task begins at its own tier where nothing is known", () => {
  assert.deepEqual(begun([]), { tier: "simple", because: "its tier is simple" });
});

test("a task begins at the next model's tier when its own has mostly failed at such tasks", () => {
  assert.deepEqual(begun([rate("small", "1 of 6")]), {
    tier: "complex",
    because: "small passed 1 of 6 such tasks here",
  });
});

test("four tasks are no experience, and half of them is good enough", () => {
  assert.equal(begun([rate("small", "0 of 4")]).tier, "simple");
  assert.equal(begun([rate("small", "3 of 6")]).tier, "simple");
  assert.equal(begun([rate("small", "2 of 5")]).tier, "complex");
});

test("a next model that has done worse is not asked instead", () => {
  assert.equal(begun([rate("small", "1 of 6"), rate("large", "0 of 20")]).tier, "simple");
  assert.equal(begun([rate("small", "1 of 6"), rate("large", "2 of 10")]).tier, "complex");
  assert.equal(begun([rate("small", "1 of 6"), rate("large", "0 of 4")]).tier, "complex");
});

test("what is nearest to the task counts: its kind and tier, else its kind, else everything", () => {
  const elsewhere = rate("small", "50 of 50", { kind: "algorithm" });
  const harder = rate("small", "0 of 9", { tier: "medium" });
  assert.equal(begun([elsewhere, rate("small", "0 of 5")]).tier, "complex");
  assert.equal(begun([elsewhere, harder, rate("small", "5 of 5")]).tier, "simple");
  assert.equal(begun([elsewhere, harder, rate("small", "1 of 1")]).tier, "complex");
  assert.equal(begun([elsewhere, rate("small", "0 of 3")]).tier, "simple");
});

test("with one model for every tier there is nowhere to go", () => {
  const [small] = models;
  assert.ok(small);
  assert.equal(begun([rate("small", "0 of 50")], singleModelRoster(small)).tier, "simple");
});
