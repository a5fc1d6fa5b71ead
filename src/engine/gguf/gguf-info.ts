import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type GgufFileInfo, GgufFileType, type GgufTensorInfo, GgmlType } from "node-llama-cpp";
import type { z } from "zod";
import { modelBroken } from "./gguf-file.ts";
import { partPaths, readGgufHeader } from "./gguf-header.ts";
import { type GgufArchitecture, type GgufGeneral, ggufArchitecture, ggufGeneral } from "./gguf-metadata.ts";
import { layerKinds, stateBytes } from "./layer-kinds.ts";
import type { ModelShape, Pooling } from "./memory-estimate.ts";
import { type TemplateFamily, templateFamily } from "./template-family.ts";
import { tensorBytes, tensorElements } from "./tensor-bytes.ts";

/** What a GGUF file says of its model; nothing of it is tried out. */
export type GgufInfo = ModelShape & {
  readonly architecture: string;
  readonly name?: string | undefined;
  readonly licence?: string | undefined;
  /** As files are named: `Q4_K_M`, `Q8_0`, `F16`. */
  readonly quantisation: string;
  /** False when no tensor is of the type the file calls itself by; then `quantisation` is that of most weights. */
  readonly quantisationAsNamed: boolean;
  readonly tokenizer: "spm" | "bpe" | "wpm" | "unigram" | "none" | "other";
  /** Absent for a model that is no chat model. */
  readonly template?: { readonly family: TemplateFamily; readonly hasThinking: boolean } | undefined;
  /** `bytes` are part of `weightsBytes`. */
  readonly experts?: { readonly count: number; readonly used: number; readonly bytes: number } | undefined;
  readonly layerBytes: readonly number[];
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** A model may be split; the numbers are those of the parts that were read. */
  readonly parts: { readonly count: number; readonly read: number };
};

/**
 * Reads what a GGUF file says of its model: the header alone, of all parts when they lie beside it, else
 * of the one that was named.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`
 */
export async function readGgufInfo(path: string): Promise<GgufInfo> {
  const source = resolve(path);
  const paths = partPaths(source);
  const isWhole = (await Promise.all(paths.map(isFile))).every(Boolean);
  const header = await readGgufHeader(source, isWhole ? "all" : "this");
  return ggufInfo(source, header, { count: paths.length, read: isWhole ? paths.length : 1 });
}

function ggufInfo(path: string, header: GgufFileInfo, parts: GgufInfo["parts"]): GgufInfo {
  const general = parsed(ggufGeneral, header.metadata, path);
  const { architecture, name, license } = general.general;
  const data = parsed(ggufArchitecture, header.architectureMetadata, path);
  const tensors = header.fullTensorInfo ?? [];
  const vocabulary = data.vocab_size ?? general.tokenizer?.ggml?.tokens?.length ?? 0;
  return {
    architecture,
    name,
    licence: license,
    ...quantisation(general.general.file_type, tensors),
    ...shapeOf(architecture, data),
    ...sizes(path, tensors, data.block_count),
    experts: experts(data, tensors),
    vocabulary,
    merges: general.tokenizer?.ggml?.merges?.length ?? 0,
    tokenizer: tokenizerKind(general),
    template: template(general),
    parts,
  };
}

type Sizes = Pick<GgufInfo, "parameters" | "weightsBytes" | "layerBytes" | "inputBytes" | "outputBytes">;

function sizes(path: string, tensors: readonly GgufTensorInfo[], layers: number): Sizes {
  const layerBytes = Array.from({ length: layers }, () => 0);
  let [parameters, weightsBytes, inputBytes, outputBytes] = [0, 0, 0, 0];
  const hasOutput = tensors.some(({ name }) => name === "output.weight");
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor, path);
    parameters += tensorElements(tensor);
    weightsBytes += bytes;
    const layer = Number(/^blk\.(\d+)\./.exec(tensor.name)?.[1] ?? -1);
    if (layer >= 0 && layer < layers) layerBytes[layer] = (layerBytes[layer] ?? 0) + bytes;
    // As `llm_tensor_info_mapping` in `llama-arch.cpp`.
    else if (/^(?:token_embd|token_types|position_embd|per_layer_token_embd)/.test(tensor.name)) inputBytes += bytes;
    else if (hasOutput) outputBytes += bytes;
  }
  return { parameters, weightsBytes, layerBytes, inputBytes, outputBytes };
}

function bytesOf(tensor: GgufTensorInfo, path: string): number {
  const bytes = tensorBytes(tensor);
  if (bytes !== undefined) return bytes;
  throw modelBroken(path, `its tensor ${tensor.name} is of type ${tensor.ggmlType}, which is not known`);
}

type Shape = Omit<ModelShape, keyof Sizes | "architecture" | "vocabulary" | "merges">;

function shapeOf(architecture: string, data: GgufArchitecture): Shape {
  const { attention, embedding_length: width, block_count: layers } = data;
  const heads = attention.head_count ?? 0;
  const headLength = heads === 0 ? 0 : width / (typeof heads === "number" ? heads : Math.max(1, ...heads));
  const kinds = layerKinds(architecture, data);
  const { key_length: key = headLength, value_length: value = headLength } = attention;
  const keyValueHeads = attention.head_count_kv ?? heads;
  const recurrent = kinds.filter((kind) => kind === "recurrent" || kind === "both").length;
  const perKind = (usual: number, ofWindow: number | undefined): number | number[] =>
    ofWindow === undefined || ofWindow === usual ? usual : kinds.map((kind) => (kind === "window" ? ofWindow : usual));
  const caches = kinds.map((kind) => kind !== "recurrent" && kind !== "none");
  return {
    layers,
    embeddingLength: width,
    hiddenLength: hiddenLength(data),
    heads,
    keyValueHeads: caches.every(Boolean) ? keyValueHeads : caches.map((does, i) => (does ? at(keyValueHeads, i) : 0)),
    keyLength: perKind(key, attention.key_length_swa),
    // With latent attention the values are part of the keys and not cached again (`llama_kv_cache`).
    valueLength: attention.key_length_mla === undefined ? perKind(value, attention.value_length_swa) : 0,
    trainedContextTokens: data.context_length ?? 0,
    slidingWindow: kinds.includes("window")
      ? { tokens: attention.sliding_window ?? 0, layers: kinds.map((kind) => kind === "window") }
      : undefined,
    recurrentBytesPerSlot: recurrent * stateBytes(data),
    pooling: data.pooling_type === undefined ? undefined : POOLING.get(data.pooling_type),
    causal: attention.causal ?? true,
  };
}

const POOLING: ReadonlyMap<number, Pooling> = new Map([
  [0, "none"],
  [1, "mean"],
  [2, "cls"],
  [3, "last"],
  [4, "rank"],
]);

function hiddenLength(data: GgufArchitecture): number {
  const hidden = data.feed_forward_length ?? 0;
  const dense = typeof hidden === "number" ? hidden : Math.max(0, ...hidden);
  if ((data.expert_count ?? 0) === 0) return dense;
  const ofExpert = data.expert_feed_forward_length ?? dense;
  return Math.max(dense, ofExpert * (data.expert_used_count ?? 1) + (data.expert_shared_feed_forward_length ?? 0));
}

function experts(data: GgufArchitecture, tensors: readonly GgufTensorInfo[]): GgufInfo["experts"] {
  const count = data.expert_count ?? 0;
  if (count === 0) return undefined;
  const own = tensors.filter(({ name }) => /^blk\.\d+\.ffn_\w+_exps\./.test(name));
  const bytes = own.reduce((sum, tensor) => sum + (tensorBytes(tensor) ?? 0), 0);
  return { count, used: data.expert_used_count ?? 1, bytes };
}

type Quantisation = Pick<GgufInfo, "quantisation" | "quantisationAsNamed">;

/** The name in the file, unless no tensor is of a type with as many bits. */
function quantisation(fileType: number | undefined, tensors: readonly GgufTensorInfo[]): Quantisation {
  const elements = new Map<string, number>();
  for (const tensor of tensors) {
    const type = GgmlType[tensor.ggmlType] ?? `type ${tensor.ggmlType}`;
    elements.set(type, (elements.get(type) ?? 0) + tensorElements(tensor));
  }
  const most = [...elements].toSorted((one, other) => other[1] - one[1])[0]?.[0] ?? "unknown";
  const named = fileType === undefined ? undefined : GgufFileType[fileType]?.replace(/^(?:MOSTLY|ALL)_/, "");
  if (named !== undefined && [...elements.keys()].some((type) => precision(type) === precision(named)))
    return { quantisation: named, quantisationAsNamed: true };
  return { quantisation: most, quantisationAsNamed: false };
}

/** `Q4` of `Q4_K_M` and of `IQ4_XS`, `BF16` of `BF16`. */
function precision(type: string): string {
  return /^I?([A-Z]+\d+)/.exec(type)?.[1] ?? type;
}

const TOKENIZERS: ReadonlyMap<string, GgufInfo["tokenizer"]> = new Map([
  ["llama", "spm"],
  ["gpt2", "bpe"],
  ["bert", "wpm"],
  ["t5", "unigram"],
  ["none", "none"],
  ["no_vocab", "none"],
]);

function tokenizerKind(general: GgufGeneral): GgufInfo["tokenizer"] {
  return TOKENIZERS.get(general.tokenizer?.ggml?.model ?? "none") ?? "other";
}

function template(general: GgufGeneral): GgufInfo["template"] {
  const source = general.tokenizer?.chat_template;
  if (source === undefined) return undefined;
  return { family: templateFamily(source), hasThinking: /\benable_thinking\b/.test(source) };
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, path: string): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw modelBroken(path, `its header lacks ${issue?.path.join(".") ?? "what it needs"} (${issue?.message ?? ""})`);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

function at(value: number | readonly number[], layer: number): number {
  return typeof value === "number" ? value : (value[layer] ?? 0);
}
