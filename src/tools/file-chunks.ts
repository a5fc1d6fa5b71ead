/** A program is given at most 1 MiB of arguments on some systems, and some of ours are given each name up to three times. */
const MOST_BYTES = 250_000;

/** `files` in parts whose names fit into the arguments of one program; one part where they all do, or there is none. Pure. */
export function fileChunks(files: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let chunk: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = Buffer.byteLength(JSON.stringify(file));
    if (bytes + size > MOST_BYTES && chunk.length > 0) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(file);
    bytes += size;
  }
  return [...chunks, chunk];
}
