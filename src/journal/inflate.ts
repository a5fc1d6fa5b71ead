import { promisify } from "node:util";
import { inflate as inflateElsewhere, inflateSync } from "node:zlib";

/** Beyond this another thread does it. */
const SMALL_BYTES = 64 * 1024;

const inflateLarge = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateElsewhere);

/**
 * What `compressed` begins with, unpacked; what follows it is ignored. Undefined when it is damaged or has more than
 * `maxBytes`.
 */
export async function inflate(compressed: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  const options = { maxOutputLength: Math.max(1, maxBytes) };
  try {
    return compressed.length > SMALL_BYTES ? await inflateLarge(compressed, options) : inflateSync(compressed, options);
  } catch {
    return undefined;
  }
}
