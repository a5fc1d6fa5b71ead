import { usageError } from "../../base/errors.ts";
import type { GenerateRequest, Prompt, ReplyShape, RequestOption } from "../model.ts";
import type { ServerIdentity, ServerKind } from "./server-kind.ts";

/** What every server with OpenAI's API is held to honour. */
const STANDARD: readonly RequestOption[] = ["stop", "topP", "presencePenalty", "frequencyPenalty"];

const OPTIONS: Readonly<Record<ServerKind, readonly RequestOption[]>> = {
  "llama.cpp": [...STANDARD, "topK", "minP", "repeatPenalty", "shape"],
  vllm: [...STANDARD, "topK", "minP", "repeatPenalty", "shape"],
  // Its OpenAI endpoint has no fields for top_k, min_p and repeat_penalty.
  ollama: ["stop", "topP", "shape"],
  "lm-studio": [...STANDARD, "topK", "repeatPenalty", "shape"],
  "hugging-face": STANDARD,
  openai: STANDARD,
};

/** How many requests ATOS sends at once where the server does not say how many it computes together. */
const SLOTS: Readonly<Record<ServerKind, number>> = {
  "llama.cpp": 1,
  vllm: 16,
  ollama: 1,
  "lm-studio": 1,
  "hugging-face": 4,
  openai: 4,
};

/** The first Ollama whose every model is sampled by llama.cpp; before, newer models ignored the penalties. */
const OLLAMA_PENALTIES = [0, 30] as const;

/**
 * The request options that a server of this kind and version truly honours. `thinks` says whether the
 * model's template was seen to know of thinking.
 */
export function serverOptions(identity: ServerIdentity, thinks: boolean): ReadonlySet<RequestOption> {
  const options = new Set(OPTIONS[identity.kind]);
  if (identity.kind === "ollama" && isAtLeast(identity.version, OLLAMA_PENALTIES))
    options.add("presencePenalty").add("frequencyPenalty");
  if (thinks) options.add("thinking");
  return options;
}

/** @throws `engine/unsupported-option` for a shape that this kind can't force. */
export function checkShape(shape: ReplyShape | undefined, kind: ServerKind): void {
  if (shape?.kind !== "gbnf" || kind === "llama.cpp") return;
  const why = `a ${kind} server can't be held to a GBNF grammar; only llama.cpp can`;
  throw usageError("engine/unsupported-option", `${why}; ask for a JSON schema, or choose another model`);
}

export function serverSlots({ kind, slots }: ServerIdentity): number {
  return slots ?? SLOTS[kind];
}

/** The fields of a chat completion that carry the options of a request, by the names this kind has for them. */
export function optionFields(request: GenerateRequest, kind: ServerKind): { readonly [field: string]: unknown } {
  const { stop, topK, topP, minP, repeatPenalty, presencePenalty, frequencyPenalty, shape } = request;
  const fields = {
    stop: stop === undefined || stop.length === 0 ? undefined : stop,
    top_p: topP,
    // vLLM before 0.9 knows no other way to say "all".
    top_k: kind === "vllm" && topK === 0 ? -1 : topK,
    min_p: minP,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    ...(kind === "vllm" ? { repetition_penalty: repeatPenalty } : { repeat_penalty: repeatPenalty }),
    // As far back as the contract says, whatever the server was started with.
    repeat_last_n: kind === "llama.cpp" && repeatPenalty !== undefined ? 64 : undefined,
    ...shapeFields(shape),
    ...thinkingFields(request, kind),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What tells a server's template to think or not; for the chat itself and for counting it. */
export function thinkingFields({ thinking }: Prompt, kind: ServerKind): { readonly [field: string]: unknown } {
  if (thinking === undefined) return {};
  if (kind === "ollama") return { reasoning_effort: thinking === "on" ? "medium" : "none" };
  // The first name is that of Qwen's and most other templates, the second that of DeepSeek's and Granite's.
  return { chat_template_kwargs: { enable_thinking: thinking === "on", thinking: thinking === "on" } };
}

function shapeFields(shape: ReplyShape | undefined): { readonly [field: string]: unknown } {
  if (shape === undefined) return {};
  if (shape.kind === "gbnf") return { grammar: shape.grammar };
  const { schema } = shape;
  return { response_format: { type: "json_schema", json_schema: { name: "reply", strict: true, schema } } };
}

/** Whether a version such as `0.12.6` is at least the wanted one; an unreadable one is not. */
export function isAtLeast(version: string | undefined, wanted: readonly [number, number]): boolean {
  const found = /^v?(\d+)\.(\d+)/.exec(version ?? "");
  if (found === null) return false;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}
