import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { ByteCache } from "./byte-cache.ts";
import type { GitObject, ObjectType } from "./git-object.ts";
import { inflate } from "./inflate.ts";
import { applyDelta } from "./pack-delta.ts";

/** A pack and, for each first byte of a hash, how many of its objects have that or a lower one. */
type Pack = { readonly path: string; readonly upTo: readonly number[] };
type Place = { readonly pack: Pack; readonly offset: number };
type Entry = { readonly code: number; readonly size: number; readonly dataAt: number; readonly base?: number };

const INDEX_HEAD = Buffer.from("ff744f6300000002", "hex");
const INDEX_HASHES_AT = 8 + 256 * 4;
const TYPES: ReadonlyMap<number, ObjectType> = new Map([
  [1, "commit"],
  [2, "tree"],
  [3, "blob"],
  [4, "tag"],
]);
const DELTA_BY_OFFSET = 6;
const DELTA_BY_HASH = 7;
/** Of deltas on deltas. Git's own limit is 4095. */
const MAX_CHAIN = 4096;
const WINDOW_BYTES = 4096;
const CACHE_BYTES = 16 * 1024 * 1024;

/**
 * The objects in the packs of a repository, read in this process. Packs may come while it is used: a fetch brings
 * them, and so does a large snapshot.
 *
 * What is read may be damaged: whoever asks compares the hash.
 */
export class PackedObjects {
  readonly #directory: string;
  readonly #maxBytes: number;
  #packs: readonly Pack[] = [];
  #isListed = false;
  /** Parts of indexes, by pack and first byte. */
  readonly #hashes = new ByteCache<Buffer>(CACHE_BYTES);
  /** What deltas are made on, by pack and offset: neighbours have theirs in common. */
  readonly #bases = new ByteCache<GitObject>(CACHE_BYTES);

  /** An object of more than `maxBytes` is not read. */
  constructor(repository: string, maxBytes: number) {
    this.#directory = join(repository, "objects", "pack");
    this.#maxBytes = maxBytes;
  }

  /** Says that there may be new packs. */
  lookAgain(): void {
    this.#isListed = false;
  }

  /** False for what is in a pack that came unannounced. */
  has(hash: string): boolean {
    if (!this.#isListed) this.#list();
    return this.#findKnown(hash) !== undefined;
  }

  /** Undefined when there is no such object, or none that can be read. */
  async read(hash: string): Promise<GitObject | undefined> {
    const place = this.#find(hash);
    if (place === undefined) return undefined;
    try {
      return await this.#readAt(place);
    } catch (error) {
      if (!isGone(error)) throw error;
      // Somebody packed anew: what was in it is in another one now.
      this.#list();
      const moved = this.#findKnown(hash);
      return moved === undefined ? undefined : await this.#readAt(moved);
    }
  }

  #find(hash: string): Place | undefined {
    const known = this.#findKnown(hash);
    if (known !== undefined) return known;
    this.#list();
    return this.#findKnown(hash);
  }

  #list(): void {
    this.#packs = findPacks(this.#directory, this.#packs);
    this.#isListed = true;
  }

  #findKnown(hash: string): Place | undefined {
    const wanted = Buffer.from(hash, "hex");
    for (const pack of this.#packs) {
      const offset = this.#offsetIn(pack, wanted);
      if (offset !== undefined) return { pack, offset };
    }
    return undefined;
  }

  #offsetIn(pack: Pack, wanted: Buffer): number | undefined {
    const byte = wanted[0] ?? 0;
    const first = pack.upTo[byte - 1] ?? 0;
    const count = (pack.upTo[byte] ?? 0) - first;
    if (count <= 0) return undefined;
    const total = pack.upTo[255] ?? 0;
    const key = `${pack.path} ${byte}`;
    try {
      const hashes = this.#hashes.get(key) ?? readPart(`${pack.path}.idx`, INDEX_HASHES_AT + 20 * first, 20 * count);
      this.#hashes.set(key, hashes, hashes.length + 200);
      const index = indexOf(hashes, wanted);
      if (index === undefined) return undefined;
      const offsetsAt = INDEX_HASHES_AT + 24 * total;
      const offset = readPart(`${pack.path}.idx`, offsetsAt + 4 * (first + index), 4).readUInt32BE();
      if (offset < 2 ** 31) return offset;
      // Of a pack of more than two GiB: the number of a longer offset.
      const long = readPart(`${pack.path}.idx`, offsetsAt + 4 * total + 8 * (offset - 2 ** 31), 8);
      return Number(long.readBigUInt64BE());
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async #readAt({ pack, offset: start }: Place): Promise<GitObject | undefined> {
    const file = openSync(`${pack.path}.pack`, "r");
    try {
      const deltas: { offset: number; delta: Buffer }[] = [];
      let offset = start;
      for (let length = 0; length < MAX_CHAIN; length++) {
        const cached = this.#bases.get(`${pack.path} ${offset}`);
        if (cached !== undefined) return this.#apply(pack, cached, deltas);
        const window = readAt(file, offset, WINDOW_BYTES);
        const entry = readEntry(window, offset, (hash) => this.#offsetIn(pack, hash));
        if (entry === undefined || entry.size > this.#maxBytes) return undefined;
        const packed = compressedBytes(entry, window, (bytes) => readAt(file, offset + entry.dataAt, bytes));
        const bytes = await inflate(packed, entry.size);
        if (bytes?.length !== entry.size) return undefined;
        const type = TYPES.get(entry.code);
        if (type !== undefined) {
          if (deltas.length > 0) this.#bases.set(`${pack.path} ${offset}`, { type, bytes }, bytes.length + 200);
          return this.#apply(pack, { type, bytes }, deltas);
        }
        if (entry.base === undefined) return undefined;
        deltas.push({ offset, delta: bytes });
        offset = entry.base;
      }
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  #apply(pack: Pack, base: GitObject, deltas: { offset: number; delta: Buffer }[]): GitObject | undefined {
    let object = base;
    for (const { offset, delta } of deltas.toReversed()) {
      const bytes = applyDelta(object.bytes, delta, this.#maxBytes);
      if (bytes === undefined) return undefined;
      object = { type: base.type, bytes };
      this.#bases.set(`${pack.path} ${offset}`, object, bytes.length + 200);
    }
    return object;
  }
}

function findPacks(directory: string, before: readonly Pack[]): Pack[] {
  const packs: Pack[] = [];
  const known = new Map(before.map((pack) => [pack.path, pack]));
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(".idx")) continue;
    const path = join(directory, name.slice(0, -".idx".length));
    const pack = known.get(path);
    if (pack !== undefined) {
      packs.push(pack);
      continue;
    }
    try {
      const head = readPart(`${path}.idx`, 0, INDEX_HASHES_AT);
      if (!head.subarray(0, 8).equals(INDEX_HEAD)) continue;
      packs.push({ path, upTo: Array.from({ length: 256 }, (_, byte) => head.readUInt32BE(8 + 4 * byte)) });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return packs;
}

/** Where `wanted` is among sorted hashes. */
function indexOf(hashes: Buffer, wanted: Buffer): number | undefined {
  let low = 0;
  let high = hashes.length / 20;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = hashes.compare(wanted, 0, 20, 20 * middle, 20 * middle + 20);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** What stands before the compressed bytes of the object at `offset`. */
function readEntry(window: Buffer, offset: number, offsetOf: (hash: Buffer) => number | undefined): Entry | undefined {
  let at = 0;
  let byte = window[at++] ?? 0;
  const code = (byte >> 4) % 8;
  let size = byte % 16;
  for (let factor = 16; byte >= 128 && at < 16; factor *= 128) {
    byte = window[at++] ?? 0;
    size += (byte % 128) * factor;
  }
  if (code === DELTA_BY_HASH) {
    const base = offsetOf(window.subarray(at, at + 20));
    return base === undefined ? undefined : { code, size, dataAt: at + 20, base };
  }
  if (code !== DELTA_BY_OFFSET) return { code, size, dataAt: at };
  byte = window[at++] ?? 0;
  let back = byte % 128;
  for (let length = 0; byte >= 128 && length < 9; length++) {
    byte = window[at++] ?? 0;
    back = (back + 1) * 128 + (byte % 128);
  }
  return back > 0 && back < offset ? { code, size, dataAt: at, base: offset - back } : undefined;
}

function compressedBytes({ size, dataAt }: Entry, window: Buffer, more: (bytes: number) => Buffer): Buffer {
  // What does not get smaller gets a little larger; zlib's own bound for any of its settings.
  const most = size + (size >> 3) + (size >> 6) + 64;
  return dataAt + most <= window.length ? window.subarray(dataAt) : more(most);
}

/** At most `bytes` from `position`; fewer at the end of the file. */
function readAt(file: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return buffer.subarray(0, readSync(file, buffer, 0, bytes, position));
}

function readPart(path: string, position: number, bytes: number): Buffer {
  const file = openSync(path, "r");
  try {
    const part = readAt(file, position, bytes);
    if (part.length !== bytes) throw new Error(`${path} ends too early. git fsck tells what else is damaged.`);
    return part;
  } finally {
    closeSync(file);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
