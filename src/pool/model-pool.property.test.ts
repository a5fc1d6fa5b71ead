import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { assertIdle, childDied, type FakePool, fakePool, until } from "../../test/fixtures/fake-pool.ts";
import { AtosError, missingError } from "../base/errors.ts";
import { planPolicy } from "./plan/plan-policy.ts";
import { seededRandom } from "./plan/seeded-random.ts";

const never = new AbortController().signal;
const SEEDS = 12;
const TURNS = 25;
/** Why a turn may fail here. */
const REASONS = ["engine/model-broken", "engine/child-died", "pool/not-enough-memory", "pool/model-quarantined"];

type Random = () => number;

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

/** Everything that can go wrong, now and then. */
function breakThings(fake: FakePool, random: Random): void {
  fake.faults.load = async ({ id }, signal) => {
    await delay(random() * 4, undefined, { signal });
    if (random() < 0.08) throw missingError("engine/model-broken", `${id} is broken`);
    if (random() < 0.08) throw missingError("engine/not-enough-memory", `${id} is too large`);
    if (random() < 0.05) throw childDied(id, true);
  };
  fake.faults.resize = async () => {
    await delay(random() * 2);
    if (random() < 0.1) throw missingError("engine/not-enough-memory", "it is too large");
  };
}

/** One turn of a job, which may be given up at any moment; says how it ended. */
async function oneTurn(fake: FakePool, random: Random, at: number): Promise<string> {
  await delay(random() * 40);
  const contextTokens = pick(random, [2048, 4096, 50_000]);
  const source = fake.source(pick(random, ["a", "b", "c", "d"]), { slots: 2, deterministic: false, contextTokens });
  const stop = new AbortController();
  const patience = random() < 0.2 ? random() * 30 : undefined;
  const timer = patience === undefined ? undefined : setTimeout(() => stop.abort(new Error("given up")), patience);
  try {
    await using lease = await fake.lease(source, `task-${at % 7}`, stop.signal);
    await delay(random() * 6);
    if (random() < 0.06) fake.kill(source.id);
    await lease.model.render({ messages: [] });
    return "granted";
  } catch (error) {
    if (error instanceof AtosError) return error.code;
    assert.match(String(error), /given up/);
    return "given up";
  } finally {
    clearTimeout(timer);
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`whatever goes wrong, memory is not exceeded and every turn comes to an end (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const budgetMib = pick(random, [128, 192, 256, 384]);
    await using fake = await fakePool({ budgetMib, maxWaitMs: 2000, policy: planPolicy() });
    breakThings(fake, random);
    const over: string[] = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const booked = fake.ledger.bookedBytes(0) / 2 ** 20;
        const taken = [...fake.machine.processesMib.values()].reduce((sum, mib) => sum + mib, 0);
        // What was booked while others had less stays booked until it is evicted; nothing is booked above all there is.
        if (booked > budgetMib || taken > budgetMib) over.push(`${booked} MiB booked, ${taken} MiB taken`);
        fake.machine.othersMib = random() < 0.02 ? random() * (budgetMib - 100) : fake.machine.othersMib;
        if (random() < 0.05) await fake.ledger.refresh(never);
        await delay(1);
      }
    })();
    const jobs = ["a", "b", "c"].map((id, at) => ({
      task: `task-${at}`,
      role: "developer",
      source: fake.source(id, { slots: 2, deterministic: false }),
      after: [],
    }));
    fake.pool.foresee("build", jobs);
    const ended = await Promise.all(Array.from({ length: TURNS }, (_, at) => oneTurn(fake, random, at)));
    fake.machine.othersMib = 0;
    isOver = true;
    await watching;
    fake.pool.forget("build");
    const stated = ["granted", "given up", ...REASONS];
    assert.deepEqual(
      ended.filter((end) => !stated.includes(end)),
      [],
    );
    assert.deepEqual(over, []);
    await until(() => fake.pool.status().residents.every(({ state }) => state === "ready"));
    await fake.pool.unload(undefined);
    await until(() => fake.live.size === 0 && fake.ledger.bookedBytes(0) === 0);
    assertIdle(fake);
  });
}
