import { type GgufFileInfo, readGgufFileInfo } from "node-llama-cpp";
import { messageOf } from "../../base/errors.ts";
import { checkGgufHeader } from "./check-gguf-header.ts";
import { checkGgufFile, modelBroken } from "./gguf-file.ts";

/**
 * Reads what stands before the weights, of all parts of a split model or of this one only. Trust nothing
 * in it but its form.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`
 */
export async function readGgufHeader(path: string, parts: "all" | "this"): Promise<GgufFileInfo> {
  const spliceSplitFiles = parts === "all";
  for (const part of spliceSplitFiles ? partPaths(path) : [path]) {
    await checkGgufFile(part);
    await checkGgufHeader(part);
  }
  const options = { sourceType: "filesystem", logWarnings: false, spliceSplitFiles } as const;
  return readGgufFileInfo(path, options).catch((error: unknown) => {
    throw modelBroken(path, `its header can't be read (${messageOf(error)})`, error);
  });
}

/** The paths of all parts of a split model, or the path itself. */
export function partPaths(path: string): readonly string[] {
  const name = /^([^]*)-\d{5}-of-(\d{5})\.gguf$/.exec(path);
  if (name === null) return [path];
  const [, stem = "", total = ""] = name;
  const part = (index: number): string => `${stem}-${String(index + 1).padStart(5, "0")}-of-${total}.gguf`;
  return Array.from({ length: Math.max(1, Number(total)) }, (_, index) => part(index));
}
