import { stat } from "node:fs/promises";
import { modelBroken } from "./gguf-file.ts";
import { readGgufHeader } from "./gguf-header.ts";
import { tensorBytes } from "./tensor-bytes.ts";

/** Compares what the header announces with the size of the file: the reader itself takes lost bytes for zeros. */
export async function checkGgufStructure(path: string): Promise<void> {
  const { size } = await stat(path);
  const info = await readGgufHeader(path, "all");
  // Of a type that is not known here only the beginning is checked.
  const ends = (info.tensorInfo ?? []).map((tensor) => Number(tensor.fileOffset) + (tensorBytes(tensor) ?? 1));
  const atLeast = Math.max(info.infoEndOffset ?? 0, ...ends);
  if (atLeast > size) throw modelBroken(path, `it is cut short: it has ${size} bytes of at least ${atLeast}`);
  if (info.splicedParts > 1)
    throw modelBroken(path, `it is one of ${info.splicedParts} parts; join them with llama-gguf-split --merge`);
}
