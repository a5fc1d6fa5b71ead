/** How much is held beyond the limit while the command that went over it dies. */
const SLACK_BYTES = 4 * 1024 * 1024;

/**
 * What a command wrote to its two streams, within one limit for both.
 *
 * Text is decoded only when all bytes are there, so a character that came in two pieces stays whole; what is not
 * UTF-8 becomes U+FFFD.
 */
export class CapturedOutput {
  readonly #limitBytes: number;
  readonly #chunks: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  #totalBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Takes a piece; false once the limit is passed. */
  add(stream: "stdout" | "stderr", chunk: Buffer): boolean {
    if (this.#totalBytes <= this.#limitBytes + SLACK_BYTES) this.#chunks[stream].push(chunk);
    this.#totalBytes += chunk.length;
    return this.#totalBytes <= this.#limitBytes;
  }

  /** Both streams; when they passed the limit, the head and the tail of each that fit, and between them what is left out. */
  texts(): { readonly stdout: string; readonly stderr: string } {
    const stdout = Buffer.concat(this.#chunks.stdout);
    const stderr = Buffer.concat(this.#chunks.stderr);
    const half = Math.floor(this.#limitBytes / 2);
    // A stream that needs less than its half leaves the rest to the other.
    return {
      stdout: headAndTail(stdout, Math.max(half, this.#limitBytes - stderr.length)),
      stderr: headAndTail(stderr, Math.max(half, this.#limitBytes - stdout.length)),
    };
  }
}

function headAndTail(bytes: Buffer, limitBytes: number): string {
  if (bytes.length <= limitBytes) return bytes.toString("utf8");
  const headEnd = characterStart(bytes, Math.ceil(limitBytes / 2));
  const tailStart = characterStart(bytes, bytes.length - Math.floor(limitBytes / 2));
  const leftOut = `\n[... ${tailStart - headEnd} bytes left out ...]\n`;
  return bytes.toString("utf8", 0, headEnd) + leftOut + bytes.toString("utf8", tailStart);
}

/** The nearest index at or before `index` where a UTF-8 character starts; `index` itself where the bytes are no UTF-8. */
function characterStart(bytes: Buffer, index: number): number {
  for (let back = 0; back < 4 && back <= index; back++) {
    const byte = bytes[index - back];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return index - back;
  }
  return index;
}
