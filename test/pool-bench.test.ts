// The benchmark of the pool's planning: what it measures with must itself be right.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { planPolicy } from "../src/pool/plan/plan-policy.ts";
import type { PoolAction, PoolDevice, PoolModel, PoolPolicy } from "../src/pool/plan/pool-state.ts";

type Graph = {
  readonly name: string;
  readonly seed: number;
  readonly devices: readonly PoolDevice[];
  readonly models: readonly PoolModel[];
  readonly works: readonly {
    readonly id: string;
    readonly model: string;
    readonly steps: number;
    readonly after: readonly string[];
  }[];
  readonly maxWaitMs: number;
};
type Bench = {
  readonly makeGraph: (variant: string, seed: number, options?: { works?: number }) => Graph;
  readonly randomNumbers: (seed: number) => () => number;
  readonly simulate: (
    graph: Graph,
    policy: PoolPolicy,
    options?: { known?: boolean; iterations?: number },
  ) => { readonly makespanMs: number };
  readonly POLICIES: Record<string, () => PoolPolicy>;
  readonly boundOf: (graph: Graph) => { readonly ms: number };
  readonly firstBoundMs: (graph: Graph) => number;
  readonly exactOf: (graph: Graph, options?: { upperMs?: number }) => { readonly ms: number; readonly proven: boolean };
};

// Plain JavaScript, whose types are those above.
const files = ["graphs", "simulate", "policies", "bound", "first-bound", "exact"];
const urls = files.map((file) => new URL(`../bench/pool/${file}.js`, import.meta.url).href);
const bench: Bench = Object.assign({}, ...(await Promise.all(urls.map((url) => import(url)))));
const { makeGraph, simulate, POLICIES, boundOf, exactOf } = bench;

const GB = 1e9;

/** A graph of 6 to 11 works for 1 to 4 models on a machine where each of them fits somewhere. */
function smallGraph(seed: number, { slots, devices: count }: { slots: number; devices: number }): Graph {
  const random = bench.randomNumbers(seed);
  const between = (least: number, most: number) => least + random() * (most - least);
  const devices = Array.from({ length: count }, (_, index) => ({ id: `gpu${index}`, budgetBytes: 4 * GB }));
  const models = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => {
    const bytes = Math.round(between(0.5, 3.8) * GB);
    const on = (device: number, value: number) => devices.map((__, other) => (other === device ? value : 0));
    const slotBytes = Math.round(between(0.05, 0.2) * GB);
    return {
      id: `m${index}`,
      placements: devices.map((_device, device) => ({
        device,
        loadedBytes: on(device, bytes),
        slotBytes: on(device, slotBytes),
        stepMs: between(5, 40),
      })),
      maxSlots: slots,
      loadMs: between(500, 8000),
      resizeMs: 250,
      pinned: false,
    };
  });
  const works = Array.from({ length: 6 + Math.floor(random() * 6) }, (_, index) => ({
    id: `w${index}`,
    model: `m${Math.floor(random() * models.length)}`,
    steps: Math.round(between(20, 600)),
    after: Array.from({ length: index }, (__, before) => `w${before}`).filter(() => random() < 0.25),
  }));
  return { name: `small-${slots}-${count}`, seed, devices, models, works, maxWaitMs: 600_000 };
}

function makespans(graph: Graph): number[] {
  const others = Object.values(POLICIES).map((policy) => simulate(graph, policy()).makespanMs);
  return [...others, simulate(graph, planPolicy(), { iterations: 3 }).makespanMs];
}

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

test("the bound is never above the shortest schedule nor below the first bound, nor the shortest above a policy's", () => {
  for (const seed of seeds(150)) {
    const graph = smallGraph(seed, { slots: 1, devices: 1 });
    const shortest = Math.min(...makespans(graph));
    const { ms, proven } = exactOf(graph, { upperMs: shortest });
    assert.ok(proven, `seed ${seed} was not solved`);
    const bound = boundOf(graph).ms;
    assert.ok(bound <= ms + 1e-3, `seed ${seed}: bound ${bound}, optimum ${ms}`);
    assert.ok(bound >= bench.firstBoundMs(graph) - 1e-3, `seed ${seed}: bound ${bound} is below the first one`);
    assert.ok(ms <= shortest + 1e-3, `seed ${seed}: optimum ${ms}, a policy ${shortest}`);
  }
});

test("the bound holds for every policy with several slots and devices", () => {
  for (const [slots, devices] of [
    [4, 1],
    [2, 2],
    [3, 3],
  ] as const) {
    for (const seed of seeds(60)) {
      const graph = smallGraph(seed, { slots, devices });
      const [bound, shortest] = [boundOf(graph).ms, Math.min(...makespans(graph))];
      assert.ok(bound <= shortest + 1e-3, `${graph.name} ${seed}: bound ${bound}, a policy ${shortest}`);
    }
  }
});

test("the bound is at least the first one, and holds on the graphs that the goals are set on", () => {
  for (const seed of seeds(8)) {
    const graph = makeGraph("base", seed);
    const { ms } = boundOf(graph);
    assert.ok(ms >= bench.firstBoundMs(graph));
    assert.ok(ms <= Math.min(...makespans(graph)));
  }
});

test("one work takes its model's load and its own steps", () => {
  const graph = makeGraph("batch-1", 1, { works: 1 });
  const [work] = graph.works;
  const model = graph.models.find(({ id }) => id === work?.model);
  const expected = (model?.loadMs ?? 0) + (work?.steps ?? 0) * (model?.placements[0]?.stepMs ?? 0);
  assert.equal(exactOf(graph).ms, expected);
  assert.equal(boundOf(graph).ms, expected);
  assert.ok(Math.abs((makespans(graph)[0] ?? 0) - expected) < 1e-6);
});

test("the same graph, policy and iterations give the same schedule", () => {
  const graph = makeGraph("base", 3);
  for (const known of [true, false]) {
    const options = { known, iterations: 4 };
    assert.deepEqual(simulate(graph, planPolicy(), options), simulate(graph, planPolicy(), options));
  }
});

test("the simulator refuses what the pool could not do, and names it", () => {
  const model = (id: string, maxSlots: number): PoolModel => ({
    id,
    placements: [{ device: 0, loadedBytes: [2 * GB], slotBytes: [0.5 * GB], stepMs: 10 }],
    maxSlots,
    loadMs: 1000,
    resizeMs: 100,
    pinned: false,
  });
  const graph: Graph = {
    name: "three",
    seed: 0,
    devices: [{ id: "gpu0", budgetBytes: 4 * GB }],
    models: [model("a", 8), model("b", 8)],
    works: [
      { id: "w0", model: "a", steps: 100, after: [] },
      { id: "w1", model: "a", steps: 100, after: ["w0"] },
      { id: "w2", model: "a", steps: 100, after: [] },
    ],
    maxWaitMs: 1000,
  };
  const why = "the test says so";
  const load = (id: string, slots: number, evict: readonly string[] = []): PoolAction => ({
    kind: "load",
    model: id,
    placement: 0,
    slots,
    evict,
    why,
  });
  const start = (work: string): PoolAction => ({ kind: "start", work, why });
  const nothing: readonly PoolAction[] = [];
  const refused = (answers: readonly (readonly PoolAction[])[], message: RegExp) => {
    const left = [...answers];
    assert.throws(() => simulate(graph, { name: "script", decide: () => left.shift() ?? nothing }), message);
  };
  refused([[load("a", 5)]], /4000000000 bytes, and 4500000000 would be taken/);
  refused([[load("a", 9)]], /1 to 8 slots, not 9/);
  refused([[load("a", 1), load("b", 1)]], /a is still opening/);
  refused([[load("a", 1), load("a", 1)]], /loaded or loading already/);
  refused([[load("a", 1), { kind: "evict", model: "a", why }]], /a is still opening and can't be evicted/);
  refused([[start("w0")]], /a is not loaded/);
  refused([[load("a", 1), start("w0")]], /a is still opening/);
  refused([[load("a", 1)], nothing, [start("w1")]], /the work is later, not ready/);
  refused([[load("a", 1)], nothing, [start("w0"), start("w2")]], /the 1 slots of a are taken/);
  refused([[load("a", 1)], nothing, [start("w0"), load("b", 1, ["a"])]], /a has a running turn and can't be evicted/);
  refused(
    [[load("a", 1)], nothing, [start("w0"), { kind: "resize", model: "a", slots: 2, why }]],
    /a has a running turn/,
  );
  refused([[load("a", 1)], nothing, [load("b", 1)]], /4000000000 bytes, and 5000000000 would be taken/);
  const [device] = graph.devices;
  const processor = { id: "system", budgetBytes: 2 * (device?.budgetBytes ?? 0), oneModelAtATime: true as const };
  const both: Graph = {
    ...graph,
    devices: [processor],
    works: [...graph.works, { id: "w3", model: "b", steps: 100, after: [] }],
  };
  const answers = [[load("a", 1)], nothing, [load("b", 1)], nothing, [start("w0"), start("w3")]];
  assert.throws(
    () => simulate(both, { name: "script", decide: () => answers.shift() ?? nothing }),
    /system computes for a, and for one model at a time/,
  );
  refused([nothing], /nothing runs or opens, and works are left/);
});

test("every policy obeys a processor that computes for one model at a time, with lengths known or not", () => {
  for (const seed of seeds(6)) {
    const graph = makeGraph("8gb", seed);
    const devices = graph.devices.map((device) => ({ ...device, oneModelAtATime: true as const }));
    const bound = boundOf(graph).ms;
    for (const makespan of makespans({ ...graph, devices })) assert.ok(makespan >= bound);
    assert.ok(simulate({ ...graph, devices }, planPolicy(), { known: false, iterations: 3 }).makespanMs > 0);
  }
});

test("prints one JSON document: means under the policies' names, and the figures of each graph", async () => {
  const run = fileURLToPath(new URL("../bench/pool/run.js", import.meta.url));
  const options = ["--json", "--variant", "base", "--seeds", "2", "--iterations", "5"];
  const { stdout } = await promisify(execFile)(process.execPath, [run, ...options]);
  const report = JSON.parse(stdout);
  assert.deepEqual(Object.keys(report), ["base"]);
  assert.deepEqual(Object.keys(report.base.plan), ["known", "unknown"]);
  for (const name of Object.keys(POLICIES)) assert.ok(report.base[name] >= 1, `${name}: ${report.base[name]}`);
  assert.ok(report.base.plan.known >= 1 && report.base.plan.unknown >= 1);
  assert.deepEqual(
    report.base.graphs.map(({ seed, works }: { seed: number; works: number }) => [seed, works]),
    [
      [1, 22],
      [2, 25],
    ],
  );
  await assert.rejects(promisify(execFile)(process.execPath, [run, "--variant", "none"]), /--variant is one of base/);
});
