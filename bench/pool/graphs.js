// Seeded graphs of works for the pool's benchmark, and the machines they run on.
//
// A graph of one seed is the same in every variant; only the machine differs. Models are 4-bit files of
// five sizes; a step reads a model's weights once, at 80 % of the memory's bandwidth, and takes 2 ms more.

const GB = 1e9;
const SIZES_GB = {
  "qwen2.5-7b": 3.7,
  "qwen2.5-coder-3b": 1.9,
  "qwen2.5-1.5b": 1,
  "phi3.5-3.8b": 2.2,
  "gemma2-2b": 1.6,
};
const SLOT_GB = 0.1;
const MEMORY_GB_PER_S = 128;
const RESIZE_MS = 250;
const MAX_WAIT_MS = 600_000;

const base = { devicesGb: [4], slots: 4, diskGbPerS: 1.5, seeds: 20 };

/** What the machine of each variant is like, and how many graphs it gets. */
export const VARIANTS = {
  base,
  "batch-1": { ...base, slots: 1 },
  "slow-disk": { ...base, diskGbPerS: 0.3 },
  "8gb": { ...base, devicesGb: [8] },
  "two-gpus": { ...base, devicesGb: [4, 4] },
  "200-seeds": { ...base, seeds: 200 },
};

/**
 * @typedef {object} Graph
 * @property {string} name
 * @property {number} seed
 * @property {readonly import("../../src/pool/plan/pool-state.ts").PoolDevice[]} devices
 * @property {readonly import("../../src/pool/plan/pool-state.ts").PoolModel[]} models
 * @property {readonly {id: string, model: string, steps: number, after: readonly string[]}[]} works
 *   every work stands after those it waits for; `steps` is what it really takes
 * @property {number} maxWaitMs
 */

/** The graph of a seed on the machine of a variant. `works` keeps only so many of its first works. @returns {Graph} */
export function makeGraph(variant, seed, { works: limit = Infinity } = {}) {
  const machine = VARIANTS[variant];
  if (machine === undefined) throw new Error(`no variant ${variant}: there are ${Object.keys(VARIANTS).join(", ")}`);
  const works = makeWorks(seed).slice(0, limit);
  return {
    name: variant,
    seed,
    devices: machine.devicesGb.map((gb, index) => ({ id: `gpu${index}`, budgetBytes: gb * GB })),
    models: makeModels(machine),
    works,
    maxWaitMs: MAX_WAIT_MS,
  };
}

function makeModels({ devicesGb, slots, diskGbPerS }) {
  return Object.entries(SIZES_GB).map(([id, gb]) => ({
    id,
    placements: devicesGb.map((_, device) => ({
      device,
      loadedBytes: devicesGb.map((__, other) => (other === device ? Math.round(gb * GB) : 0)),
      slotBytes: devicesGb.map((__, other) => (other === device ? Math.round(SLOT_GB * GB) : 0)),
      stepMs: (gb / MEMORY_GB_PER_S / 0.8) * 1000 + 2,
    })),
    maxSlots: slots,
    loadMs: (1 + gb / diskGbPerS) * 1000,
    resizeMs: RESIZE_MS,
    pinned: false,
  }));
}

// 20 to 60 works: 45 % of them for the two small models, 30 % for the middle ones, 25 % for the big one; each
// after none (30 %), one (40 %) or two of those before it, mostly of the last twelve.
function makeWorks(seed) {
  const random = randomNumbers(seed * 7919 + 17);
  const count = 20 + Math.floor(random() * 41);
  const works = [];
  for (let index = 0; index < count; index++) {
    const model = pickModel(random);
    const steps = Math.round(80 + random() * random() * 900);
    const wanted = index === 0 ? 0 : Math.min(index, pickCount(random));
    works.push({ id: workId(index), model, steps, after: pickBefore(random, index, wanted).map(workId) });
  }
  return works;
}

function pickModel(random) {
  const tier = random();
  if (tier < 0.45) return random() < 0.5 ? "gemma2-2b" : "qwen2.5-1.5b";
  if (tier < 0.75) return random() < 0.6 ? "qwen2.5-coder-3b" : "phi3.5-3.8b";
  return "qwen2.5-7b";
}

function pickCount(random) {
  if (random() < 0.3) return 0;
  return random() < 0.7 ? 1 : 2;
}

function pickBefore(random, index, wanted) {
  const before = [];
  while (before.length < wanted) {
    const near = Math.max(0, index - 1 - Math.floor(random() * 12));
    if (!before.includes(near)) {
      before.push(near);
      continue;
    }
    const any = Math.floor(random() * index);
    if (!before.includes(any)) before.push(any);
  }
  return before;
}

function workId(index) {
  return `w${String(index).padStart(2, "0")}`;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
