import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import { improvePlan } from "./improve-plan.ts";
import { nextLoad } from "./next-load.ts";
import type { Plan } from "./plan.ts";
import { planPolicy } from "./plan-policy.ts";
import type { PoolAction, PoolModel, PoolPolicy, PoolState, PoolWork, Resident } from "./pool-state.ts";
import { seededRandom } from "./seeded-random.ts";

type Random = () => number;

function whole(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One to three devices, two to six models in one to three placements, some over two devices, and a graph. */
function randomState(seed: number, maxWaitMs: number): PoolState {
  const random = seededRandom(seed);
  const devices = Array.from({ length: whole(random, 1, 3) }, (_, index) => ({
    id: `gpu${index}`,
    budgetBytes: whole(random, 30, 60),
    ...(random() < 0.4 ? { oneModelAtATime: true as const } : {}),
  }));
  const models = Array.from({ length: whole(random, 2, 6) }, (_, index) => randomModel(random, index, devices.length));
  const works = Array.from({ length: whole(random, 5, 30) }, (_, index): PoolWork => {
    const after = Array.from({ length: Math.min(index, whole(random, 0, 2)) }, () => `w${whole(random, 0, index - 1)}`);
    const model = models[whole(random, 0, models.length - 1)]?.id ?? "";
    const state = after.length === 0 ? "ready" : "later";
    const spread = random() < 0.5 ? random() : undefined;
    return { id: `w${index}`, model, steps: whole(random, 1, 400), spread, state, after, sinceMs: 0 };
  });
  return { nowMs: 0, devices, models, residents: [], works, maxWaitMs };
}

function randomModel(random: Random, index: number, devices: number): PoolModel {
  const bytes = whole(random, 5, 34);
  const placements = Array.from({ length: whole(random, 1, 3) }, () => {
    const device = whole(random, 0, devices - 1);
    const spill = random() < 0.2 ? whole(random, 0, devices - 1) : device;
    const on = (amount: number): number[] =>
      Array.from({ length: devices }, (_, at) => (at === device ? amount : at === spill ? Math.ceil(amount / 2) : 0));
    return { device, loadedBytes: on(bytes), slotBytes: on(1), stepMs: whole(random, 1, 40) };
  });
  return {
    id: `m${index}`,
    placements,
    maxSlots: whole(random, 1, 4),
    loadMs: whole(random, 100, 5000),
    resizeMs: whole(random, 50, 500),
    pinned: random() < 0.2,
  };
}

type Live = { -readonly [key in keyof Resident]: Resident[key] };
type LiveWork = { -readonly [key in keyof PoolWork]: PoolWork[key] };

/** Does what a policy says and refuses what the pool couldn't do. Budgets may change under way. */
class StrictPool {
  now = 0;
  budgets: number[];
  readonly residents = new Map<string, Live>();
  readonly works: Map<string, LiveWork>;
  readonly log: string[] = [];
  readonly turns: { readonly id: string; readonly readyMs: number; readonly startMs: number; endMs: number }[] = [];
  readonly state: PoolState;

  constructor(state: PoolState) {
    this.state = state;
    this.budgets = state.devices.map((device) => device.budgetBytes);
    this.works = new Map(state.works.map((work) => [work.id, { ...work }]));
  }

  show(): PoolState {
    return structuredClone({
      ...this.state,
      nowMs: this.now,
      devices: this.state.devices.map((device, index) => ({ ...device, budgetBytes: this.budgets[index] ?? 0 })),
      residents: [...this.residents.values()],
      works: [...this.works.values()],
    });
  }

  model(id: string): PoolModel {
    const model = this.state.models.find((each) => each.id === id);
    assert.ok(model, `there is a model ${id}`);
    return model;
  }

  running(id: string): LiveWork[] {
    return [...this.works.values()].filter((work) => work.model === id && work.state === "running");
  }

  taken(device: number): number {
    let bytes = 0;
    for (const { model, placement, slots } of this.residents.values()) {
      const place = this.model(model).placements[placement];
      bytes += (place?.loadedBytes[device] ?? 0) + slots * (place?.slotBytes[device] ?? 0);
    }
    return bytes;
  }

  perform(action: PoolAction): void {
    this.log.push(`${Math.round(this.now)} ${JSON.stringify(action)}`);
    assert.ok(action.why.length > 5, "there is a reason");
    if (action.kind === "wait") return;
    if (action.kind === "start") return this.start(action.work);
    if (action.kind === "evict") return this.evict(action.model);
    assert.ok(![...this.residents.values()].some(({ state }) => state === "opening"), "one opening at a time");
    const { maxSlots, loadMs, resizeMs, placements } = this.model(action.model);
    assert.ok(action.slots >= 1 && action.slots <= maxSlots && Number.isInteger(action.slots));
    const before = this.budgets.map((_, device) => this.taken(device));
    const opening = { model: action.model, slots: action.slots, state: "opening" as const, usedAtMs: this.now };
    const resident = this.residents.get(action.model);
    if (action.kind === "load") {
      assert.equal(resident, undefined);
      for (const other of action.evict) this.evict(other);
      assert.ok(placements[action.placement]);
      this.residents.set(action.model, { ...opening, placement: action.placement, readyAtMs: this.now + loadMs });
    } else {
      assert.ok(resident !== undefined && this.running(action.model).length === 0, "only an idle model is resized");
      this.residents.set(action.model, { ...resident, ...opening, readyAtMs: this.now + resizeMs });
    }
    for (const [device, budget] of this.budgets.entries()) {
      const taken = this.taken(device);
      assert.ok(
        taken <= budget || taken <= (before[device] ?? 0),
        `${taken} of ${budget} bytes are taken on ${device}`,
      );
    }
  }

  start(id: string): void {
    const work = this.works.get(id);
    assert.ok(work?.state === "ready", "only a ready work starts");
    const resident = this.residents.get(work.model);
    assert.ok(resident?.state === "ready" && this.running(work.model).length < resident.slots, "a slot is free");
    const { device } = this.placementOf(work.model);
    for (const other of this.residents.keys()) {
      if (other === work.model || this.placementOf(other).device !== device || this.running(other).length === 0)
        continue;
      assert.ok(!this.state.devices[device]?.oneModelAtATime, `${device} computes for one model at a time`);
    }
    this.turns.push({ readyMs: work.sinceMs, startMs: this.now, endMs: Infinity, id });
    work.state = "running";
    work.sinceMs = this.now;
    resident.usedAtMs = this.now;
  }

  evict(id: string): void {
    assert.equal(this.residents.get(id)?.state, "ready", "only a loaded model is closed");
    assert.deepEqual(this.running(id), [], "only an idle model is closed");
    this.residents.delete(id);
  }

  /** To the next event; false when there is none. */
  advance(): boolean {
    const live = [...this.works.values()].filter((work) => work.state === "running");
    const places = new Map(live.map(({ model }) => [model, this.placementOf(model)]));
    const stepMs = (model: string): number => {
      const device = places.get(model)?.device;
      return [...places.values()].reduce((sum, place) => sum + (place.device === device ? place.stepMs : 0), 0);
    };
    const opening = [...this.residents.values()].find(({ state }) => state === "opening");
    const nextMs = Math.min(
      opening?.readyAtMs ?? Infinity,
      ...live.map((work) => this.now + work.steps * stepMs(work.model)),
    );
    if (nextMs === Infinity) return false;
    for (const work of live) work.steps -= (nextMs - this.now) / stepMs(work.model);
    this.now = nextMs;
    for (const work of live) if (work.steps < 1e-6) this.end(work);
    for (const work of this.works.values()) {
      if (work.state !== "later" || work.after.some((id) => this.works.has(id))) continue;
      work.state = "ready";
      work.sinceMs = this.now;
    }
    if (opening !== undefined && opening.readyAtMs <= this.now) opening.state = "ready";
    return true;
  }

  placementOf(id: string): PoolModel["placements"][number] {
    const placement = this.model(id).placements[this.residents.get(id)?.placement ?? -1];
    assert.ok(placement, `${id} is loaded`);
    return placement;
  }

  end(work: LiveWork): void {
    this.works.delete(work.id);
    const turn = this.turns.find(({ id }) => id === work.id);
    if (turn !== undefined) turn.endMs = this.now;
  }

  /** What no device can ever hold is failed by the pool, as the reason of its `wait` says. */
  fail(actions: readonly PoolAction[]): void {
    for (const action of actions) {
      if (action.kind === "wait" && action.why.includes("even when it is empty")) this.works.delete(action.work);
    }
  }
}

function runToEnd(state: PoolState, policy: PoolPolicy, between: (pool: StrictPool) => void = () => {}): StrictPool {
  const pool = new StrictPool(state);
  for (let event = 0; pool.works.size > 0; event++) {
    assert.ok(event < 3000, "it comes to an end");
    between(pool);
    let failed = false;
    for (let round = 0; ; round++) {
      assert.ok(round < 50, "decisions come to an end");
      const actions = policy.decide(pool.show());
      for (const action of actions) pool.perform(action);
      const before = pool.works.size;
      pool.fail(actions);
      failed ||= pool.works.size < before;
      if (actions.every(({ kind }) => kind === "wait")) break;
    }
    if (pool.advance() || failed) continue;
    // Nothing runs: what is left must wait for works that failed.
    for (const work of pool.works.values()) {
      if (work.state === "later" && work.after.every((id) => !pool.works.has(id)))
        Object.assign(work, { state: "ready", sinceMs: pool.now });
    }
    assert.ok(
      [...pool.works.values()].some(({ state: now }) => now === "ready"),
      "no deadlock",
    );
    assert.ok(event < 2000, "no deadlock");
  }
  return pool;
}

function randomPlan(seed: number, state: PoolState): Plan {
  const random = seededRandom(seed);
  const flip = (): boolean => random() < 0.5;
  return {
    rule: random() < 0.2 ? "arrival" : "urgency",
    patience: random() * 2,
    ahead: random(),
    prefetch: flip(),
    strict: flip(),
    slots: random() < 0.3 ? "ready" : flip() ? "soon" : "fill",
    room: whole(random, 1, 4),
    leaveRoom: flip(),
    keepPinned: flip(),
    firm: flip(),
    evict: flip() ? "reload" : flip() ? "work" : "use",
    place: flip() ? "first" : "quickest",
    works: new Map(state.works.map(({ id }) => [id, { weight: random() * 3, hold: random() < 0.3 }])),
    models: new Map(state.models.map(({ id }) => [id, random() * 2])),
    loads: Array.from({ length: whole(random, 0, 20) }, () => ({
      model: flip() ? "" : `m${whole(random, 0, 6)}`,
      patience: random() * 3,
      slots: whole(random, 0, 4),
      placement: whole(random, -1, 3),
    })),
  };
}

test("any plan keeps the budget, ends every work and asks for nothing impossible", () => {
  for (let seed = 1; seed <= 250; seed++) {
    const state = randomState(seed, 1e9);
    runToEnd(state, planPolicy({ plan: randomPlan(seed, state) }));
  }
});

test("budgets that shrink and grow under way are respected", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const state = randomState(seed, 20_000);
    const random = seededRandom(seed + 7);
    let changes = 0;
    runToEnd(state, planPolicy({ plan: randomPlan(seed, state) }), (pool) => {
      if (changes++ > 25) pool.budgets = state.devices.map(({ budgetBytes }) => budgetBytes);
      else if (random() < 0.4)
        pool.budgets = state.devices.map(({ budgetBytes }) => Math.ceil(budgetBytes * (0.5 + random() / 2)));
    });
  }
});

test("no work waits longer than the bound", () => {
  let overdue = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const maxWaitMs = [0, 3000, 20_000][seed % 3] ?? 0;
    const state = randomState(seed, maxWaitMs);
    const { turns } = runToEnd(state, planPolicy({ plan: randomPlan(seed, state) }));
    const longestTurnMs = Math.max(0, ...turns.map(({ startMs, endMs }) => endMs - startMs));
    const longestLoadMs = Math.max(...state.models.map(({ loadMs, resizeMs }) => Math.max(loadMs, resizeMs)));
    for (const turn of turns) {
      const overdueMs = turn.readyMs + maxWaitMs;
      if (turn.startMs <= overdueMs) continue;
      overdue++;
      const before = turns.filter(
        (other) => other !== turn && other.readyMs <= turn.readyMs && other.startMs > overdueMs,
      ).length;
      const turnsMs = longestTurnMs * (state.devices.some(({ oneModelAtATime }) => oneModelAtATime) ? 2 : 1);
      const boundMs = maxWaitMs + (before + 1) * (turnsMs + 2 * longestLoadMs);
      const waitedMs = turn.startMs - turn.readyMs;
      assert.ok(
        waitedMs <= boundMs + 1e-6,
        `seed ${seed}: ${turn.id} waited ${waitedMs} ms, the bound is ${boundMs} ms`,
      );
    }
  }
  assert.ok(overdue > 300, "many works were overdue");
});

test("the search ends every work, too, the same way each time", () => {
  for (let seed = 1; seed <= 25; seed++) {
    const state = randomState(seed, 60_000);
    const run = (): readonly string[] => {
      const policy = planPolicy();
      return runToEnd(state, policy, (pool) => {
        policy.improve?.(pool.show(), { iterations: 8 });
        const next = policy.next?.(pool.show());
        pool.log.push(JSON.stringify(next));
      }).log;
    };
    assert.deepEqual(run(), run());
  }
});

test("neither decisions nor searches change what they are given", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const state = randomState(seed, 5000);
    const plan = randomPlan(seed, state);
    const copies = structuredClone({ state, plan });
    assert.deepEqual(decide(state, plan), decide(state, plan));
    assert.deepEqual(nextLoad(state, plan), nextLoad(state, plan));
    assert.deepEqual(improvePlan(state, plan, { iterations: 10 }), improvePlan(state, plan, { iterations: 10 }));
    assert.deepEqual({ state, plan }, copies);
  }
});
