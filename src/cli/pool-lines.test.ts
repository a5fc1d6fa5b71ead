import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolStatus } from "../pool/pool-status.ts";
import { poolLines } from "./pool-lines.ts";

const GIB = 2 ** 30;
const NOW = 1_800_000_000_000;
const gpu = {
  id: "gpu0",
  name: "NVIDIA GeForce RTX 3070",
  totalBytes: 8 * GIB,
  budgetBytes: 7 * GIB,
  reserveBytes: GIB / 2,
  othersBytes: GIB / 2,
  bookedBytes: 5.25 * GIB,
};
const system = {
  id: "system",
  name: "system memory",
  totalBytes: 32 * GIB,
  budgetBytes: 20.25 * GIB,
  reserveBytes: 4 * GIB,
  othersBytes: 7.75 * GIB,
  bookedBytes: 0,
};
const turn = { build: "261121-0badcafe", task: "parser", role: "developer" };
const coder: PoolStatus["residents"][number] = {
  model: "coder",
  state: "ready",
  devices: ["gpu0"],
  slots: 2,
  contextTokens: 16_384,
  memory: { weights: 4.5 * GIB, caches: GIB / 2, adapters: 0, compute: GIB / 4 },
  measuredBytes: 5.125 * GIB,
  why: "3 works wait for it",
  loadedAtMs: NOW - 90_000,
  turns: [turn],
};
const empty: PoolStatus = {
  atMs: NOW,
  policy: "plan",
  devices: [gpu, system],
  residents: [],
  queue: [],
  servers: [],
  quarantined: [],
  notes: [],
};
const full: PoolStatus = {
  ...empty,
  residents: [
    coder,
    {
      ...coder,
      model: "small",
      state: "opening",
      slots: 1,
      devices: ["gpu0", "system"],
      memory: { weights: GIB, caches: 0, adapters: GIB / 8, compute: 0 },
      measuredBytes: undefined,
      turns: [],
    },
  ],
  queue: [{ ...turn, task: "docs", model: "small", sinceMs: NOW - 12_000, why: "it is being loaded" }],
  next: { model: "planner", evict: ["coder", "small"], why: "2 works come that need it" },
  servers: [{ model: "large", address: "http://127.0.0.1:8000/v1", busy: 2, limit: 2, waiting: 1 }],
  quarantined: [{ model: "broken", untilMs: NOW + 240_000, why: "its process died 3 times in 10 min" }],
  notes: ["the memory of gpu1 could not be read"],
};
const view = (...statuses: PoolStatus[]) => ({
  workers: statuses.map((status, index) => ({ worker: `w${index}`, status })),
  devices: [],
  notes: [],
});

test("everything the pool knows stands in lines of 80 columns", () => {
  assert.deepEqual(poolLines(view(full), { width: 80, nowMs: NOW }), [
    "coder: 1 of 2 slots at work, 16384 tokens each, on gpu0",
    "  5.3 GiB: weights 4.5 GiB, caches 512 MiB, compute 256 MiB; measured 5.1 GiB",
    "  works for 261121-0badcafe parser (developer)",
    "  loaded 1 min 30 s ago: 3 works wait for it",
    "small: being loaded, 16384 tokens each, on gpu0 + system",
    "  1.1 GiB: weights 1.0 GiB, caches 0 B, adapters 128 MiB, compute 0 B",
    "  since 1 min 30 s ago: 3 works wait for it",
    "Waiting:",
    "  261121-0badcafe docs (developer) for small, since 12.0 s: it is being loaded",
    "Next: planner, in place of coder, small: 2 works come that need it",
    "On servers:",
    "  large at http://127.0.0.1:8000/v1: 2 of 2 turns at once, 1 waiting",
    "Not loaded for a while:",
    "  broken, for 4 min 0 s more: its process died 3 times in 10 min",
    "",
    "memory, in GiB             total reserve  others  budget  booked",
    "gpu0 NVIDIA GeForce RTX…     8.0     0.5     0.5     7.0    5.25  ███████████░░░",
    "system memory               32.0     4.0    7.75   20.25     0.0  ░░░░░░░░░░░░░░",
    "note: the memory of gpu1 could not be read",
  ]);
});

test("where nothing is loaded it says so, with what could be", () => {
  assert.deepEqual(poolLines(view(empty), { width: 80, nowMs: NOW })[0], "Nothing is loaded.");
  const lines = poolLines({ workers: [], devices: [system], notes: [] }, { width: 80, nowMs: NOW });
  assert.deepEqual(lines, [
    "Nothing is loaded. atos build loads what it needs.",
    "",
    "memory, in GiB   total reserve  others  budget  booked",
    "system memory     32.0     4.0    7.75   20.25     0.0  ░░░░░░░░░░░░░░░░░░░░░░░░",
  ]);
  assert.match(
    poolLines({ workers: [], devices: [], notes: [] }, { width: 80, nowMs: NOW }).join(),
    /could not be read/,
  );
});

test("workers that share a database are told apart", () => {
  const lines = poolLines(view(empty, empty), { width: 80, nowMs: NOW });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("Worker")),
    ["Worker w0", "Worker w1"],
  );
});

test("no line is wider than the terminal, however long what it tells; below 60 columns nothing gets narrower", () => {
  const why = `${"because ".repeat(40)}${"x".repeat(300)}`;
  const long = {
    ...full,
    residents: [{ ...coder, model: "m".repeat(100), why }],
    next: { model: "n", evict: [], why },
  };
  for (const [asked, width] of [
    [1, 60],
    [60, 60],
    [97, 97],
    [500, 120],
  ] as const) {
    const lines = poolLines(view({ ...long, residents: [...long.residents, coder] }), { width: asked, nowMs: NOW });
    const most = Math.max(...lines.map(({ length }) => length));
    assert.equal(most, width);
  }
});

test("more booked than the budget, no budget and a clock that is behind are drawn too", () => {
  const odd = [
    { ...gpu, budgetBytes: GIB },
    { ...gpu, id: "gpu1", budgetBytes: 0, bookedBytes: 0 },
  ];
  const lines = poolLines(view({ ...empty, devices: odd, residents: [coder] }), { width: 80, nowMs: NOW - 1e6 });
  assert.match(lines.join("\n"), /loaded 0\.0 s ago/);
  assert.deepEqual(
    lines.slice(-2).map((line) => line.slice(-14)),
    ["█".repeat(14), "░".repeat(14)],
  );
});
