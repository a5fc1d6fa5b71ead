import type { GgufArchitecture } from "./gguf-metadata.ts";

/** What a layer remembers: the whole context, a window of it, a state of fixed size, or nothing of its own. */
export type LayerKind = "full" | "window" | "recurrent" | "both" | "none";

/**
 * Every n-th layer sees the whole context, where the file does not say it: `set_swa_pattern` in
 * `llama_model::load_hparams`. Other architectures ignore their window.
 */
const WINDOW_PATTERN: ReadonlyMap<string, { readonly every: number; readonly fullFirst?: true }> = new Map([
  ["afmoe", { every: 4 }],
  ["cohere2", { every: 4 }],
  ["exaone4", { every: 4 }],
  ["exaone-moe", { every: 4 }],
  ["gemma2", { every: 2 }],
  ["gemma3", { every: 6 }],
  ["gemma3n", { every: 5 }],
  ["gemma-embedding", { every: 6 }],
  ["gpt-oss", { every: 2 }],
  ["llama4", { every: 4 }],
  ["modern-bert", { every: 3, fullFirst: true }],
  ["olmo2", { every: 4 }],
  ["plamo3", { every: 8 }],
  ["smallthinker", { every: 4, fullFirst: true }],
]);

const INTERVAL_ARCHITECTURES: ReadonlySet<string> = new Set(["qwen3next", "qwen35", "qwen35moe"]);
const DEFAULT_ATTENTION_INTERVAL = 4;

/** The kind of each layer, by the rules of llama.cpp. Pure. */
export function layerKinds(architecture: string, data: GgufArchitecture): LayerKind[] {
  return Array.from({ length: data.block_count }, (_, layer) => layerKind(architecture, data, layer));
}

function layerKind(architecture: string, data: GgufArchitecture, layer: number): LayerKind {
  const { attention } = data;
  if (architecture === "falcon-h1") return "both";
  if (INTERVAL_ARCHITECTURES.has(architecture)) {
    const interval = data.full_attention_interval ?? DEFAULT_ATTENTION_INTERVAL;
    return (layer + 1) % interval === 0 ? "full" : "recurrent";
  }
  const heads = attention.head_count_kv ?? attention.head_count ?? 0;
  if ((typeof heads === "number" ? heads : (heads[layer] ?? 0)) === 0) {
    const hidden = data.feed_forward_length;
    const feedsForward = architecture.startsWith("nemotron_h") && Array.isArray(hidden) && (hidden[layer] ?? 0) > 0;
    return feedsForward || stateBytes(data) === 0 ? "none" : "recurrent";
  }
  if (layer >= data.block_count - (attention.shared_kv_layers ?? 0)) return "none";
  return seesWindowOnly(architecture, data, layer) ? "window" : "full";
}

function seesWindowOnly(architecture: string, data: GgufArchitecture, layer: number): boolean {
  const { sliding_window: window = 0, sliding_window_pattern: pattern } = data.attention;
  if (window <= 0 || window >= (data.context_length ?? Number.POSITIVE_INFINITY)) return false;
  if (Array.isArray(pattern)) return Boolean(pattern[layer]);
  const known = WINDOW_PATTERN.get(architecture);
  const every = pattern ?? known?.every ?? 1;
  if (every === 0) return true;
  return known?.fullFirst === true ? layer % every !== 0 : layer % every < every - 1;
}

/** Bytes of the state that one recurrent layer keeps for one slot: `n_embd_r` and `n_embd_s` of `llama_hparams`, in f32. */
export function stateBytes(data: GgufArchitecture): number {
  const { embedding_length: width, attention, ssm = {} } = data;
  const { conv_kernel: kernel = 0, inner_size: inner = 0, state_size: state = 0, group_count: groups = 0 } = ssm;
  const wkv = data.wkv?.head_size ?? 0;
  const kda = data.kda?.head_dim ?? 0;
  const history = data.shortconv?.l_cache ?? 0;
  const heads =
    typeof attention.head_count === "number" ? attention.head_count : Math.max(...(attention.head_count ?? [0]));
  const bytes = (shift: number, memory: number): number => (shift + memory) * Float32Array.BYTES_PER_ELEMENT;
  if (wkv > 0) return bytes((data.token_shift_count ?? 0) * width, width * wkv);
  if (history > 0) return bytes(width * (history - 1), 0);
  if (kda > 0) return bytes(3 * (kernel > 0 ? kernel - 1 : 3) * heads * kda, kda * kda * heads);
  return bytes(Math.max(0, kernel - 1) * (inner + 2 * groups * state), state * inner);
}
