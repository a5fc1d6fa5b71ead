import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { AtosError, messageOf } from "../../base/errors.ts";
import type { JsonObject } from "../../engine/dialects/reading.ts";
import type { GateTool, RawResult } from "../gate/gate-tool.ts";
import type { Reconciled, Tool, ToolCallContext, ToolServer } from "../tool.ts";
import { argumentProblem } from "./argument-problem.ts";
import { IDEMPOTENCY_META, makeMcpServer, resultContent } from "./make-mcp-server.ts";
import { ownDefinition } from "./own-definition.ts";
import { readResult } from "./read-result.ts";

/** A server's tools, to be called until this is disposed. */
export type ConnectedTools = AsyncDisposable & { readonly tools: readonly GateTool[] };

/** Each tool has limits of its own and heeds its signal; this only keeps a lost answer from being awaited for ever. */
const CALL_TIMEOUT_MS = 24 * 3600 * 1000;
const MAX_RESULT_CHARS = 2 * 1024 * 1024;
const CLIENT = { name: "atos", version: "1" };

/**
 * Connects to one of ATOS's servers in this process, through the protocol that other programs speak to it too.
 * What a tool throws, the call throws: only the protocol's other users are told no more than that it broke down.
 */
export async function connectOwn(server: ToolServer): Promise<ConnectedTools> {
  /** What tools threw, by the key of the call; each is taken out again by the call that finds it. */
  const thrown = new Map<string, unknown>();
  const mcp = makeMcpServer(server, {
    version: CLIENT.version,
    onThrown: (error, _, idempotencyKey) => void thrown.set(idempotencyKey, error),
  });
  const client = new Client(CLIENT);
  const [near, far] = InMemoryTransport.createLinkedPair();
  await mcp.connect(far);
  await client.connect(near);
  return {
    tools: server.tools.map((tool) => gateToolOf(tool, server.name, (value, context) => call(tool, value, context))),
    [Symbol.asyncDispose]: () => client.close(),
  };

  async function call(tool: Tool, value: JsonObject, context: ToolCallContext): Promise<RawResult> {
    const { signal, idempotencyKey } = context;
    signal.throwIfAborted();
    const request = { name: tool.name, arguments: value, _meta: { [IDEMPOTENCY_META]: idempotencyKey } };
    try {
      const result = await client.callTool(request, { signal, timeout: CALL_TIMEOUT_MS });
      if (thrown.has(idempotencyKey)) throw thrown.get(idempotencyKey);
      return readResult(result, MAX_RESULT_CHARS);
    } catch (error) {
      signal.throwIfAborted();
      if (thrown.has(idempotencyKey)) throw thrown.get(idempotencyKey);
      throw new AtosError("tools/call-failed", `${tool.name} could not be called: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      thrown.delete(idempotencyKey);
    }
  }
}

function gateToolOf(tool: Tool, server: string, call: GateTool["call"]): GateTool {
  const strict = tool.input.strict();
  return {
    definition: ownDefinition(tool),
    server,
    own: true,
    annotations: tool.annotations,
    effect: tool.effect,
    pathArguments: tool.pathArguments ?? [],
    ...(tool.walks === undefined ? {} : { walks: tool.walks }),
    ...(tool.commandArgument === undefined ? {} : { commandArgument: tool.commandArgument }),
    validate: (value) => {
      const parsed = strict.safeParse(value);
      if (parsed.success) return { ok: true, value };
      return { ok: false, why: `${tool.name}: ${argumentProblem(strict, parsed.error.issues)}` };
    },
    call,
    ...(tool.reconcile === undefined ? {} : { reconcile: (value, context) => reconcile(tool, value, context) }),
  };
}

/** Other programs have no use for it, so it is no part of the protocol. */
async function reconcile(tool: Tool, value: JsonObject, context: ToolCallContext): Promise<Reconciled<RawResult>> {
  const found = await tool.reconcile?.(tool.input.strict().parse(value), context);
  if (found === undefined) return { kind: "unknown", why: `${tool.name} can't tell whether a call has happened` };
  if (found.kind !== "done") return found;
  const { result } = found;
  if (!result.ok) return { kind: "done", result: { ok: false, text: result.why } };
  return { kind: "done", result: readResult(resultContent(tool, result), MAX_RESULT_CHARS) };
}
