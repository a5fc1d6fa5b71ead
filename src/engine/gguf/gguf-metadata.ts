import { z } from "zod";

const count = z.union([z.number(), z.bigint().transform(Number)]);
/** Twice as many as llama.cpp can hold (`LLAMA_MAX_LAYERS`). */
const MAX_LAYERS = 1024;
const layers = count.refine((value) => Number.isInteger(value) && value >= 1 && value <= MAX_LAYERS, {
  error: `must be 1 to ${MAX_LAYERS}`,
});
const counts = z.union([count, z.array(count)]);

/** `general.*` and `tokenizer.*` of a GGUF file, as far as ATOS asks. */
export const ggufGeneral = z.object({
  general: z.object({
    architecture: z.string(),
    name: z.string().optional().catch(undefined),
    license: z.string().optional().catch(undefined),
    file_type: count.optional().catch(undefined),
  }),
  split: z.object({ count }).optional().catch(undefined),
  tokenizer: z
    .object({
      ggml: z
        .object({
          model: z.string().optional(),
          tokens: z.array(z.string()).optional(),
          merges: z.array(z.string()).optional(),
        })
        .optional(),
      chat_template: z.string().optional(),
    })
    .optional()
    .catch(undefined),
});

export type GgufGeneral = z.infer<typeof ggufGeneral>;

/** The keys under the architecture's own name. */
export const ggufArchitecture = z.object({
  block_count: layers,
  context_length: count.optional(),
  embedding_length: count,
  feed_forward_length: counts.optional(),
  vocab_size: count.optional(),
  full_attention_interval: count.optional(),
  expert_count: count.optional(),
  expert_used_count: count.optional(),
  expert_feed_forward_length: count.optional(),
  expert_shared_feed_forward_length: count.optional(),
  pooling_type: count.optional(),
  token_shift_count: count.optional(),
  attention: z
    .object({
      head_count: counts.optional(),
      head_count_kv: counts.optional(),
      key_length: count.optional(),
      value_length: count.optional(),
      key_length_mla: count.optional(),
      key_length_swa: count.optional(),
      value_length_swa: count.optional(),
      sliding_window: count.optional(),
      sliding_window_pattern: z.union([count, z.array(z.union([z.boolean(), count]))]).optional(),
      shared_kv_layers: count.optional(),
      causal: z.boolean().optional(),
    })
    .default({}),
  ssm: z
    .object({
      conv_kernel: count.optional(),
      inner_size: count.optional(),
      state_size: count.optional(),
      group_count: count.optional(),
    })
    .optional(),
  wkv: z.object({ head_size: count.optional() }).optional(),
  kda: z.object({ head_dim: count.optional() }).optional(),
  shortconv: z.object({ l_cache: count.optional() }).optional(),
});

export type GgufArchitecture = z.infer<typeof ggufArchitecture>;
