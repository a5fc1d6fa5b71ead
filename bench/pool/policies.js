// What the plan is compared with. Each policy sees the same state; none but `greedy` looks at how long works are
// or at what comes later. Each says one action at a time, and the simulator asks until it says none.
//
// All open as many slots as fit, up to `slots`, beside what stays, and make room for `room` of them where so
// many works are ready: the best of what was tried with each over the base graphs. With several devices a
// model goes where the least must make room.
import { fitSlots, lookAt } from "./pool-view.js";

/** A new policy of each kind: some of them remember what they handed out. */
export const POLICIES = {
  "fifo-lru": fifoLru,
  fifo,
  "one-model": oneModel,
  collation,
  greedy,
};

/**
 * Older Ollama (server/sched.go): one queue. Its head, when its model is not loaded, closes idle models,
 * least recently used first, until it fits; until then all behind it wait, whatever they need. A request whose
 * model is loaded or loading is handed over at once and keeps the model from being closed.
 */
function fifoLru({ slots = 3, room = 1 } = {}) {
  const handedOver = new Set();
  return policy("fifo-lru", (view) => {
    const handed = (work) => handedOver.has(work.id);
    let load;
    for (const head of view.ready) {
      if (handed(head)) continue;
      if (!view.residents.has(head.model)) {
        const keep = new Set(view.ready.filter(handed).map((work) => work.model));
        load = loadBeside(view, head.model, { slots, room, order: byUse, keep });
        break;
      }
      handedOver.add(head.id);
    }
    return startFirst(view, view.ready.filter(handed)) ?? load;
  });
}

/** The same without the blocked head: what is loaded serves whoever needs it, and the oldest other one loads. */
function fifo({ slots = 4, room = 2 } = {}) {
  return policy("fifo", (view) => {
    const start = startFirst(view, view.ready);
    if (start !== undefined) return start;
    const head = view.ready.find((work) => !view.residents.has(work.model));
    return head && loadBeside(view, head.model, { slots, room, order: byUse });
  });
}

/** llama-swap before May 2026, without groups: one model (on each device), requests strictly in their order. */
function oneModel({ slots = 4 } = {}) {
  return policy("one-model", (view) => {
    const [head] = view.ready;
    if (head === undefined) return undefined;
    if (view.residents.has(head.model)) return startFirst(view, [head]);
    return loadAlone(view, head.model, slots);
  });
}

/**
 * llama-swap since May 2026: https://github.com/mostlygeek/llama-swap, internal/router/scheduler/fifo.go, pull
 * request 790, which closed issue 612 on thrashing. A request whose model is loaded, and isn't about to be closed, is
 * served at once, before older ones for others; one whose model is loading joins the load; one that would close
 * a model with requests in flight stays in the queue. Whenever a model runs out of requests or a load ends, the
 * queue is walked in its order and whatever can start does: A B C A B C becomes A A B B C C.
 *
 * What must close is the planner's part. It gets the "matrix" with every set of models that fits the memory:
 * the cheapest set to load again is closed, whether busy or not (if it is, the request waits for it). Which device
 * a model goes to, llama-swap leaves to who configures it; here the request takes the best one.
 */
function collation({ slots = 4, room = 2 } = {}) {
  return policy("collation", (view) => {
    const start = startFirst(view, view.ready);
    if (start !== undefined || view.opening !== undefined) return start;
    const asked = new Set();
    for (const { model } of view.ready) {
      if (view.residents.has(model) || asked.has(model)) continue;
      asked.add(model);
      const load = loadCheapest(view, model, { slots, room });
      if (load !== undefined && load.evict.every((other) => view.running(other) === 0)) return load;
    }
    return undefined;
  });
}

/**
 * Serves all it can of what is loaded, longest path to the end first; then loads the model whose ready works
 * have the longest paths for the time that its load takes, closing idle models with the least work left.
 */
function greedy({ slots = 4, room = 2 } = {}) {
  return policy("greedy", (view) => {
    const paths = view.pathsMs();
    const start = startFirst(
      view,
      view.ready.toSorted((a, b) => paths.get(b.id) - paths.get(a.id)),
    );
    if (start !== undefined || view.opening !== undefined) return start;
    const gains = new Map();
    for (const { id, model } of view.ready) {
      if (!view.residents.has(model)) gains.set(model, (gains.get(model) ?? 0) + paths.get(id));
    }
    const perLoad = (model) => gains.get(model) / view.model(model).loadMs;
    const order = (a, b) => view.workLeftMs(a.model) - view.workLeftMs(b.model);
    for (const model of [...gains.keys()].toSorted((a, b) => perLoad(b) - perLoad(a))) {
      const load = loadBeside(view, model, { slots, room, order });
      if (load !== undefined) return load;
    }
    return undefined;
  });
}

function policy(name, decideOne) {
  return {
    name,
    decide(state) {
      const action = decideOne(lookAt(state));
      return action === undefined ? [] : [action];
    },
  };
}

function startFirst(view, works) {
  const work = works.find(({ model }) => view.freeSlots(model) > 0);
  return work && { kind: "start", work: work.id, why: "a slot is free" };
}

/** Closes idle models in `order` until one slot fits; on the device where what closes is loaded the soonest. */
function loadBeside(view, model, { slots, room, order, keep = new Set() }) {
  if (view.opening !== undefined) return undefined;
  const wanted = slotsWanted(view, model, { slots, room });
  const idle = [...view.residents.values()]
    .filter((resident) => view.running(resident.model) === 0 && !keep.has(resident.model))
    .toSorted((a, b) => order(a, b) || (a.model < b.model ? -1 : 1));
  const ways = view.model(model).placements.flatMap((_, placement) => {
    const evict = [];
    for (const next of [undefined, ...idle]) {
      if (next !== undefined) {
        // One that takes nothing of the device that is too full makes no room.
        if (!view.sharesDevice(next, model, placement)) continue;
        evict.push(next.model);
      }
      if (fitSlots(view, { model, placement, evict }) >= wanted) return [{ placement, evict }];
    }
    return [];
  });
  return cheapestWay(view, ways, { model, slots });
}

/** How many slots a load makes room for: as many as have something to do, up to `room` and to what ever fits. */
function slotsWanted(view, model, { slots, room }) {
  const waiting = view.ready.filter((work) => work.model === model).length;
  const all = [...view.residents.keys()];
  const possible = view.model(model).placements.map((_, placement) => fitSlots(view, { model, placement, evict: all }));
  return Math.min(slots, room, waiting, Math.max(...possible));
}

/**
 * Of all sets of loaded models whose closing makes room on a device, the one that loads again the soonest, busy or
 * not. Of several devices one where that set is idle, if there is one: a request need not wait for another's end.
 */
function loadCheapest(view, model, { slots, room }) {
  const residents = [...view.residents.keys()];
  const wanted = slotsWanted(view, model, { slots, room });
  const loads = view.model(model).placements.flatMap((_, placement) => {
    const sets = Array.from({ length: 2 ** residents.length }, (__, set) => ({
      placement,
      evict: residents.filter((___, index) => (set >> index) & 1),
    }));
    const ways = sets.filter(({ evict }) => fitSlots(view, { model, placement, evict }) >= wanted);
    return cheapestWay(view, ways, { model, slots }) ?? [];
  });
  const idle = loads.filter(({ evict }) => evict.every((other) => view.running(other) === 0));
  return cheapestWay(view, idle.length > 0 ? idle : loads, { model, slots });
}

/** The device with nothing on it, or where the idle model was used the longest ago; that one closes. */
function loadAlone(view, model, slots) {
  if (view.opening !== undefined) return undefined;
  const ways = view.model(model).placements.flatMap((_, placement) => {
    const there = [...view.residents.values()].filter((resident) => view.sharesDevice(resident, model, placement));
    if (there.some((resident) => view.running(resident.model) > 0)) return [];
    const usedAtMs = Math.max(-1, ...there.map((resident) => resident.usedAtMs));
    return [{ placement, usedAtMs, evict: there.map((resident) => resident.model) }];
  });
  const [way] = ways.toSorted((a, b) => a.usedAtMs - b.usedAtMs);
  return way && cheapestWay(view, [way], { model, slots });
}

function cheapestWay(view, ways, { model, slots }) {
  const cost = ({ evict }) => evict.reduce((sum, other) => sum + view.model(other).loadMs, 0);
  const [way] = ways.toSorted((a, b) => cost(a) - cost(b) || a.evict.length - b.evict.length);
  if (way === undefined) return undefined;
  const { placement, evict } = way;
  const fitting = Math.min(slots, fitSlots(view, { model, placement, evict }));
  return { kind: "load", model, placement, slots: fitting, evict, why: "ready works need it" };
}

function byUse(a, b) {
  return a.usedAtMs - b.usedAtMs;
}
