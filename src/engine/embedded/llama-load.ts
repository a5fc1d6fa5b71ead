import { freemem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { getLlama, InsufficientMemoryError, type Llama, LlamaLogLevel, type LlamaModel } from "node-llama-cpp";
import { type AtosError, messageOf, missingError } from "../../base/errors.ts";
import { modelBroken } from "../gguf/gguf-file.ts";
import { checkGgufStructure } from "../gguf/gguf-structure.ts";

export type LoadTarget = {
  readonly path: string;
  readonly threads: number;
  readonly gpuLayers?: number | undefined;
  /** Of all slots together: room for that much is left on a GPU that gets as many layers as fit. */
  readonly contextTokens: number;
};

/** Weights in this process. */
export type LoadedWeights = {
  readonly model: LlamaModel;
  /** Finds out why llama.cpp failed at `asked`; without an `error` in the answer it was not the memory. */
  explain(error: unknown, asked: string): Promise<Explanation>;
};

export type Explanation = { readonly reasons: string; readonly outOfMemory?: AtosError };

/** Kept of what llama.cpp says, which may go on for as long as the process lives. */
const MAX_COMPLAINTS = 50;

/**
 * Loads weights into this process. The file is checked before: llama.cpp takes lost bytes for zeros.
 *
 * @throws `engine/model-broken`, `engine/no-gpu`, `engine/not-enough-memory`
 */
export async function loadWeights({ path, threads, gpuLayers, contextTokens }: LoadTarget): Promise<LoadedWeights> {
  await checkGgufStructure(path);
  const complaints: string[] = [];
  const llama = await getLlama({
    gpu: gpuLayers === 0 ? false : "auto",
    build: "never",
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
    logger: (_, text) => {
      complaints.push(text.trim());
      complaints.splice(0, Math.max(0, complaints.length - MAX_COMPLAINTS));
    },
  });
  if (gpuLayers !== undefined && gpuLayers > 0 && llama.gpu === false) {
    const why = `${gpuLayers} layers of ${path} should go to a GPU, and llama.cpp finds none that it can use`;
    throw missingError("engine/no-gpu", `${why}; load it with gpuLayers 0, or see what "atos doctor" says of the GPU`);
  }
  const explain = async (error: unknown, asked: string): Promise<Explanation> => {
    // The library hands llama.cpp's reasons over a little after the failure itself.
    await delay(50);
    const said = complaints.splice(0).filter((line) => line !== "");
    const reasons = [...new Set([messageOf(error), ...said])].slice(0, 4).join(": ");
    if (!isAboutMemory(error, reasons)) return { reasons };
    const why = `there is not enough memory for ${asked} of ${path}: ${reasons}; free are ${await freeMemory(llama)}`;
    const text = `${why}; use a smaller model, context or number of slots`;
    return { reasons, outOfMemory: missingError("engine/not-enough-memory", text, error) };
  };
  const fitting = llama.gpu === false ? 0 : { fitContext: { contextSize: contextTokens } };
  const model = await llama
    .loadModel({ modelPath: path, gpuLayers: gpuLayers ?? fitting })
    .catch(async (error: unknown) => {
      const { reasons, outOfMemory } = await explain(error, "the weights");
      throw outOfMemory ?? modelBroken(path, reasons, error);
    });
  return { model, explain };
}

/**
 * Refuses what needs more system memory than there is. llama.cpp itself is given any amount and killed
 * by the system when it fills it.
 *
 * @throws `engine/not-enough-memory`
 */
export function checkSystemMemory(neededBytes: number, what: string): void {
  const freeBytes = systemMemory();
  if (neededBytes <= freeBytes) return;
  const why = `${what} needs ${mebibytes(neededBytes)} of system memory, and ${mebibytes(freeBytes)} are free`;
  throw missingError("engine/not-enough-memory", `${why}; use a smaller model, context or number of slots`);
}

/** What is free, within the limit of a container. The limit counts whole: much of what is used is cached files. */
function systemMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(freemem(), limit) : freemem();
}

function isAboutMemory(error: unknown, said: string): boolean {
  return error instanceof InsufficientMemoryError || /alloc|out of (device |host )?memory/i.test(said);
}

async function freeMemory(llama: Llama): Promise<string> {
  const system = `${mebibytes(systemMemory())} of system memory`;
  if (llama.gpu === false) return system;
  const { free, total } = await llama.getVramState();
  return `${system} and ${mebibytes(free)} of ${mebibytes(total)} of GPU memory`;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
