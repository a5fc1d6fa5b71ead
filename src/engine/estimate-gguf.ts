import { stat } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { modelBroken } from "./gguf-file.ts";
import { readGgufInfo } from "./gguf-info.ts";
import { type EstimateMachine, estimateMemory } from "./memory-estimate.ts";
import type { GgufSource, MemoryEstimate } from "./model.ts";

/**
 * Bytes a model file and its adapters will take, without loading them.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`
 */
export async function estimateGguf(source: GgufSource, machine: EstimateMachine = {}): Promise<MemoryEstimate> {
  const [info, ...adapters] = await Promise.all([
    readGgufInfo(source.path),
    ...(source.adapters ?? []).map(({ path }) => fileBytes(path)),
  ]);
  const adapterBytes = adapters.reduce((sum, bytes) => sum + bytes, 0);
  return estimateMemory(info, { ...source, adapterBytes }, machine);
}

async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw modelBroken(path, messageOf(error), error);
  });
  return found.size;
}
