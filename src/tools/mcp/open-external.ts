import type { Tool as ListedTool } from "@modelcontextprotocol/client";
import { messageOf, usageError } from "../../base/errors.ts";
import type { GateTool } from "../gate/gate-tool.ts";
import { connectExternal, type ExternalTools } from "./connect-external.ts";
import { readKnownTools, rememberTools } from "./known-tools.ts";
import type { ExternalServer } from "./read-mcp-entry.ts";
import { readMcpJson } from "./read-mcp-json.ts";

export type ExternalPlaces = {
  /** The person's own file; one that came with a workspace could start anything. */
  readonly mcpJson: string;
  /** Where ATOS remembers what it was shown. */
  readonly knownFile: string;
  /** Where log-ins are kept. */
  readonly loginsFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly onNotice?: (notice: string) => void;
};

/** What came of one server. */
export type ServerReport = {
  readonly server: string;
  readonly tools: readonly GateTool[];
  /** Tools that are others than was first shown. */
  readonly changed: readonly ListedTool[];
  readonly problems: readonly string[];
};

export type OpenedExternal = AsyncDisposable & {
  readonly reports: readonly ServerReport[];
  /** What of the file is not heeded, and which servers are disabled. */
  readonly notices: readonly string[];
};

/**
 * Connects to the servers of an `mcp.json`, all at once. One that can't be used is a problem of its own and keeps
 * none of the others away. What is shown for the first time is remembered, so that a change of it is noticed.
 *
 * @throws {AtosError} `tools/bad-mcp-json` and `tools/bad-known-tools` when the files can't be read at all.
 */
export async function openExternal(places: ExternalPlaces, signal: AbortSignal): Promise<OpenedExternal> {
  const { servers, problems: unread, notices } = await readMcpJson(places.mcpJson, places.env);
  const known = await readKnownTools(places.knownFile);
  const { env, version, loginsFolder, onNotice } = places;
  const opened = await Promise.all(
    servers.map(async (server): Promise<{ report: ServerReport; connected?: ExternalTools }> => {
      const options = {
        env,
        version,
        loginsFolder,
        known: known[server.name] ?? {},
        ...(onNotice === undefined ? {} : { onNotice }),
      };
      try {
        const connected = await connectExternal(server, options, signal);
        const { tools, changed, problems } = connected;
        return { report: { server: server.name, tools, changed, problems }, connected };
      } catch (error) {
        return { report: { server: server.name, tools: [], changed: [], problems: [messageOf(error)] } };
      }
    }),
  );
  const connections = new AsyncDisposableStack();
  for (const { connected } of opened) if (connected !== undefined) connections.use(connected);
  try {
    signal.throwIfAborted();
    for (const { report, connected } of opened)
      if (connected !== undefined) await rememberNew(places.knownFile, report.server, connected);
  } catch (error) {
    await connections.disposeAsync();
    throw error;
  }
  return {
    reports: [
      ...opened.map(({ report }) => report),
      ...unread.map(({ server, text }) => ({ server, tools: [], changed: [], problems: [text] })),
    ],
    notices,
    [Symbol.asyncDispose]: () => connections.disposeAsync(),
  };

  async function rememberNew(file: string, server: string, { fingerprints }: ExternalTools): Promise<void> {
    const fresh = [...fingerprints].filter(([name]) => known[server]?.[name] === undefined);
    if (fresh.length > 0) await rememberTools(file, server, new Map(fresh));
  }
}

/**
 * The server of that name in an `mcp.json`, or undefined.
 *
 * @throws {AtosError} `tools/bad-mcp-json` when it can't be used as it is written.
 */
export async function findExternal(places: ExternalPlaces, name: string): Promise<ExternalServer | undefined> {
  const { servers, problems } = await readMcpJson(places.mcpJson, places.env);
  const problem = problems.find(({ server }) => server === name);
  if (problem !== undefined) throw usageError("tools/bad-mcp-json", problem.text);
  return servers.find((server) => server.name === name);
}
