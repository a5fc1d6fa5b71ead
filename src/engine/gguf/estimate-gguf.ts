import { readGgufInfo } from "./gguf-info.ts";
import { adapterBytes } from "../embedded/lora-adapter.ts";
import { type EstimateMachine, estimateMemory } from "./memory-estimate.ts";
import type { GgufSource, MemoryEstimate } from "../model.ts";

/**
 * Bytes a model file and its adapters will take, without loading them.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`, `engine/adapter-not-found`
 */
export async function estimateGguf(source: GgufSource, machine: EstimateMachine = {}): Promise<MemoryEstimate> {
  const [info, ...adapters] = await Promise.all([
    readGgufInfo(source.path),
    ...(source.adapters ?? []).map(({ path }) => adapterBytes(path)),
  ]);
  const allAdapters = adapters.reduce((sum, bytes) => sum + bytes, 0);
  return estimateMemory(info, { ...source, adapterBytes: allAdapters }, machine);
}
