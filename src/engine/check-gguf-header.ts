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
    await header.skipString();
    await skipValue(header, await header.u32());
  }
  for (let tensor = 0; tensor < tensors; tensor++) {
    await header.skipString();
    const dimensions = await header.u32();
    if (dimensions > MAX_DIMENSIONS) throw header.broken(`it has a tensor with ${dimensions} dimensions`);
    // After the dimensions come type and offset.
    header.skip(8 * dimensions + 4 + 8);
  }
}

async function skipValue(header: Header, type: number): Promise<void> {
  if (type === STRING) return header.skipString();
  if (type !== ARRAY) return header.skip(bytesOf(header, type));
  const itemType = await header.u32();
  const items = await header.count("items");
  if (itemType !== STRING) return header.skip(items * bytesOf(header, itemType));
  for (let item = 0; item < items; item++) await header.skipString();
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
    return this.#window.readUInt32LE(await this.#take(4));
  }

  async count(what: string): Promise<number> {
    const count = await this.#u64();
    if (count > MAX_ITEMS) throw this.broken(`it announces ${count} ${what}`);
    return count;
  }

  async skipString(): Promise<void> {
    const bytes = await this.#u64();
    this.skip(bytes);
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

  async #u64(): Promise<number> {
    return Number(this.#window.readBigUInt64LE(await this.#take(8)));
  }

  /** Goes over `bytes` and returns where they stand in the window. */
  async #take(bytes: number): Promise<number> {
    const start = this.#at;
    this.skip(bytes);
    if (start < this.#windowAt || this.#at > this.#windowEnd) {
      const { bytesRead } = await this.#file.read(this.#window, 0, WINDOW_BYTES, start);
      this.#windowAt = start;
      this.#windowEnd = start + bytesRead;
      if (this.#at > this.#windowEnd) throw this.broken("it ends early");
    }
    return start - this.#windowAt;
  }
}
