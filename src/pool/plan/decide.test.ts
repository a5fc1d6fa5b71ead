import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import { improvePlan } from "./improve-plan.ts";
import { afterLoad, FIRST_PLAN } from "./plan.ts";
import { planPolicy } from "./plan-policy.ts";
import type { PoolAction, PoolModel, PoolState, PoolWork, Resident } from "./pool-state.ts";

const MB = 1e6;

function model(id: string, megabytes: number, more: Partial<PoolModel> = {}): PoolModel {
  const placements = [{ device: 0, loadedBytes: [megabytes * MB], slotBytes: [100 * MB], stepMs: 10 }];
  return { id, placements, maxSlots: 4, loadMs: 2000, resizeMs: 250, pinned: false, ...more };
}

function resident(id: string, slots: number, more: Partial<Resident> = {}): Resident {
  return { model: id, placement: 0, slots, state: "ready", readyAtMs: 0, usedAtMs: 0, ...more };
}

function work(id: string, needs: string, more: Partial<PoolWork> = {}): PoolWork {
  return { id, model: needs, steps: 100, state: "ready", after: [], sinceMs: 0, ...more };
}

function state(more: Partial<PoolState>): PoolState {
  const devices = [{ id: "gpu0", budgetBytes: 4000 * MB }];
  return { nowMs: 1000, devices, models: [], residents: [], works: [], maxWaitMs: 600_000, ...more };
}

function brief(actions: readonly PoolAction[]): string[] {
  return actions.map((action) => {
    if (action.kind === "start" || action.kind === "wait") return `${action.kind} ${action.work}`;
    if (action.kind === "evict") return `evict ${action.model}`;
    if (action.kind === "resize") return `resize ${action.model} to ${action.slots}`;
    return `load ${action.model}@${action.placement} x${action.slots} for ${action.evict.join("+") || "nothing"}`;
  });
}

const decided = (more: Partial<PoolState>, plan = FIRST_PLAN): string[] => brief(decide(state(more), plan));

test("starts works of one model together, those with the longest way behind them first", () => {
  const works = [
    work("short", "a"),
    work("long", "a"),
    work("third", "a"),
    work("end", "a", { state: "later", after: ["long"] }),
  ];
  const actions = decided({ models: [model("a", 1000)], residents: [resident("a", 2)], works });
  assert.deepEqual(actions, ["resize a to 4", "wait short", "wait long", "wait third"]);
  const busy = [...works, work("now", "a", { state: "running" })];
  assert.deepEqual(decided({ models: [model("a", 1000)], residents: [resident("a", 3)], works: busy }), [
    "start long",
    "start short",
    "wait third",
  ]);
});

test("closes the model that nobody needs rather than one that is needed again, and says so", () => {
  const models = [model("needed", 1000), model("done", 1000), model("new", 2200)];
  const residents = [resident("needed", 1, { usedAtMs: 1 }), resident("done", 1, { usedAtMs: 900 })];
  const works = [work("w1", "new"), work("w2", "new"), work("w3", "needed", { state: "later", after: ["w1"] })];
  assert.deepEqual(decide(state({ models, residents, works }), FIRST_PLAN), [
    {
      kind: "load",
      model: "new",
      placement: 0,
      slots: 2,
      evict: ["done"],
      why: "2 works for new wait; evicts done, which no work needs any more",
    },
    { kind: "wait", work: "w1", why: "new is opening, for about 2.0 s more" },
    { kind: "wait", work: "w2", why: "new is opening, for about 2.0 s more" },
  ]);
  const forced = decide(state({ models, residents: [resident("needed", 1), resident("done", 12)], works }), {
    ...FIRST_PLAN,
    room: 1,
  });
  assert.deepEqual(brief(forced)[0], "load new@0 x2 for done");
});

test("never closes a model with a running turn or one that is opening", () => {
  const models = [model("a", 3000), model("b", 3000)];
  const waiting = work("w", "b");
  const running = work("r", "a", { state: "running" });
  assert.deepEqual(decided({ models, residents: [resident("a", 1)], works: [running, waiting] }), ["wait w"]);
  const opening = resident("a", 1, { state: "opening", readyAtMs: 2000 });
  assert.deepEqual(decided({ models, residents: [opening], works: [waiting] }), ["wait w"]);
});

test("a work whose model is opening waits for it, and no second one opens", () => {
  const models = [model("a", 1000), model("b", 1000)];
  const residents = [resident("a", 1, { state: "opening", readyAtMs: 3000 })];
  assert.deepEqual(decide(state({ models, residents, works: [work("w", "a"), work("v", "b")] }), FIRST_PLAN), [
    { kind: "wait", work: "w", why: "a is opening, for about 2.0 s more" },
    { kind: "wait", work: "v", why: "b is not loaded, and a is opening" },
  ]);
});

test("loads ahead what comes soon while memory is free", () => {
  const models = [model("a", 1000), model("b", 1000)];
  const works = [work("r", "a", { state: "running" }), work("w", "b", { state: "later", after: ["r"] })];
  assert.deepEqual(decided({ models, residents: [resident("a", 1)], works }), ["load b@0 x1 for nothing"]);
});

test("goes to the second placement when the first one is full, or slower because something runs there", () => {
  const two = (id: string, stepMs: number): PoolModel => ({
    ...model(id, 0),
    placements: [0, 1].map((device) => ({
      device,
      loadedBytes: device === 0 ? [3000 * MB, 0] : [0, 3000 * MB],
      slotBytes: device === 0 ? [MB, 0] : [0, MB],
      stepMs,
    })),
  });
  const devices = ["gpu0", "gpu1"].map((id) => ({ id, budgetBytes: 7000 * MB }));
  const works = [work("r", "a", { state: "running" }), work("w", "b")];
  const models = [two("a", 10), two("b", 10)];
  assert.deepEqual(decided({ devices, models, residents: [resident("a", 1)], works }), [
    "load b@1 x1 for nothing",
    "wait w",
  ]);
  const small = devices.map((device) => ({ ...device, budgetBytes: 3500 * MB }));
  assert.deepEqual(decided({ devices: small, models, residents: [resident("a", 1)], works }), [
    "load b@1 x1 for nothing",
    "wait w",
  ]);
});

test("waits for the memory of a second slot, which few slots never get while they are busy, unless the plan says", () => {
  const models = [model("busy", 1800), model("new", 2000)];
  const residents = [resident("busy", 1)];
  const works = [work("r", "busy", { state: "running" }), work("v", "new"), work("w", "new")];
  assert.deepEqual(decided({ models, residents, works }), ["wait v", "wait w"]);
  assert.deepEqual(decided({ models, residents, works }, { ...FIRST_PLAN, firm: false }), [
    "load new@0 x1 for nothing",
    "wait v",
    "wait w",
  ]);
});

test("gives slots back where that makes room more cheaply than a reload", () => {
  const models = [model("a", 1900), model("b", 1600)];
  const works = [work("w", "b"), work("later", "a", { state: "later", after: ["w"] })];
  const actions = decide(state({ models, residents: [resident("a", 4)], works }), { ...FIRST_PLAN, patience: 100 });
  const why = "makes room for b (1 work for b waits) without closing a, which 1 work still needs";
  assert.deepEqual(actions[0], {
    kind: "load",
    model: "b",
    placement: 0,
    slots: 1,
    evict: [],
    why: "1 work for b waits; nothing has to go for it",
  });
  const larger = [model("a", 2200), model("b", 1600)];
  const shrunk = decide(state({ models: larger, residents: [resident("a", 2)], works }), {
    ...FIRST_PLAN,
    patience: 100,
  });
  assert.deepEqual(shrunk[0], { kind: "resize", model: "a", slots: 1, why });
});

test("a pinned model stays until nothing else can go on, or the plan lets it go", () => {
  const models = [model("pinned", 2000, { pinned: true }), model("b", 2500), model("c", 500)];
  const residents = [resident("pinned", 1), resident("c", 1)];
  const works = [work("r", "c", { state: "running" }), work("w", "b")];
  assert.deepEqual(decided({ models, residents, works }), ["wait w"]);
  assert.deepEqual(decided({ models, residents, works }, { ...FIRST_PLAN, keepPinned: false }), [
    "load b@0 x1 for pinned",
    "wait w",
  ]);
  assert.deepEqual(decided({ models, residents, works: [work("w", "b")] }), ["load b@0 x1 for pinned", "wait w"]);
});

test("closes idle models, the cheapest to load first, when the budget shrinks, and starts nothing on what must follow", () => {
  const models = [model("slow", 1500, { loadMs: 9000 }), model("quick", 1500, { loadMs: 100 }), model("busy", 500)];
  const residents = [resident("slow", 1), resident("quick", 1), resident("busy", 2)];
  const works = [work("r", "busy", { state: "running" }), work("w", "slow")];
  const devices = [{ id: "gpu0", budgetBytes: 2500 * MB }];
  assert.deepEqual(decided({ devices, models, residents, works }), ["evict quick", "start w"]);
  const less = [{ id: "gpu0", budgetBytes: 600 * MB }];
  assert.deepEqual(
    decided({
      devices: less,
      models,
      residents: [resident("busy", 2)],
      works: [work("r", "busy", { state: "running" }), work("v", "busy")],
    }),
    ["wait v"],
  );
});

const processor = [{ id: "system", budgetBytes: 4000 * MB, oneModelAtATime: true as const }];

test("a device for one model at a time lets the turns of one end before another's begin, and says so", () => {
  const models = [model("a", 1000), model("b", 1000)];
  const residents = [resident("a", 2), resident("b", 2)];
  const works = [work("r", "a", { state: "running" }), work("join", "a"), work("w", "b", { steps: 900 })];
  assert.deepEqual(decide(state({ devices: processor, models, residents, works }), FIRST_PLAN), [
    { kind: "start", work: "join", why: "2 of 2 slots of a are then in use" },
    { kind: "wait", work: "w", why: "system computes for one model at a time, and a has its turn" },
  ]);
  const held = { ...FIRST_PLAN, works: new Map([["join", { weight: 1, hold: true }]]) };
  assert.deepEqual(decided({ devices: processor, models, residents, works }, held), ["wait join", "wait w"]);
  const idle = works.slice(1);
  assert.deepEqual(decided({ devices: processor, models, residents, works: idle }), ["start w", "wait join"]);
});

test("an overdue work freezes the models whose slots are never all idle", () => {
  const models = [model("a", 1000), model("b", 1000)];
  const residents = [resident("a", 2), resident("b", 2)];
  const works = [work("r", "a", { state: "running" }), work("join", "a"), work("old", "b", { sinceMs: -900_000 })];
  assert.deepEqual(decided({ devices: processor, models, residents, works }), ["wait join", "wait old"]);
  assert.deepEqual(decided({ devices: processor, models, residents, works: works.slice(1) }), [
    "start old",
    "wait join",
  ]);
});

test("an overdue work goes first: what it needs starts nothing more, and is closed once idle", () => {
  const models = [model("a", 3000), model("b", 3000)];
  const old = work("old", "b", { sinceMs: -900_000 });
  const works = [work("r", "a", { state: "running" }), work("next", "a"), old];
  assert.deepEqual(decided({ models, residents: [resident("a", 4)], works }), ["wait next", "wait old"]);
  assert.deepEqual(decided({ models, residents: [resident("a", 4)], works: [work("next", "a"), old] }), [
    "load b@0 x1 for a",
    "wait next",
    "wait old",
  ]);
});

test("a work that fits nowhere blocks nobody and is told the numbers", () => {
  const models = [model("huge", 9000), model("a", 1000)];
  const works = [work("w", "huge", { sinceMs: -1e9 }), work("v", "a"), work("u", "gone")];
  const actions = decide(state({ models, residents: [resident("a", 1)], works }), FIRST_PLAN);
  assert.deepEqual(actions, [
    { kind: "start", work: "v", why: "1 of 1 slots of a are then in use" },
    {
      kind: "wait",
      work: "w",
      why: "huge fits on no device even when it is empty: it needs 9100 MB with one slot, and gpu0 has 4000 MB",
    },
    { kind: "wait", work: "u", why: "no model is called gone" },
  ]);
});

test("states that make no sense are survived", () => {
  const models = [model("a", 1000), model("a", 9000), model("b", Number.NaN, { loadMs: Number.NaN, maxSlots: 0 })];
  const works = [
    work("x", "a", { state: "later", after: ["y"] }),
    work("y", "a", { state: "later", after: ["x", "y"] }),
    work("z", "a", { steps: Number.NaN, after: ["nobody"] }),
    work("z", "b", { steps: 0 }),
    work("gone", "b", { state: "running" }),
  ];
  const residents = [resident("nobody", 3), resident("a", 1), resident("a", 2), resident("b", 1, { placement: 7 })];
  const odd = state({ models, residents, works, nowMs: 5 });
  assert.deepEqual(brief(decide(odd, FIRST_PLAN)).slice(0, 1), ["start z"]);
  improvePlan(odd, FIRST_PLAN, { iterations: 50 });
  assert.deepEqual(decide(state({ devices: [] }), FIRST_PLAN), []);
});

test("a search is never worse than the plan it began with, and ends when it is told to", () => {
  const models = [model("a", 3000), model("b", 3000)];
  const works = Array.from({ length: 20 }, (_, index) =>
    work(`w${index}`, index % 2 === 0 ? "a" : "b", {
      state: index < 8 ? "ready" : "later",
      after: index < 8 ? [] : [`w${index - 7}`],
    }),
  );
  const given = state({ models, works });
  const none = improvePlan(given, FIRST_PLAN, { iterations: 0 });
  const some = improvePlan(given, FIRST_PLAN, { iterations: 300 });
  assert.ok(some.makespanMs <= none.makespanMs);
  let asked = 0;
  assert.equal(improvePlan(given, FIRST_PLAN, { iterations: 300, stop: () => asked++ >= 5 }).iterations, 5);
});

test("a policy says that its decisions may have changed only where its plan has", () => {
  const policy = planPolicy();
  const models = [model("a", 1000), model("b", 1000)];
  assert.equal(policy.improve?.(state({ models, works: [work("w", "a")] }), { iterations: 0 }), false);
  const plan = { ...FIRST_PLAN };
  assert.equal(improvePlan(state({ models, works: [] }), plan, { iterations: 20 }).plan, plan);
});

test("a policy goes on with the next load of its plan when one has begun", () => {
  const loads = ["b", "a"].map((id) => ({ model: id, patience: 1, slots: 1, placement: -1 }));
  const plan = { ...FIRST_PLAN, loads };
  assert.deepEqual(afterLoad(plan).loads, loads.slice(1));
  const policy = planPolicy({ plan });
  const models = [model("a", 1000), model("b", 1000)];
  const works = [work("w", "a"), work("v", "a"), work("u", "b")];
  assert.deepEqual(brief(policy.decide(state({ models, works })))[0], "load b@0 x1 for nothing");
  assert.deepEqual(brief(policy.decide(state({ models, works })))[0], "load a@0 x1 for nothing");
});
