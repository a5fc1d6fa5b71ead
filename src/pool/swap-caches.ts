import { createHash } from "node:crypto";
import { rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CachingModel, SavedCache } from "../engine/model.ts";
import { GIB } from "./devices/device-reading.ts";

/** How long a model that leaves or comes is waited for; its prompts can be evaluated again. */
const SAVE_MS = 10_000;
const RESTORE_MS = 10_000;
/** Left on the disk: when it is full the worker ends, and no cache is worth that. */
const SPARE_BYTES = GIB;

/**
 * Prompt caches of models that left memory, kept in files so that conversations go on where they were when
 * their model comes back. Worth only time: whatever fails is left out, and the prompt is evaluated again.
 */
export class SwapCaches {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #saved = new Map<string, readonly SavedCache[]>();

  /** Takes the folder for itself: what is in it is of an earlier worker, and goes. */
  constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  async clear(): Promise<void> {
    this.#saved.clear();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Of at most so many bytes, if the disk has room to spare. Those of the model that left longest ago make room. */
  async save(name: string, model: Pick<CachingModel, "saveCaches">, mostBytes: number): Promise<void> {
    await this.#drop(name);
    const { bavail, bsize } = await statfs(dirname(this.#directory)).catch(() => ({ bavail: 0, bsize: 0 }));
    if (bavail * bsize < mostBytes + SPARE_BYTES) return;
    const saved = await model.saveCaches(this.#folderOf(name), AbortSignal.timeout(SAVE_MS)).catch(() => []);
    if (saved.length === 0) return;
    this.#saved.set(name, saved);
    for (const [other] of this.#saved) {
      if (this.#bytes() <= this.#maxBytes) break;
      await this.#drop(other);
    }
  }

  /** Gives a model back what it had, and returns how many tokens that is. */
  async restore(name: string, model: Pick<CachingModel, "restoreCache">, signal: AbortSignal): Promise<number> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(RESTORE_MS)]);
    let tokens = 0;
    for (const saved of this.#saved.get(name) ?? []) {
      const restored = await model.restoreCache(saved, inTime).then(
        () => true,
        // It is of another number of slots, or takes too long: then the prompt is evaluated.
        () => false,
      );
      if (restored) tokens += saved.tokens;
    }
    await this.#drop(name);
    return tokens;
  }

  #bytes(): number {
    return [...this.#saved.values()].flat().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** With all that is in its folder: a save that took too long has left files that nobody counts. */
  async #drop(name: string): Promise<void> {
    this.#saved.delete(name);
    await rm(this.#folderOf(name), { recursive: true, force: true }).catch(() => {});
  }

  /** A name may be anything, also one that is no file name. */
  #folderOf(name: string): string {
    return join(this.#directory, createHash("sha256").update(name).digest("hex").slice(0, 24));
  }
}
