// A state of the pool with what the simple policies ask of it.

/** @param {import("../../src/pool/plan/pool-state.ts").PoolState} state */
export function lookAt(state) {
  const models = new Map(state.models.map((model) => [model.id, model]));
  const residents = new Map(state.residents.map((resident) => [resident.model, resident]));
  const counts = new Map();
  for (const { model, state: phase } of state.works) {
    if (phase === "running") counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  const model = (id) => models.get(id);
  const running = (id) => counts.get(id) ?? 0;
  const stepMs = (id) => model(id).placements[0].stepMs;
  const deviceOf = (resident) => model(resident.model).placements[resident.placement].device;
  /** Its device computes for another model, and for one at a time. */
  const isBlocked = (resident) => {
    const device = deviceOf(resident);
    if (!state.devices[device].oneModelAtATime) return false;
    const others = state.residents.filter((other) => other.model !== resident.model && deviceOf(other) === device);
    return others.some((other) => running(other.model) > 0);
  };
  return {
    state,
    model,
    residents,
    running,
    opening: state.residents.find((resident) => resident.state === "opening"),
    /** Those that came first, first. */
    ready: state.works.filter((work) => work.state === "ready").toSorted((a, b) => a.sinceMs - b.sinceMs),
    freeSlots(id) {
      const resident = residents.get(id);
      if (resident?.state !== "ready" || isBlocked(resident)) return 0;
      return resident.slots - running(id);
    },
    sharesDevice(resident, id, placement) {
      const needs = model(id).placements[placement].loadedBytes;
      const takes = model(resident.model).placements[resident.placement].loadedBytes;
      return takes.some((bytes, device) => bytes > 0 && needs[device] > 0);
    },
    workLeftMs(id) {
      return state.works.reduce((sum, work) => (work.model === id ? sum + work.steps * stepMs(id) : sum), 0);
    },
    pathsMs: () => pathsMs(state, stepMs),
  };
}

/** How many slots of `model` fit when those of `evict` are closed; 0 when none does. */
export function fitSlots(view, { model, placement, evict }) {
  const { loadedBytes, slotBytes } = view.model(model).placements[placement];
  let slots = view.model(model).maxSlots;
  for (const [device, { budgetBytes }] of view.state.devices.entries()) {
    let free = budgetBytes - loadedBytes[device];
    for (const resident of view.residents.values()) {
      if (evict.includes(resident.model)) continue;
      const taken = view.model(resident.model).placements[resident.placement];
      free -= taken.loadedBytes[device] + resident.slots * taken.slotBytes[device];
    }
    if (free < 0) return 0;
    if (slotBytes[device] > 0) slots = Math.min(slots, Math.floor(free / slotBytes[device]));
  }
  return slots;
}

/** From the start of each work to the end of all that waits for it, were there no models to load. */
function pathsMs(state, stepMs) {
  const paths = new Map();
  const longest = new Map();
  for (const work of state.works.toReversed()) {
    const path = work.steps * stepMs(work.model) + (longest.get(work.id) ?? 0);
    paths.set(work.id, path);
    for (const before of work.after) longest.set(before, Math.max(longest.get(before) ?? 0, path));
  }
  return paths;
}
