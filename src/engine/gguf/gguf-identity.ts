import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, resolve } from "node:path";
import { checkGgufFile } from "./gguf-file.ts";
import type { ModelIdentity } from "../model.ts";

/**
 * Says which weights a file holds. Reads all of it, in pieces; the number of bytes is that of what was
 * hashed, whatever happens to the file meanwhile.
 *
 * @throws what `checkGgufFile` throws; the reason of `signal` when it aborts.
 */
export async function identifyGguf(path: string, signal?: AbortSignal): Promise<ModelIdentity> {
  const source = resolve(path);
  await checkGgufFile(source);
  const hash = createHash("sha256");
  let bytes = 0;
  const stream = createReadStream(source, { highWaterMark: 1024 * 1024 });
  for await (const chunk of stream.iterator({ destroyOnReturn: true })) {
    signal?.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { id: ggufId(source), source, sha256: hash.digest("hex"), bytes };
}

/** The name a model file goes by unless a roster gives it another. */
export function ggufId(path: string): string {
  return basename(path).replace(/\.gguf$/i, "");
}
