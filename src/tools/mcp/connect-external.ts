import type { Tool as ListedTool } from "@modelcontextprotocol/client";
import type { GateTool } from "../gate/gate-tool.ts";
import type { ConnectedTools } from "./connect-own.ts";
import { type ConnectionOptions, ExternalConnection } from "./external-connection.ts";
import { type ExternalTool, externalTool, shownText, toolFingerprint } from "./external-tool.ts";
import type { ExternalServer } from "./read-mcp-entry.ts";

export type ExternalOptions = ConnectionOptions & {
  /** Fingerprints of the server's tools as they were first shown or accepted, by the server's names. */
  readonly known: Readonly<Record<string, string>>;
};

export type ExternalTools = ConnectedTools & {
  /** What is new or the same since it was first shown: to be remembered. */
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Tools that are others than was first shown; left out until a person accepts them. */
  readonly changed: readonly ListedTool[];
  /** Tools that were left out, and why. */
  readonly problems: readonly string[];
};

const MAX_TOOLS = 128;

/**
 * Connects to a server that somebody else wrote. Nothing that it says is believed: its tools count as `external`
 * effects unless the person said otherwise, its words are cut, its answers are limited, and a tool that is another
 * than was first shown is refused. It is offered nothing: what it asks of ATOS, a model's reply, a question to the
 * person, a list of folders, is refused.
 *
 * @throws {AtosError} `tools/server-unreachable` when it can't be started or reached in time, `tools/login-needed`
 * when a person must log in to it first.
 */
export async function connectExternal(
  server: ExternalServer,
  options: ExternalOptions,
  signal: AbortSignal,
): Promise<ExternalTools> {
  const connection = new ExternalConnection(server, options);
  const listed = await connection.open(signal);
  const problems: string[] = [];
  const changed: ListedTool[] = [];
  const tools = new Map<string, GateTool>();
  const fingerprints = new Map<string, string>();
  for (const tool of listed.slice(0, MAX_TOOLS)) {
    const read = externalTool(server, tool);
    const known = options.known[tool.name];
    const fingerprint = toolFingerprint(tool);
    if (!read.ok) problems.push(`${shownText(tool.name)}: ${read.why}`);
    else if (tools.has(read.definition.name)) problems.push(`${shownText(tool.name)}: a second tool of that name`);
    else if (known !== undefined && known !== fingerprint) changed.push(tool);
    else {
      fingerprints.set(tool.name, fingerprint);
      tools.set(
        read.definition.name,
        gateToolOf(server, read, (value, context) => connection.call({ name: tool.name, fingerprint }, value, context)),
      );
    }
  }
  if (listed.length > MAX_TOOLS)
    problems.push(`it has ${listed.length} tools, of which the first ${MAX_TOOLS} are looked at`);
  for (const name of server.readOnly)
    if (!listed.some((tool) => tool.name === name))
      problems.push(`readOnly names ${shownText(name)}, and there is no such tool`);
  return {
    tools: [...tools.values()],
    fingerprints,
    changed,
    problems,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function gateToolOf(server: ExternalServer, tool: ExternalTool, call: GateTool["call"]): GateTool {
  const readOnly = server.readOnly.includes(tool.name);
  return {
    definition: tool.definition,
    server: server.name,
    own: false,
    annotations: { readOnly, destructive: !readOnly, idempotent: false, openWorld: true },
    effect: readOnly ? "none" : "external",
    pathArguments: [],
    validate: (value) => {
      const why = tool.check(value);
      return why === undefined ? { ok: true, value } : { ok: false, why: `${tool.definition.name}: ${why}` };
    },
    call,
  };
}
