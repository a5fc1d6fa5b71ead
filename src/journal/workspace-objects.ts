import { type GitObject, objectHash, type ObjectType } from "./git-object.ts";
import type { ObjectStore } from "./object-store.ts";

/** As much as is held in memory before it is written. */
const BATCH_BYTES = 32 * 1024 * 1024;

/** Objects on their way into a repository: after {@link ObjectBatch.flush} they are on disk, and outlast a power loss. */
export class ObjectBatch {
  readonly #objects: ObjectStore;
  readonly #pending = new Map<string, GitObject>();
  #pendingBytes = 0;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async add(type: ObjectType, bytes: Buffer): Promise<string> {
    const hash = objectHash(type, bytes);
    if (this.#pending.has(hash)) return hash;
    this.#pending.set(hash, { type, bytes });
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > BATCH_BYTES) await this.flush();
    return hash;
  }

  async flush(): Promise<void> {
    await this.#objects.write(this.#pending);
    this.#pending.clear();
    this.#pendingBytes = 0;
  }
}
