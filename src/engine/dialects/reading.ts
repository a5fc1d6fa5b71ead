/** Why a turn is sent back to the model. When several reasons apply the first of this list is given. */
export const WHYS = [
  "empty",
  "result-without-call",
  "truncated",
  "unparsable",
  "ambiguous",
  "not-literal",
  "unknown-tool",
  "nul-in-argument",
  "conflicting-arguments",
  "unknown-argument",
  "missing-argument",
  "bad-type",
  "bad-value",
] as const;
export type Why = (typeof WHYS)[number];

/** The families of call syntax. */
export const DIALECTS = [
  "hermes-xml",
  "qwen3-coder-xml",
  "mistral",
  "llama3",
  "bare-json",
  "fenced-json",
  "openai-tool-calls",
  "pythonic",
  "react-action",
  "file-block",
  "search-replace",
  "tagged",
  "invoke",
  "glm",
  "deepseek",
  "kimi",
  "gemma",
  "harmony",
] as const;
export type Dialect = (typeof DIALECTS)[number];

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** What one turn of a model says. */
export type Reading =
  | {
      readonly kind: "call";
      readonly name: string;
      readonly arguments: JsonObject;
      /** How many further, different calls were written in the same turn; they are not run. */
      readonly also: number;
      readonly dialect: Dialect;
      readonly reasoning: string;
      /** The prose before the call. */
      readonly text: string;
    }
  | { readonly kind: "text"; readonly text: string; readonly reasoning: string }
  | {
      readonly kind: "invalid";
      readonly why: Why;
      /** Short and exact, to be sent back to the model. */
      readonly message: string;
      readonly reasoning: string;
    };
