import type { z } from "zod";

/**
 * What a tool changes, which decides how the ledger guards a call: `none` is run again after a crash; `workspace`
 * is rolled back and run again; `external` is repeated under the same idempotency key, looked up, or asked about.
 */
const TOOL_EFFECTS = ["none", "workspace", "external"] as const;
export type ToolEffect = (typeof TOOL_EFFECTS)[number];

/** The hints of the MCP specification. Hints tell people and programs; what guards a call is `effect`. */
export type ToolAnnotations = {
  readonly readOnly: boolean;
  /** It may overwrite or remove. */
  readonly destructive: boolean;
  /** Twice the same call changes no more than once. */
  readonly idempotent: boolean;
  /** It reaches beyond the workspace. */
  readonly openWorld: boolean;
};

/** What one call comes with, beside its arguments. */
export type ToolCallContext = {
  readonly signal: AbortSignal;
  /** The same when a call that was cut off is made again, and no other call's. */
  readonly idempotencyKey: string;
};

/**
 * `output` is what programs read, `text` what a model reads (absent: the output as JSON). A failure is an
 * observation: what went wrong, and what to do instead, for the model that made the call.
 */
export type ToolResult<Output> =
  | { readonly ok: true; readonly output: Output; readonly text?: string }
  | { readonly ok: false; readonly why: string };

/**
 * What became of an external call that was cut off: it was `done`, with this result; making it again under its key is
 * safe, or it never happened (`repeat`); or nobody can tell.
 */
export type Reconciled<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "repeat" }
  | { readonly kind: "unknown"; readonly why: string };

/** One tool: what a model is told of it, what the gate must know of it, and what it does. */
export type Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> = {
  /** snake_case. */
  readonly name: string;
  readonly title: string;
  /** When to use it and when not. With its arguments at most 60 tokens in a prompt. */
  readonly description: string;
  /** Strict: unknown arguments are refused, not dropped. */
  readonly input: Input;
  readonly output: Output;
  readonly annotations: ToolAnnotations;
  readonly effect: ToolEffect;
  /** Arguments that are paths of the workspace, for the policy's path patterns. */
  readonly pathArguments?: readonly string[];
  /** It shows what stands in files below its paths; in a call without a path, below the whole workspace. */
  readonly walks?: boolean;
  /** The argument that is a shell command, for the policy's command patterns. */
  readonly commandArgument?: string;
  /** Arguments of a typical call. */
  readonly example?: z.input<Input>;
  /** What a failed call is must be a result; what it throws is a bug or a broken machine. */
  run(input: z.output<Input>, call: ToolCallContext): Promise<ToolResult<z.output<Output>>>;
  /** For `external` effects: finds out what became of a call that was cut off. Absent: a person is asked. */
  reconcile?(input: z.output<Input>, call: ToolCallContext): Promise<Reconciled<ToolResult<z.output<Output>>>>;
};

/** Tools that belong together and share what they work on. Disposed when nobody calls them any more. */
export type ToolServer = {
  /** kebab-case, as in `atos mcp NAME`. */
  readonly name: string;
  /** One or two sentences for whoever connects. */
  readonly instructions: string;
  readonly tools: readonly Tool[];
};

/** Gives a tool its types. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): Tool<Input, Output> {
  return tool;
}
