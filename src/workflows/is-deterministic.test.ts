import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelSource } from "../engine/model.ts";
import { isDeterministic } from "./is-deterministic.ts";

const FILE: ModelSource = { kind: "gguf", id: "a", path: "/a.gguf", deterministic: true };
const SERVER: ModelSource = { kind: "openai", id: "b", baseUrl: "http://b", model: "b", contextTokens: 4096 };

function roster(...models: ModelSource[]) {
  return { roster: { name: "r", models, tiers: { simple: "a", medium: "a", complex: "a" }, roles: {} } };
}

test("a build is deterministic when every model is a file that begins each reply anew", () => {
  assert.equal(isDeterministic(roster(FILE, { ...FILE, id: "c" })), true);
  assert.equal(isDeterministic(roster(FILE, { kind: "gguf", id: "c", path: "/c.gguf" })), false);
  assert.equal(isDeterministic(roster(FILE, SERVER)), false);
});
