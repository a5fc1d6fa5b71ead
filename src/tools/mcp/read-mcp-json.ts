import { readFile } from "node:fs/promises";
import { z } from "zod";
import { AtosError, messageOf, usageError } from "../../base/errors.ts";
import type { Environment } from "./expand-variables.ts";
import { type ExternalServer, readMcpEntry } from "./read-mcp-entry.ts";

/** What an `mcp.json` says. */
export type McpJson = {
  readonly servers: readonly ExternalServer[];
  /** Servers that can't be used as they are written, and why. */
  readonly problems: readonly { readonly server: string; readonly text: string }[];
  /** What of the file is not heeded, and which servers are disabled. */
  readonly notices: readonly string[];
};

const MAX_SERVERS = 32;
const MAX_FILE_BYTES = 256 * 1024;
const entries = z.record(z.string(), z.unknown());
/** `servers` is what an editor calls it. */
const fileSchema = z.looseObject({ mcpServers: entries.optional(), servers: entries.optional() });

/** What `mcp.json` names; nothing where there is no such file. */
export async function readMcpJson(file: string, env: Environment): Promise<McpJson> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return { servers: [], problems: [], notices: [] };
    throw problem(file, messageOf(error));
  }
  return parseMcpJson(text, { file, env });
}

/**
 * Reads the text of an `mcp.json`, also of one that was written for another program: keys that are not known are told
 * of, and a server that can't be used keeps none of the others away. Variables are replaced in every text of a server
 * but its name. Pure.
 *
 * @throws {AtosError} `tools/bad-mcp-json` when it is no such file; naming what is wrong, and never a value.
 */
export function parseMcpJson(
  text: string,
  { file, env }: { readonly file: string; readonly env: Environment },
): McpJson {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw problem(file, `it has more than ${MAX_FILE_BYTES} bytes`);
  const document = fileSchema.safeParse(readJson(text, file)).data;
  if (document === undefined || (document.mcpServers ?? document.servers) === undefined)
    throw problem(file, 'it must be {"mcpServers": {…}}');
  const { mcpServers, servers: editors, ...others } = document;
  const named = Object.entries({ ...editors, ...mcpServers });
  if (named.length > MAX_SERVERS)
    throw problem(file, `it names ${named.length} servers; at most ${MAX_SERVERS} are used`);
  const servers: ExternalServer[] = [];
  const problems: McpJson["problems"][number][] = [];
  const notices = Object.keys(others).map((key) => `${JSON.stringify(key.slice(0, 64))} is not heeded`);
  for (const [name, entry] of named) {
    try {
      const read = readMcpEntry({ name, entry, file, env });
      if (read.kind === "disabled") {
        notices.push(`${name} is disabled`);
        continue;
      }
      refuseSecond(read.server, servers, file);
      servers.push(read.server);
      notices.push(...read.ignored.map((words) => `${name}: ${words}`));
    } catch (error) {
      if (!(error instanceof AtosError)) throw error;
      problems.push({ server: JSON.stringify(name.slice(0, 64)).slice(1, -1), text: error.message });
    }
  }
  return { servers, problems, notices };
}

function refuseSecond({ name, prefix }: ExternalServer, earlier: readonly ExternalServer[], file: string): void {
  const first = earlier.find((server) => server.prefix === prefix);
  if (first !== undefined)
    throw problem(file, `the tools of ${first.name} and ${name} would both be called ${prefix}__…; rename one server`);
}

/** What `JSON.parse` says shows pieces of the file, and those may be secret. */
function readJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /line \d+ column \d+/.exec(messageOf(error))?.[0];
    throw problem(file, `it is no JSON${place === undefined ? "" : `, at ${place}`}`);
  }
}

function problem(file: string, what: string): AtosError {
  return usageError("tools/bad-mcp-json", `${file}: ${what}`);
}
