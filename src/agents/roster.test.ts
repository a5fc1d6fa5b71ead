import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ModelSource } from "../engine/model.ts";
import { loadTeam } from "./load-team.ts";
import type { Role, Seat } from "./role.ts";
import { modelFor, nextTier, reviewerModel, type Roster, singleModelRoster } from "./roster.ts";
import type { Team } from "./team.ts";

const own = fileURLToPath(new URL("../../roles", import.meta.url));
const { team } = await loadTeam({ directory: own, overrides: [], own });

function model(id: string): ModelSource {
  return { kind: "gguf", id, path: `/${id}.gguf` };
}

const roster: Roster = {
  name: "four",
  models: ["small", "middle", "large", "critic"].map(model),
  tiers: { simple: "small", medium: "middle", complex: "large" },
  roles: { "tech-lead": "critic" },
};

/** The team with a reviewer, or developers, that differ by this. */
function withReviewer(difference: Partial<Role>): Team {
  return { ...team, roles: { ...team.roles, reviewer: { ...team.roles.reviewer, ...difference } } };
}

function withDevelopers(difference: Partial<Role>): Team {
  const developer = { ...team.developers.simple, ...difference };
  return { ...team, developers: { simple: developer, medium: developer, complex: developer } };
}

test("a role's model goes before the roster's for its seat, that before the role's tier, that before the task's", () => {
  const chosen = (role: { seat: Seat; model?: string; tier?: "medium" }) => modelFor(roster, role, "simple").id;
  assert.equal(chosen({ seat: "tech-lead", model: "small", tier: "medium" }), "small");
  assert.equal(chosen({ seat: "tech-lead", model: "not-here", tier: "medium" }), "critic");
  assert.equal(chosen({ seat: "tester", model: "not-here", tier: "medium" }), "middle");
  assert.equal(chosen({ seat: "developer", tier: "medium" }), "middle");
  assert.equal(chosen({ seat: "developer" }), "small");
  assert.equal(chosen({ seat: "integrator" }), "small");
  assert.equal(chosen({ seat: "tester" }), "large");
});

test("a model that a roster promises and does not have is a fault of the program", () => {
  assert.throws(() => modelFor({ ...roster, models: [] }, { seat: "tester" }, "simple"), /four has no model large/);
});

test("the reviewer is never weaker than who wrote", () => {
  const weak = withReviewer({ tier: "simple" });
  assert.equal(reviewerModel(roster, weak, "simple").id, "small");
  assert.equal(reviewerModel(roster, weak, "medium").id, "large");
  assert.equal(reviewerModel(roster, weak, "complex").id, "large");
  assert.equal(reviewerModel(roster, withReviewer({ model: "middle" }), "medium").id, "middle");
  assert.equal(reviewerModel(roster, team, "simple").id, "large");
});

test("what counts is the model that writes, not the task's tier", () => {
  const strong = { ...withReviewer({ tier: "simple" }), developers: withDevelopers({ model: "large" }).developers };
  assert.equal(reviewerModel(roster, strong, "simple").id, "large");
  const unranked = { ...withReviewer({ tier: "simple" }), developers: withDevelopers({ model: "critic" }).developers };
  assert.equal(reviewerModel(roster, unranked, "medium").id, "large");
});

test("a model that serves no tier and was named for the review is taken at its word", () => {
  const named = { ...roster, roles: { reviewer: "critic" } };
  assert.equal(reviewerModel(named, team, "complex").id, "critic");
});

test("one model for two tiers is as strong as the higher of them", () => {
  const two: Roster = { ...roster, tiers: { simple: "small", medium: "large", complex: "large" }, roles: {} };
  assert.equal(reviewerModel(two, withReviewer({ tier: "medium" }), "medium").id, "large");
  assert.equal(nextTier(two, team, "simple"), "medium");
  assert.equal(nextTier(two, team, "medium"), undefined);
});

test("the next tier is the next that another model serves", () => {
  assert.equal(nextTier(roster, team, "simple"), "medium");
  assert.equal(nextTier(roster, team, "medium"), "complex");
  assert.equal(nextTier(roster, team, "complex"), undefined);
  const skip: Roster = { ...roster, tiers: { simple: "small", medium: "small", complex: "large" } };
  assert.equal(nextTier(skip, team, "simple"), "complex");
  assert.equal(nextTier(singleModelRoster(model("only")), team, "simple"), undefined);
});

test("developers who always have one model have no next tier", () => {
  assert.equal(nextTier({ ...roster, roles: { developer: "small" } }, team, "simple"), undefined);
  assert.equal(nextTier(roster, withDevelopers({ model: "small" }), "simple"), undefined);
});
