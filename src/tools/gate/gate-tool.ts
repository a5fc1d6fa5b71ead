import type { JsonObject } from "../../engine/dialects/reading.ts";
import type { ToolDefinition } from "../../engine/dialects/tool-definition.ts";
import type { Reconciled, ToolAnnotations, ToolCallContext, ToolEffect } from "../tool.ts";

/** What came back from a tool, before anyone is shown it. `ok` false: the tool failed, and `text` says why. */
export type RawResult = { readonly ok: boolean; readonly text: string; readonly structured?: JsonObject };

/** A tool as the gate knows it, whoever serves it: ATOS itself, in memory, or a server of `mcp.json`. */
export type GateTool = {
  /** What a model is told of it. */
  readonly definition: ToolDefinition;
  /** The server it belongs to. */
  readonly server: string;
  /** Whether it is ATOS's own, so that what it says of itself is true. */
  readonly own: boolean;
  readonly annotations: ToolAnnotations;
  readonly effect: ToolEffect;
  readonly pathArguments: readonly string[];
  readonly walks?: boolean;
  readonly commandArgument?: string;
  /** Checks arguments before anything is done with them; `why` is for the model. Pure. */
  validate(
    value: JsonObject,
  ): { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly why: string };
  /** Rejects when the call could not be made or its answer be understood; a tool's own failure is a result. */
  call(value: JsonObject, context: ToolCallContext): Promise<RawResult>;
  /** As `reconcile` of a `Tool`. */
  reconcile?(value: JsonObject, context: ToolCallContext): Promise<Reconciled<RawResult>>;
};
