import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceReading, GIB, MIB } from "../devices/device-reading.ts";
import {
  correctionsOf,
  crashesSince,
  expectedLoadMs,
  expectedRole,
  learnedPromptTokenMs,
  machineKey,
  modelKey,
  PRIOR_ROLE,
} from "./expected.ts";
import { type Facts, factsSchema, MAX_MODELS, NO_FACTS } from "./facts.ts";
import { learnCrash, learnLoad, learnMemory, learnShortage, learnTask, learnTurn } from "./learn.ts";

const memory = (facts: Facts, measuredBytes: number, estimatedBytes = 1000): Facts =>
  learnMemory(facts, { model: "m", kind: "nvidia", measuredBytes, estimatedBytes }, 1);
const ratio = (facts: Facts): number | undefined => correctionsOf(facts, "m").memoryRatio?.nvidia;
const turn = { model: "m", way: "processor", role: "developer", replyTokens: 101, promptTokens: 400 };

test("more memory than estimated counts at once, less is believed slowly", () => {
  const raised = memory(NO_FACTS, 1500);
  assert.equal(ratio(raised), 1.5);
  const lowered = memory(raised, 1000);
  assert.equal(ratio(lowered), 1.45);
  let facts = NO_FACTS;
  for (let load = 0; load < 100; load++) facts = memory(facts, 800);
  assert.ok(Math.abs((ratio(facts) ?? 0) - 0.8) < 0.001);
});

test("a memory ratio stays between a half and three, and nonsense teaches nothing", () => {
  assert.equal(ratio(memory(NO_FACTS, 99_000)), 3);
  let facts = NO_FACTS;
  for (let load = 0; load < 200; load++) facts = memory(facts, 1);
  assert.equal(ratio(facts), 0.5);
  for (const measured of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(memory(NO_FACTS, measured), NO_FACTS);
  assert.equal(memory(NO_FACTS, 5, 0), NO_FACTS);
});

test("kinds of devices are learned apart", () => {
  const facts = learnMemory(
    memory(NO_FACTS, 1500),
    { model: "m", kind: "system", measuredBytes: 2, estimatedBytes: 1 },
    1,
  );
  assert.deepEqual(correctionsOf(facts, "m").memoryRatio, { nvidia: 1.5, system: 2 });
  assert.deepEqual(correctionsOf(facts, "other"), {});
});

test("running out of memory makes a model larger by a quarter each time, up to half as much again", () => {
  let facts = learnShortage(NO_FACTS, { model: "m", kind: "nvidia" }, 1);
  assert.equal(ratio(facts), 1.25);
  for (let time = 0; time < 9; time++) facts = learnShortage(facts, { model: "m", kind: "nvidia" }, 1);
  assert.equal(ratio(facts), 1.5);
});

test("a load is expected as it was, as other models' by size, or by the prior", () => {
  assert.equal(expectedLoadMs(NO_FACTS, "m", 1.5e9).toFixed(0), "2000");
  const once = learnLoad(NO_FACTS, { model: "m", loadMs: 4000, bytes: 2 * GIB }, 1);
  assert.equal(expectedLoadMs(once, "m", 2 * GIB), 4000);
  assert.equal(expectedLoadMs(once, "other", GIB), 2000);
  const twice = learnLoad(once, { model: "m", loadMs: 5000, bytes: 2 * GIB }, 2);
  assert.equal(expectedLoadMs(twice, "m", 2 * GIB), 4200);
  assert.equal(learnLoad(NO_FACTS, { model: "m", loadMs: Number.NaN, bytes: 1 }, 1), NO_FACTS);
});

test("a turn teaches lengths of its role and speeds of its way", () => {
  const facts = learnTurn(NO_FACTS, { ...turn, replyMs: 2000, promptMs: 800 }, 1);
  assert.deepEqual(correctionsOf(facts, "m").stepMs, { processor: 20 });
  assert.equal(learnedPromptTokenMs(facts, "m", "processor"), 2);
  assert.equal(learnedPromptTokenMs(facts, "m", "RTX 8, 37 layers"), undefined);
  assert.deepEqual(expectedRole(facts, "m", "developer"), { ...PRIOR_ROLE, replyTokens: 101, promptTokens: 400 });
});

test("a turn beside others, or a very short one, teaches no speed", () => {
  const beside = learnTurn(NO_FACTS, turn, 1);
  assert.deepEqual(correctionsOf(beside, "m").stepMs, {});
  const short = learnTurn(NO_FACTS, { ...turn, replyTokens: 3, promptTokens: 2, replyMs: 500, promptMs: 500 }, 1);
  assert.deepEqual(correctionsOf(short, "m").stepMs, {});
  assert.equal(expectedRole(short, "m", "developer").replyTokens, 3);
  const atOnce = learnTurn(NO_FACTS, { ...turn, replyMs: 0, promptMs: 800 }, 1);
  assert.deepEqual(correctionsOf(atOnce, "m").stepMs, {}, "a step that takes no time would never end a roll-out");
});

test("what a role needs is known by the model, else by other models, else by the prior", () => {
  let facts = learnTurn(NO_FACTS, { ...turn, model: "other", replyTokens: 500 }, 1);
  facts = learnTask(facts, { model: "other", role: "developer", turns: 4 }, 2);
  assert.deepEqual(expectedRole(facts, "m", "developer"), { replyTokens: 500, promptTokens: 400, turnsPerTask: 4 });
  assert.deepEqual(expectedRole(facts, "m", "tester"), PRIOR_ROLE);
  facts = learnTurn(facts, { ...turn, replyTokens: 100 }, 3);
  assert.deepEqual(expectedRole(facts, "m", "developer"), { replyTokens: 100, promptTokens: 400, turnsPerTask: 4 });
});

test("crashes are counted since a moment, and the last twenty are remembered", () => {
  let facts = NO_FACTS;
  for (let atMs = 1; atMs <= 30; atMs++) facts = learnCrash(facts, { model: "m" }, atMs);
  assert.equal(crashesSince(facts, "m", 0), 20);
  assert.equal(crashesSince(facts, "m", 28), 3);
  assert.equal(crashesSince(facts, "other", 0), 0);
});

test("the models used longest ago are dropped beyond two hundred, and roles beyond fifty", () => {
  let facts = NO_FACTS;
  for (let index = 0; index < MAX_MODELS + 50; index++)
    facts = learnLoad(facts, { model: `m${index}`, loadMs: 1, bytes: 1 }, index);
  // A model that is used again is not old.
  facts = learnLoad(facts, { model: "m50", loadMs: 1, bytes: 1 }, 1000);
  facts = learnLoad(facts, { model: "new", loadMs: 1, bytes: 1 }, 1001);
  const names = Object.keys(facts.models);
  assert.equal(names.length, MAX_MODELS);
  assert.ok(names.includes("m50") && names.includes("new") && !names.includes("m51") && !names.includes("m0"));
  for (let index = 0; index < 70; index++) facts = learnTurn(facts, { ...turn, role: `r${index}` }, 2000);
  assert.equal(Object.keys(facts.roles).length, 50);
  assert.deepEqual(factsSchema.parse(facts), facts);
});

test("names that objects have by themselves are names like others", () => {
  for (const name of ["constructor", "toString"]) {
    assert.equal(crashesSince(NO_FACTS, name, 0), 0);
    const facts = learnTurn(NO_FACTS, { ...turn, model: name, role: name, way: name, replyMs: 1000 }, 1);
    assert.equal(correctionsOf(facts, name).stepMs?.[name], 10);
    assert.equal(expectedRole(facts, name, name).replyTokens, 101);
  }
});

test("facts are kept apart by weights, settings that matter and machine", () => {
  const gpu: DeviceReading = {
    id: "gpu0",
    key: "GPU-1",
    kind: "nvidia",
    name: "RTX",
    totalBytes: MIB,
    freeBytes: MIB,
  };
  const here = machineKey([gpu], "Ryzen");
  assert.equal(here, "Ryzen | RTX");
  const keys = [
    modelKey("abc", {}, here),
    modelKey("abd", {}, here),
    modelKey("abc", { contextTokens: 4096 }, here),
    modelKey("abc", { cacheType: "q8_0" }, here),
    modelKey("abc", { adapters: [{ path: "a.gguf", scale: 1 }] }, here),
    modelKey("abc", {}, machineKey([], "Ryzen")),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(modelKey("abc", { adapters: [], promptLookup: false }, here), keys[0]);
});
