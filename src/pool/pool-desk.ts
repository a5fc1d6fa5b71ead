import type { Db } from "../store/database.ts";
import { removePoolStatus, writePoolStatus } from "../store/pool-status.ts";
import { finishUnloadWish, takeUnloadWishes, type UnloadWish } from "../store/unload-wishes.ts";
import type { ModelPool } from "./model-pool.ts";

export type PoolDeskOptions = { readonly db: Db; readonly worker: string; readonly now: () => Date };

/** A status that is much older is taken for that of a worker which is gone. */
const ALIVE_MS = 20_000;

/** Where clients of a worker learn what its pool holds, and ask it to unload models: through the database. */
export class PoolDesk {
  readonly #options: PoolDeskOptions;
  readonly #unloading = new Set<string>();
  #isNews = true;
  #toldAtMs = 0;

  constructor(options: PoolDeskOptions) {
    this.#options = options;
  }

  /** The pool changed: the next `serve` tells it. */
  noteChange(): void {
    this.#isNews = true;
  }

  /** Tells what changed and grants what was asked; to be called now and then. */
  async serve(pool: ModelPool): Promise<void> {
    const { db, worker, now } = this.#options;
    for (const wish of await takeUnloadWishes(db, worker)) void this.#unload(pool, wish);
    const at = now();
    if (!this.#isNews && at.getTime() - this.#toldAtMs < ALIVE_MS) return;
    this.#isNews = false;
    try {
      await writePoolStatus(db, { worker, status: pool.status(), at });
      this.#toldAtMs = at.getTime();
    } catch (error) {
      this.#isNews = true;
      throw error;
    }
  }

  /** Not waited for: caches are saved first. A wish that could not be answered is found again by the next `serve`. */
  async #unload(pool: ModelPool, { id, model }: UnloadWish): Promise<void> {
    const { db, now } = this.#options;
    if (this.#unloading.has(id)) return;
    this.#unloading.add(id);
    try {
      const { gone, later } = await pool.unload(model);
      await finishUnloadWish(db, { id, answer: { unloaded: gone, busy: later }, at: now() });
    } catch {
      // The database went away, which ends the worker, or answers again.
    } finally {
      this.#unloading.delete(id);
    }
  }

  /** Nothing is loaded, as before a worker begins and after it ended. */
  async clear(): Promise<void> {
    await removePoolStatus(this.#options.db, this.#options.worker);
  }
}
