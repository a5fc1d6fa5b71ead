import { stat } from "node:fs/promises";
import { readGgufFileInfo } from "node-llama-cpp";
import { messageOf } from "../base/errors.ts";
import { modelBroken } from "./gguf-file.ts";

/** Compares what the header announces with the size of the file: the reader itself takes lost bytes for zeros. */
export async function checkGgufStructure(path: string): Promise<void> {
  const { size } = await stat(path);
  const info = await readGgufFileInfo(path, { sourceType: "filesystem", logWarnings: false }).catch(
    (error: unknown) => {
      throw modelBroken(path, `its header can't be read (${messageOf(error)})`, error);
    },
  );
  const tensorStarts = (info.tensorInfo ?? []).map((tensor) => Number(tensor.fileOffset));
  const atLeast = Math.max(info.infoEndOffset ?? 0, ...tensorStarts);
  if (atLeast >= size) throw modelBroken(path, `it is cut short: it has ${size} bytes of more than ${atLeast}`);
  if (info.splicedParts > 1)
    throw modelBroken(path, `it is one of ${info.splicedParts} parts; join them with llama-gguf-split --merge`);
}
