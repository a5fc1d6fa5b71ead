import { stat } from "node:fs/promises";
import type { LlamaModel } from "node-llama-cpp";
import { type AtosError, messageOf, missingError } from "../../base/errors.ts";
import { readGgufHeader } from "../gguf/gguf-header.ts";
import type { Adapter } from "../model.ts";

/**
 * Looks whether a file is a LoRA adapter for this architecture. Whether its shapes fit is found when it
 * is loaded.
 *
 * @throws `engine/adapter-not-found`, `engine/wrong-adapter`
 */
export async function checkAdapter({ path }: Adapter, model: LlamaModel): Promise<void> {
  await adapterBytes(path);
  const { metadata } = await readGgufHeader(path, "this").catch((error: unknown) => {
    throw wrongAdapter([path], messageOf(error), error);
  });
  const { general } = metadata;
  if (!("type" in general) || general.type !== "adapter") throw wrongAdapter([path], "it holds no adapter");
  if (general.architecture !== model.architecture)
    throw wrongAdapter([path], `it is for ${general.architecture} models, and this one is ${model.architecture}`);
}

/** @throws `engine/adapter-not-found` */
export async function adapterBytes(path: string): Promise<number> {
  const { size } = await stat(path).catch((error: unknown) => {
    const why = `there is no adapter file ${path}; check the path, or load the model without it`;
    throw missingError("engine/adapter-not-found", why, error);
  });
  return size;
}

export function wrongAdapter(paths: readonly string[], why: string, cause?: unknown): AtosError {
  const text = `the adapter ${paths.join(", ")} can't be used: ${why}; use one that was made for this model`;
  return missingError("engine/wrong-adapter", text, cause);
}
