import { randomUUID } from "node:crypto";
import {
  type CallToolResult,
  McpServer,
  type ServerContext,
  type StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
import { AtosError } from "../../base/errors.ts";
import type { Tool, ToolServer } from "../tool.ts";
import { argumentProblem } from "./argument-problem.ts";
import { exceedsSize } from "./exceeds-size.ts";

/** The `_meta` key of a call's idempotency key; without one, every call is a new one. */
export const IDEMPOTENCY_META = "atos/idempotency-key";
const MAX_ARGUMENT_CHARS = 8 * 1024 * 1024;
const MAX_ARGUMENT_VALUES = 10_000;
/** Of text and structured output together. */
const MAX_RESULT_CHARS = 2 * 1024 * 1024;
const PROGRESS_MS = 10_000;

export type McpServerOptions = {
  /** ATOS's. */
  readonly version: string;
  /** Why a call must not be made, for whoever makes it; undefined lets it through. Asked after the arguments were found good. */
  readonly refuse?: (tool: Tool, input: Readonly<Record<string, unknown>>) => string | undefined;
  /** Told what a tool threw or got wrong; the caller is told that it broke down, and nothing of the inside. */
  readonly onThrown?: (thrown: unknown, tool: string, idempotencyKey: string) => void;
  /** How often a caller that wants to know is told that a call is still at work. Default: 10 s. */
  readonly progressMs?: number;
};

/**
 * The one way ATOS serves tools: in memory, over stdio and over HTTP alike. Every schema is strict, so that an
 * argument which is not known is an error, not dropped; what a tool gives back is held against its output schema.
 */
export function makeMcpServer(server: ToolServer, options: McpServerOptions): McpServer {
  const mcp = new McpServer(
    { name: `atos-${server.name}`, version: options.version },
    {
      instructions: server.instructions,
      capabilities: { tools: { listChanged: false } },
      maxToolInputElements: MAX_ARGUMENT_VALUES,
    },
  );
  for (const tool of server.tools) {
    const { annotations } = tool;
    mcp.registerTool(
      tool.name,
      {
        title: tool.title,
        description: tool.description,
        inputSchema: inputSchemaOf(tool),
        outputSchema: outputSchemaOf(tool),
        annotations: {
          title: tool.title,
          readOnlyHint: annotations.readOnly,
          destructiveHint: annotations.destructive,
          idempotentHint: annotations.idempotent,
          openWorldHint: annotations.openWorld,
        },
      },
      (input, context) => callTool({ tool, options }, input, context),
    );
  }
  return mcp;
}

type Input = Readonly<Record<string, unknown>>;
type GoodResult = Extract<Awaited<ReturnType<Tool["run"]>>, { readonly ok: true }>;
type Called = { readonly tool: Tool; readonly options: McpServerOptions };

async function callTool({ tool, options }: Called, input: Input, context: ServerContext): Promise<CallToolResult> {
  const refused = options.refuse?.(tool, input);
  if (refused !== undefined) return failure(refused);
  const idempotencyKey = idempotencyKeyOf(context.mcpReq._meta?.[IDEMPOTENCY_META]);
  const { signal } = context.mcpReq;
  const progress = tellProgress(context, options.progressMs ?? PROGRESS_MS);
  try {
    const result = await tool.run(input, { signal, idempotencyKey });
    if (!result.ok) return failure(result.why.slice(0, MAX_RESULT_CHARS));
    const content = resultContent(tool, result);
    if (exceedsSize(content, MAX_RESULT_CHARS))
      return failure(`${tool.name}: the result has more than ${MAX_RESULT_CHARS} characters; ask for less of it.`);
    return content;
  } catch (thrown) {
    // Nobody waits for the answer any more, and that it was cut off is no fault of the tool.
    if (signal.aborted) return failure(`${tool.name} was cancelled.`);
    options.onThrown?.(thrown, tool.name, idempotencyKey);
    return failure(brokenText(tool.name, thrown));
  } finally {
    clearInterval(progress);
  }
}

/** Without it some callers take a long call for a dead one. */
function tellProgress({ mcpReq }: ServerContext, everyMs: number): NodeJS.Timeout | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let progress = 0;
  return setInterval(() => {
    const params = { progressToken, progress: ++progress, message: "at work" };
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
  }, everyMs).unref();
}

/**
 * A tool's good result as the protocol carries it, once for programs and once for models.
 *
 * @throws an error when the output is not what the tool's schema promises.
 */
export function resultContent(tool: Tool, result: GoodResult): CallToolResult {
  const output = tool.output.parse(result.output);
  return { content: [{ type: "text", text: result.text ?? JSON.stringify(output) }], structuredContent: output };
}

function failure(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

/** Messages of errors hold paths and more; a code is all that leaves. */
function brokenText(tool: string, thrown: unknown): string {
  const code = thrown instanceof AtosError ? ` [${thrown.code}]` : "";
  return `${tool} broke down${code}. The call was not at fault; it is reported to whoever runs ATOS.`;
}

/** What is no plausible key is as good as none. */
function idempotencyKeyOf(value: unknown): string {
  return typeof value === "string" && /^[^\p{C}]{1,500}$/u.test(value) ? value : randomUUID();
}

/** The tool's own schema made strict, with problems in the words of `argumentProblem`. */
function inputSchemaOf(tool: Tool): StandardSchemaWithJSON<Input, Input> {
  const strict = tool.input.strict();
  return {
    "~standard": {
      version: 1,
      vendor: "atos",
      validate: (value) => {
        if (exceedsSize(value, MAX_ARGUMENT_CHARS))
          return { issues: [{ message: `the arguments have more than ${MAX_ARGUMENT_CHARS} characters` }] };
        const parsed = strict.safeParse(value);
        if (parsed.success) return { value: parsed.data };
        return { issues: [{ message: argumentProblem(strict, parsed.error.issues) }] };
      },
      jsonSchema: plainSchema(strict),
    },
  };
}

/** Only told: `callTool` has parsed the output by then. */
function outputSchemaOf(tool: Tool): StandardSchemaWithJSON {
  return {
    "~standard": {
      version: 1,
      vendor: "atos",
      validate: (value) => ({ value }),
      jsonSchema: plainSchema(tool.output),
    },
  };
}

/** What ATOS notes for itself in a schema, a strict reader of others takes for a mistake. */
function plainSchema(schema: Tool["output"]): StandardSchemaWithJSON["~standard"]["jsonSchema"] {
  const { input, output } = schema["~standard"].jsonSchema;
  return {
    input: (options) => withoutNotes(input(options)),
    output: (options) => withoutNotes(output(options)),
  };
}

function withoutNotes(schema: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key.startsWith("x-") ? undefined : value)));
}
