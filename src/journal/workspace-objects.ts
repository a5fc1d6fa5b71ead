import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { deflate, deflateSync } from "node:zlib";
import { AtosError } from "../base/errors.ts";
import { git, gitBytes } from "./git.ts";

type ObjectType = "blob" | "tree";
type PendingObject = { readonly type: ObjectType; readonly bytes: Buffer };

/** So many are quicker as files of their own than with a git process. */
const LOOSE_MOST = 64;
const BATCH_BYTES = 32 * 1024 * 1024;
/** Beyond this another thread compresses. */
const SMALL_BYTES = 64 * 1024;
const LEVEL = { level: 1 };
const PACK_TYPES = { tree: 2, blob: 3 } as const;

const deflateElsewhere = promisify<Buffer, { level: number }, Buffer>(deflate);

/** The name that git gives to an object. */
export function objectHash(type: ObjectType, bytes: Buffer): string {
  return createHash("sha1").update(`${type} ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Objects on their way into a repository: after {@link ObjectBatch.flush} they are on disk, and outlast a power loss. */
export class ObjectBatch {
  readonly #repository: string;
  readonly #pending = new Map<string, PendingObject>();
  #pendingBytes = 0;

  constructor(repository: string) {
    this.#repository = repository;
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
    await (this.#pending.size > LOOSE_MOST ? this.#writePack() : this.#writeLoose());
    this.#pending.clear();
    this.#pendingBytes = 0;
  }

  async #writeLoose(): Promise<void> {
    const objects = join(this.#repository, "objects");
    const places = [...this.#pending].map(([hash, object]) => ({
      path: join(objects, hash.slice(0, 2), hash.slice(2)),
      object,
    }));
    const missing = places.filter(({ path }) => !existsSync(path));
    await Promise.all(
      missing.map(async ({ path, object }) => {
        const header = Buffer.from(`${object.type} ${object.bytes.length}\0`);
        const temporary = join(objects, `tmp_obj_${randomUUID()}`);
        const bytes = await compress(Buffer.concat([header, object.bytes]));
        await using file = await open(temporary, "wx", 0o444);
        await file.writeFile(bytes);
        await file.sync();
        await mkdir(dirname(path), { recursive: true });
        await rename(temporary, path);
      }),
    );
    // A new name is on disk when its folder is.
    const folders = new Set(missing.map(({ path }) => dirname(path)));
    if (missing.length > 0) await Promise.all([...folders, objects].map(syncFolder));
  }

  /** One file for all: a thousand that are each flushed to disk would take a second. */
  async #writePack(): Promise<void> {
    const hashes = [...this.#pending.keys()];
    const found = await lines(this.#repository, "cat-file --batch-check=%(objecttype)", hashes);
    const missing = [...this.#pending.values()].filter((_, index) => found[index]?.endsWith(" missing"));
    if (missing.length === 0) return;
    const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
    head.writeUInt32BE(missing.length, 8);
    const parts: Buffer[] = [head];
    for (const { type, bytes } of missing) {
      parts.push(packHeader(type, bytes.length), await compress(bytes));
      // The event loop gets its turn now and then.
      if (parts.length % 128 === 1) await setImmediate();
    }
    const pack = Buffer.concat(parts);
    const input = Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
    await git(this.#repository, ["index-pack", "--stdin"], { input });
    await syncFolder(join(this.#repository, "objects", "pack"));
  }
}

/** The blobs of these hashes, in their order, a limited number of bytes in memory at a time; each is checked. */
export async function* readBlobs(repository: string, hashes: readonly string[]): AsyncGenerator<Buffer> {
  if (hashes.length === 0) return;
  const sizes = await lines(repository, "cat-file --batch-check=%(objectsize)", hashes);
  for (let first = 0; first < hashes.length; ) {
    let last = first;
    for (let bytes = 0; last < hashes.length && (last === first || bytes < BATCH_BYTES); last++)
      bytes += Number(sizes[last]);
    const group = hashes.slice(first, last);
    const out = await gitBytes(repository, ["cat-file", "--batch"], {
      input: group.map((hash) => `${hash}\n`).join(""),
    });
    let at = 0;
    for (const hash of group) {
      const start = out.indexOf("\n", at) + 1;
      const bytes = out.subarray(start, start + Number(out.toString("latin1", at, start).split(" ")[2]));
      if (objectHash("blob", bytes) !== hash) throw badObject(repository, hash);
      yield bytes;
      at = start + bytes.length + 1;
    }
    first = last;
  }
}

async function lines(repository: string, command: string, hashes: readonly string[]): Promise<string[]> {
  const out = await git(repository, command.split(" "), { input: hashes.map((hash) => `${hash}\n`).join("") });
  return out.split("\n");
}

function packHeader(type: ObjectType, size: number): Buffer {
  const bytes = [(PACK_TYPES[type] << 4) | (size % 16)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest % 128);
  }
  return Buffer.from(bytes);
}

async function compress(bytes: Buffer): Promise<Buffer> {
  return bytes.length < SMALL_BYTES ? deflateSync(bytes, LEVEL) : deflateElsewhere(bytes, LEVEL);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

function badObject(repository: string, hash: string): AtosError {
  return new AtosError(
    "journal/bad-snapshot",
    `The file ${hash} of a snapshot is missing or damaged in ${repository}. git fsck tells what else is.`,
  );
}
