import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AtosError, messageOf } from "../../base/errors.ts";
import type { SavedCache } from "../model.ts";

/*
 * A saved cache is the state of a sequence as llama.cpp writes it, which ends with what ATOS needs to
 * believe it: a record in JSON, its length in four bytes, and eight bytes that say what all this is.
 * llama.cpp reads its own part and ignores the rest; its file begins with magic, version, the number
 * of tokens and the tokens, four bytes each.
 */

const ENDING = Buffer.from("ATOSKV01", "latin1");
const TAIL_BYTES = 4 + ENDING.length;
const TOKENS_AT = 12;
const MAX_RECORD_BYTES = 1000;
const EDGE_BYTES = 2 ** 20;
const PLACES = 1000;
const PLACE_BYTES = 1024;

const recordSchema = z.object({ key: z.string(), sha256: z.string(), tokens: z.int(), stateBytes: z.int() });
type CacheRecord = z.infer<typeof recordSchema>;

/** What a cache belongs to: SHA-256 over the identity of weights and settings, and the tokens. */
export function cacheKey(identity: string, tokens: readonly number[]): string {
  return createHash("sha256").update(identity).update("\0").update(Uint32Array.from(tokens)).digest("hex");
}

/**
 * Tells one weights file from another, without reading all of it: its size and the SHA-256 of its first
 * and last MiB, where the vocabulary and the shapes are, and of a thousand places between them. Training
 * that touches a tensor changes nearly all of it, and few are smaller than the steps between the places.
 */
export async function weightsIdentity(path: string): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(EDGE_BYTES);
  const update = async (start: number, length: number): Promise<void> => {
    const { bytesRead } = await file.read(buffer, 0, length, start);
    hash.update(buffer.subarray(0, bytesRead));
  };
  await update(0, EDGE_BYTES);
  const between = Math.max(0, size - 2 * EDGE_BYTES);
  const step = Math.max(PLACE_BYTES, Math.ceil(between / PLACES));
  for (let at = 0; at < between; at += step) await update(EDGE_BYTES + at, PLACE_BYTES);
  await update(Math.max(0, size - EDGE_BYTES), EDGE_BYTES);
  return `${size}:${hash.digest("hex")}`;
}

/** Completes what llama.cpp wrote to `draft` and gives it its name: whole or not at all. */
export async function sealCache(draft: string, path: string, key: string): Promise<SavedCache> {
  const { size } = await stat(draft);
  const tokens = (await readTokens(draft, size)).length;
  const record: CacheRecord = { key, sha256: await hashState(draft, size), tokens, stateBytes: size };
  const json = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const trailer = Buffer.concat([json, length, ENDING]);
  await using file = await open(draft, "a");
  await file.write(trailer);
  await file.sync();
  await rename(draft, path);
  return { path, key, tokens, bytes: size + trailer.length };
}

/**
 * Makes sure that a file is what `saved` says and belongs to the model and settings of `identity`,
 * before llama.cpp reads it, which trusts what it reads.
 *
 * @throws `engine/wrong-cache`
 */
export async function checkCache(saved: SavedCache, identity: string): Promise<void> {
  const { path } = saved;
  const record = await readRecord(path);
  if (record.stateBytes < TOKENS_AT || (await hashState(path, record.stateBytes)) !== record.sha256)
    throw wrongCache(path, "it is damaged");
  if (record.key !== saved.key) throw wrongCache(path, "it holds another cache than it should");
  if (cacheKey(identity, await readTokens(path, record.stateBytes)) !== record.key)
    throw wrongCache(path, "it was saved by another model, or by the same one with other settings");
}

export function wrongCache(path: string, why: string, cause?: unknown): AtosError {
  const text = `the saved cache ${path} can't be restored: ${why}; delete it and go on without`;
  return new AtosError("engine/wrong-cache", text, { cause });
}

/** Where this process writes a cache that is not complete yet: one at a time. */
export function draftPath(directory: string): string {
  return join(directory, `${process.pid}.part`);
}

/** Removes what is left of caches that could not be saved: by this process, or by one that was killed meanwhile. */
export async function dropDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const writer = Number(/^(\d+)\.part$/.exec(name)?.[1] ?? 0);
    if (writer > 0 && (writer === process.pid || !isAlive(writer))) await rm(join(directory, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be asked, and is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function readRecord(path: string): Promise<CacheRecord> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, MAX_RECORD_BYTES + TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    const json = recordBytes(tail);
    const record = json === undefined ? undefined : recordSchema.parse(JSON.parse(json.toString("utf8")));
    if (record === undefined || json === undefined || record.stateBytes + json.length + TAIL_BYTES !== size)
      throw wrongCache(path, "it is cut short, or no cache at all");
    return record;
  } catch (error) {
    if (error instanceof AtosError) throw error;
    throw wrongCache(path, messageOf(error), error);
  }
}

function recordBytes(tail: Buffer): Buffer | undefined {
  if (tail.length < TAIL_BYTES || !tail.subarray(-ENDING.length).equals(ENDING)) return undefined;
  const length = tail.readUInt32LE(tail.length - TAIL_BYTES);
  return length > tail.length - TAIL_BYTES ? undefined : tail.subarray(-TAIL_BYTES - length, -TAIL_BYTES);
}

async function hashState(path: string, stateBytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: stateBytes - 1, highWaterMark: EDGE_BYTES }))
    hash.update(chunk);
  return hash.digest("hex");
}

async function readTokens(path: string, stateBytes: number): Promise<readonly number[]> {
  await using file = await open(path, "r");
  const head = Buffer.alloc(TOKENS_AT);
  await file.read(head, 0, TOKENS_AT, 0);
  const tokenBytes = 4 * head.readUInt32LE(TOKENS_AT - 4);
  if (TOKENS_AT + tokenBytes > stateBytes) throw wrongCache(path, "it is damaged");
  const tokens = Buffer.alloc(tokenBytes);
  await file.read(tokens, 0, tokens.length, TOKENS_AT);
  return Array.from({ length: tokens.length / 4 }, (_, index) => tokens.readUInt32LE(4 * index));
}
