import { type FileHandle, open } from "node:fs/promises";
import { modelBroken } from "./gguf-file.ts";

/** Versions that llama.cpp reads. */
const VERSIONS: readonly number[] = [2, 3];
/** Several times what the largest vocabularies take. */
const MAX_HEADER_BYTES = 2 ** 27;
const MAX_ITEMS = 2 ** 22;
const MAX_DIMENSIONS = 4;
const STRING = 8;
const ARRAY = 9;
/** Bytes of a value, by its type's number: `gguf_type` of `gguf.h`. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
]);

/**
 * Walks over what stands before the weights and keeps nothing of it. For the library's reader, which
 * believes every length in it: a wrong one ends in a crash of the process, or in zeros for what lies
 * behind the end of the file.
 *
 * @throws `engine/model-broken`
 */
export async function checkGgufHeader(path: string): Promise<void> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const header = new Header(path, { file, size });
  header.skip("GGUF".length);
  const version = await header.u32();
  if (!VERSIONS.includes(version)) throw modelBroken(path, `it is GGUF version ${version}, and 2 and 3 are known`);
  const tensors = await header.count("tensors");
  const entries = await header.count("entries");
  for (let entry = 0; entry < entries; entry++) {
    await header.skipStrings(1);
    await skipValue(header, await header.u32());
  }
  for (let tensor = 0; tensor < tensors; tensor++) {
    await header.skipStrings(1);
    const dimensions = await header.u32();
    if (dimensions > MAX_DIMENSIONS) throw header.broken(`it has a tensor with ${dimensions} dimensions`);
    // After the dimensions come type and offset.
    header.skip(8 * dimensions + 4 + 8);
  }
}

async function skipValue(header: Header, type: number): Promise<void> {
  if (type === STRING) return header.skipStrings(1);
  if (type !== ARRAY) return header.skip(bytesOf(header, type));
  const itemType = await header.u32();
  const items = await header.count("items");
  if (itemType !== STRING) return header.skip(items * bytesOf(header, itemType));
  return header.skipStrings(items);
}

function bytesOf(header: Header, type: number): number {
  const bytes = VALUE_BYTES.get(type);
  if (bytes === undefined) throw header.broken(`it has a value of the unknown type ${type}`);
  return bytes;
}

const WINDOW_BYTES = 2 ** 20;

/** Reads forward, a window of the file at a time. */
class Header {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #windowAt = 0;
  #windowEnd = 0;
  #at = 0;

  constructor(path: string, { file, size }: { readonly file: FileHandle; readonly size: number }) {
    this.#path = path;
    this.#file = file;
    this.#sizeBytes = size;
  }

  async u32(): Promise<number> {
    await this.#hold(4);
    return this.#take(4);
  }

  async count(what: string): Promise<number> {
    await this.#hold(8);
    const count = this.#take(4) + this.#take(4) * 2 ** 32;
    if (count > MAX_ITEMS) throw this.broken(`it announces ${count} ${what}`);
    return count;
  }

  /** Waits for the file only, and not for each string: a vocabulary has hundreds of thousands. */
  async skipStrings(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      if (!this.#holds(8)) await this.#hold(8);
      this.skip(this.#take(4) + this.#take(4) * 2 ** 32);
    }
  }

  skip(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#sizeBytes)
      throw modelBroken(this.#path, `it is cut short, or damaged: its header goes on to byte ${this.#at}`);
    if (this.#at > MAX_HEADER_BYTES) throw this.broken(`it has more than ${MAX_HEADER_BYTES} bytes`);
  }

  broken(why: string): Error {
    return modelBroken(this.#path, `its header is damaged: ${why}`);
  }

  #holds(bytes: number): boolean {
    return this.#at >= this.#windowAt && this.#at + bytes <= this.#windowEnd;
  }

  /** Sees to it that the next `bytes` are in the window. */
  async #hold(bytes: number): Promise<void> {
    if (this.#holds(bytes)) return;
    const { bytesRead } = await this.#file.read(this.#window, 0, WINDOW_BYTES, this.#at);
    this.#windowAt = this.#at;
    this.#windowEnd = this.#at + bytesRead;
    if (bytesRead < bytes)
      throw modelBroken(this.#path, `it is cut short: its header goes on behind its end, byte ${this.#windowEnd}`);
  }

  /** The next bytes, which the window holds, as a number. */
  #take(bytes: number): number {
    const value = this.#window.readUIntLE(this.#at - this.#windowAt, bytes);
    this.skip(bytes);
    return value;
  }
}
