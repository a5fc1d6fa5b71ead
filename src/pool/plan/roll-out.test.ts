import assert from "node:assert/strict";
import { test } from "node:test";
import { makeBoard } from "./board.ts";
import { genesOf } from "./genes.ts";
import { FIRST_PLAN } from "./plan.ts";
import type { PoolModel, PoolState, PoolWork } from "./pool-state.ts";
import { rollOut } from "./roll-out.ts";
import { seededRandom } from "./seeded-random.ts";

const MODELS: readonly PoolModel[] = ["a", "b", "c"].map((id, at) => ({
  id,
  placements: [{ device: 0, loadedBytes: [400 + 100 * at], slotBytes: [50], stepMs: 7.3 + at / 3 }],
  maxSlots: 3,
  loadMs: 1234.5 + at,
  resizeMs: 50,
  pinned: false,
}));

/** A graph whose times are no round numbers, at any moment. */
function stateAt(nowMs: number, seed: number): PoolState {
  const random = seededRandom(seed);
  const works = Array.from({ length: 40 }, (_, at): PoolWork => {
    const after = at > 2 && random() < 0.8 ? [`w${Math.floor(random() * at)}`] : [];
    const model = MODELS[Math.floor(random() * MODELS.length)]?.id ?? "a";
    const state = after.length === 0 ? "ready" : "later";
    return { id: `w${at}`, model, steps: 20 + random() * 300, state, after, sinceMs: nowMs - at };
  });
  const devices = [{ id: "system", budgetBytes: 1100 }];
  return { nowMs, devices, models: MODELS, residents: [], works, maxWaitMs: 600_000 };
}

test("a roll-out comes to the same end whatever the clock says, and ends every work", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const boards = [0, 1_795_000_000_000.123].map((nowMs) => makeBoard(stateAt(nowMs, seed)));
    const [fromZero, today] = boards.map((board) => rollOut(board, genesOf(FIRST_PLAN, board)));
    assert.ok(
      boards.every(({ done, works }) => done === works.length),
      `seed ${seed}`,
    );
    assert.equal(today?.loads, fromZero?.loads, `seed ${seed}`);
    assert.ok(Math.abs((today?.makespanMs ?? 0) - (fromZero?.makespanMs ?? 0)) < 1, `seed ${seed}`);
  }
});
