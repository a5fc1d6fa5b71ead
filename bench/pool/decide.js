// CPU of one decision and of one roll-out of the search, and how many of them the pool makes in its 100 ms after an event, for states of 60 and 1,000 works on 4 GB:
// node bench/pool/decide.js
import { decide } from "../../src/pool/plan/decide.ts";
import { improvePlan } from "../../src/pool/plan/improve-plan.ts";
import { FIRST_PLAN } from "../../src/pool/plan/plan.ts";
import { makeGraph, randomNumbers } from "./graphs.js";

const ROUNDS = 200;
const ITERATIONS = 200;

console.log("works   decide median   p95    roll-out mean   in 100 ms");
for (const count of [60, 1000]) {
  const state = makeState(count);
  // Searched for, so that the decision has weights and loads to look up.
  const { plan } = improvePlan(state, FIRST_PLAN, { iterations: 100 });
  const times = Array.from({ length: ROUNDS }, () => cpuMs(() => decide(state, plan))).toSorted((a, b) => a - b);
  let iterations = 0;
  const searchMs = cpuMs(() => ({ iterations } = improvePlan(state, plan, { iterations: ITERATIONS })));
  const rollOutMs = searchMs / iterations;
  const median = times[ROUNDS / 2].toFixed(2);
  const late = times[Math.floor(ROUNDS * 0.95)].toFixed(2);
  console.log(
    `${String(count).padStart(5)} ${median.padStart(12)} ms ${late.padStart(6)} ms ${rollOutMs.toFixed(3).padStart(8)} ms ${String(Math.round(100 / rollOutMs)).padStart(13)}`,
  );
}

function cpuMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** In the middle of things: a third of the works is ready, the rest comes after one or two others. */
function makeState(count) {
  const { devices, models, maxWaitMs } = makeGraph("base", 1);
  const random = randomNumbers(count);
  const works = Array.from({ length: count }, (_, index) => {
    const ready = index < count / 3;
    const before = () => `w${Math.floor(random() * index)}`;
    return {
      id: `w${index}`,
      model: models[Math.floor(random() * models.length)].id,
      steps: 80 + Math.floor(random() * 800),
      spread: 0.65,
      state: ready ? "ready" : "later",
      after: ready ? [] : random() < 0.5 ? [before()] : [before(), before()],
      sinceMs: ready ? index : 0,
    };
  });
  const residents = [
    { model: models[2].id, placement: 0, slots: 4, state: "ready", readyAtMs: 0, usedAtMs: 0 },
    { model: models[4].id, placement: 0, slots: 4, state: "ready", readyAtMs: 0, usedAtMs: 0 },
  ];
  return { nowMs: 1000, devices, models, residents, works, maxWaitMs };
}
