import { createHash, randomUUID } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { deflate, deflateSync } from "node:zlib";
import { git } from "./git.ts";
import type { GitObject } from "./git-object.ts";
import { syncDescriptor, syncFolder } from "./sync-folder.ts";

/** Beyond this another thread compresses. */
const SMALL_BYTES = 64 * 1024;
const LEVEL = { level: 1 };
const PACK_TYPES = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;

const deflateElsewhere = promisify<Buffer, { level: number }, Buffer>(deflate);

/** Where an object is that is a file of its own. */
export function loosePath(repository: string, hash: string): string {
  return join(repository, "objects", hash.slice(0, 2), hash.slice(2));
}

/** Writes each as a file of its own. They outlast a power loss when this settles. */
export async function writeLoose(repository: string, objects: ReadonlyMap<string, GitObject>): Promise<void> {
  const top = join(repository, "objects");
  // A folder made by somebody else a moment ago is not sure to be on disk yet.
  const folders = new Set([top]);
  await Promise.all(
    [...objects].map(async ([hash, object]) => {
      const path = loosePath(repository, hash);
      const folder = dirname(path);
      const temporary = join(top, `tmp_obj_${randomUUID()}`);
      const bytes = await compress(
        Buffer.concat([Buffer.from(`${object.type} ${object.bytes.length}\0`), object.bytes]),
      );
      const file = openSync(temporary, "wx", 0o444);
      try {
        writeAll(file, bytes);
        await syncDescriptor(file);
      } finally {
        closeSync(file);
      }
      if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
      renameSync(temporary, path);
      folders.add(folder);
    }),
  );
  await Promise.all([...folders].map(syncFolder));
}

/** Writes one file for all: a thousand that are each flushed to disk would take a second. Durable as the loose ones. */
export async function writePack(repository: string, objects: ReadonlyMap<string, GitObject>): Promise<void> {
  const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
  head.writeUInt32BE(objects.size, 8);
  const parts: Buffer[] = [head];
  for (const { type, bytes } of objects.values()) {
    parts.push(packHeader(PACK_TYPES[type], bytes.length), await compress(bytes));
    // The event loop gets its turn now and then.
    if (parts.length % 128 === 1) await setImmediate();
  }
  const pack = Buffer.concat(parts);
  const input = Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
  await git(repository, ["index-pack", "--stdin"], { input });
  await syncFolder(join(repository, "objects", "pack"));
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function packHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size % 16)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest % 128);
  }
  return Buffer.from(bytes);
}

async function compress(bytes: Buffer): Promise<Buffer> {
  return bytes.length < SMALL_BYTES ? deflateSync(bytes, LEVEL) : deflateElsewhere(bytes, LEVEL);
}
