import { existsSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { AtosError } from "../base/errors.ts";
import { ByteCache } from "./byte-cache.ts";
import { type GitObject, objectHash, type ObjectType } from "./git-object.ts";
import { inflate } from "./inflate.ts";
import { PackedObjects } from "./packed-objects.ts";
import { EMPTY_TREE, parseTree, type TreeLine } from "./tree-lines.ts";
import { MAX_FILE_BYTES } from "./workspace-content.ts";
import { loosePath, writeLoose, writePack } from "./write-objects.ts";

/** So many are quicker as files of their own than with a git process. */
const LOOSE_MOST = 64;
/** Beyond this the event loop does not wait for a file. */
const SMALL_BYTES = 256 * 1024;
const HEADER_BYTES = 32;
const TREE_CACHE_BYTES = 32 * 1024 * 1024;
/** Of a tree's line in memory, about. */
const LINE_BYTES = 200;
const BLOB_CACHE_BYTES = 32 * 1024 * 1024;
/** A larger one is not kept: it would push out too many. */
const CACHED_BLOB_BYTES = 256 * 1024;
const TYPES: ReadonlyMap<string | undefined, ObjectType> = new Map([
  ["commit", "commit"],
  ["tree", "tree"],
  ["blob", "blob"],
  ["tag", "tag"],
]);
/** How each is named to a person. */
const WORDS = { commit: "commit", tree: "tree", blob: "file", tag: "tag" } as const;

/**
 * The objects of a bare git repository, read and written in this process: a git process costs some milliseconds each
 * time. Every object read is checked against its hash.
 */
export class ObjectStore {
  readonly repository: string;
  readonly #packs: PackedObjects;
  readonly #trees = new ByteCache<readonly TreeLine[]>(TREE_CACHE_BYTES);
  readonly #blobs = new ByteCache<Buffer>(BLOB_CACHE_BYTES);
  /** On their way to disk. One that somebody else is writing is not safe until they are done. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(repository: string) {
    this.repository = repository;
    this.#packs = new PackedObjects(repository, MAX_FILE_BYTES);
  }

  has(hash: string): boolean {
    return existsSync(loosePath(this.repository, hash)) || this.#packs.has(hash);
  }

  /** @throws `journal/bad-snapshot` when it is missing, damaged or of another type. */
  async read(hash: string, type: ObjectType): Promise<Buffer> {
    const object = await this.#find(hash);
    if (object?.type !== type) throw this.#missing(hash, type);
    return object.bytes;
  }

  /** As {@link ObjectStore.read}; nobody may change the bytes. */
  async blob(hash: string): Promise<Buffer> {
    const known = this.#blobs.get(hash);
    if (known !== undefined) return known;
    const bytes = await this.read(hash, "blob");
    if (bytes.length <= CACHED_BLOB_BYTES) this.#blobs.set(hash, bytes, bytes.length + LINE_BYTES);
    return bytes;
  }

  /** @throws `journal/bad-repository` as {@link parseTree}, `journal/bad-snapshot` as {@link ObjectStore.read}. */
  async tree(hash: string): Promise<readonly TreeLine[]> {
    if (hash === EMPTY_TREE) return [];
    return this.#trees.get(hash) ?? this.#keepTree(hash, await this.read(hash, "tree"));
  }

  /** The tree itself, or that of a commit. */
  async rootOf(hash: string): Promise<string> {
    if (hash === EMPTY_TREE || this.#trees.get(hash) !== undefined) return hash;
    const object = await this.#find(hash);
    if (object?.type === "tree") {
      this.#keepTree(hash, object.bytes);
      return hash;
    }
    const tree = /^tree ([0-9a-f]{40})\n/.exec(object?.type === "commit" ? object.bytes.toString("latin1", 0, 64) : "");
    if (tree?.[1] === undefined) throw this.#missing(hash, "tree");
    return tree[1];
  }

  /** Writes what is not there yet. All are on disk when this settles, and outlast a power loss. */
  async write(objects: ReadonlyMap<string, GitObject>): Promise<void> {
    const others: Promise<void>[] = [];
    const missing = new Map<string, GitObject>();
    for (const [hash, object] of objects) {
      const underWay = this.#underWay.get(hash);
      if (underWay !== undefined) others.push(underWay);
      else if (!this.has(hash)) missing.set(hash, object);
    }
    if (missing.size > 0) {
      const written = this.#writeMissing(missing);
      for (const hash of missing.keys()) this.#underWay.set(hash, written);
      try {
        await written;
      } finally {
        for (const hash of missing.keys()) this.#underWay.delete(hash);
      }
    }
    await Promise.all(others);
  }

  /** Says that objects may have come from elsewhere. */
  lookAgain(): void {
    this.#packs.lookAgain();
  }

  async #writeMissing(missing: ReadonlyMap<string, GitObject>): Promise<void> {
    if (missing.size <= LOOSE_MOST) {
      await writeLoose(this.repository, missing);
      // What was written is most often read next.
      for (const [hash, { type, bytes }] of missing) if (type === "tree") this.#keepTree(hash, bytes);
      return;
    }
    await writePack(this.repository, missing);
    this.lookAgain();
  }

  #keepTree(hash: string, bytes: Buffer): readonly TreeLine[] {
    const lines = parseTree(bytes);
    this.#trees.set(hash, lines, LINE_BYTES * (lines.length + 1));
    return lines;
  }

  async #find(hash: string): Promise<GitObject | undefined> {
    if (!/^[0-9a-f]{40}$/.test(hash)) return undefined;
    const object = (await readLoose(loosePath(this.repository, hash))) ?? (await this.#packs.read(hash));
    return object !== undefined && objectHash(object.type, object.bytes) === hash ? object : undefined;
  }

  #missing(hash: string, type: ObjectType): AtosError {
    return new AtosError(
      "journal/bad-snapshot",
      `The ${WORDS[type]} ${hash} of a snapshot is missing or damaged in ${this.repository}. git fsck tells what else is.`,
    );
  }
}

async function readLoose(path: string): Promise<GitObject | undefined> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const compressed = stats.size > SMALL_BYTES ? await readFile(path) : readFileSync(path);
  const bytes = await inflate(compressed, MAX_FILE_BYTES + HEADER_BYTES);
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end < 0 || end > HEADER_BYTES) return undefined;
  const [name, size] = bytes.toString("latin1", 0, end).split(" ");
  const type = TYPES.get(name);
  if (type === undefined || Number(size) !== bytes.length - end - 1) return undefined;
  return { type, bytes: bytes.subarray(end + 1) };
}
