import { Console } from "node:console";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import { EXIT, messageOf, usageError } from "../base/errors.ts";
import { openOnce } from "../sandbox/open-once.ts";
import { isLoopback, openMcpHttp } from "../server/mcp-http.ts";
import { mayCall } from "../tools/gate/may-call.ts";
import { policyQuestion } from "../tools/gate/policy-question.ts";
import type { Policy } from "../tools/gate/policy.ts";
import { readPolicy } from "../tools/gate/read-policy.ts";
import { makeMcpServer } from "../tools/mcp/make-mcp-server.ts";
import { serveStdio } from "../tools/mcp/serve-stdio.ts";
import { namedRegistries } from "../tools/servers/packages/registries.ts";
import { readWebhooks } from "../tools/servers/workflow/read-webhooks.ts";
import { loadLanguages } from "../tools/load-languages.ts";
import { openServer, SERVER_NAMES, type ServerDeps, type ServerName } from "../tools/servers/open-server.ts";
import type { Tool, ToolServer } from "../tools/tool.ts";
import { OWN_LANGUAGES } from "../workflows/choose-roster.ts";
import { type CommandContext, commandContext, settingsOf } from "./context.ts";
import { interrupted } from "./interrupted.ts";
import { mcpClientConfig, mcpServerLines } from "./mcp-lines.ts";
import type { Output } from "./output.ts";
import { openSandboxFolder } from "./sandbox-folder.ts";
import { VERSION } from "./version.ts";

export type McpFlags = {
  readonly root?: string;
  readonly http?: boolean;
  readonly port?: string;
  readonly host?: string;
  readonly tokenFile?: string;
  readonly readOnly?: boolean;
};

const MIN_TOKEN_CHARS = 16;
/** What they work on is in no workspace. */
const ROOTLESS: ReadonlySet<ServerName> = new Set(["memory", "workflow"]);
const MAX_NOTE_CHARS = 200;

/**
 * `atos mcp [SERVER]`: one of ATOS's tool servers for another program, over stdio or HTTP; without SERVER, which
 * there are.
 *
 * @throws `cli/mcp-usage` for flags that don't go together, `cli/unknown-server` for a name that is none.
 */
export async function runMcpCommand(name: string | undefined, flags: McpFlags, output: Output): Promise<number> {
  const context = commandContext();
  if (name === undefined) return listServers(context, output);
  const server = SERVER_NAMES.find((known) => known === name);
  if (server === undefined)
    throw usageError(
      "cli/unknown-server",
      `there is no server ${JSON.stringify(name)}; servers are: ${SERVER_NAMES.join(", ")}`,
    );
  const { root } = flags;
  if (root === undefined && !ROOTLESS.has(server))
    throw usageError("cli/mcp-usage", `say which folder the server works in: atos mcp ${name} --root DIR`);
  const http = flags.http === true ? await httpOptions(flags) : undefined;
  if (http === undefined && (flags.port ?? flags.host ?? flags.tokenFile) !== undefined)
    throw usageError("cli/mcp-usage", "--port, --host and --token-file go with --http");
  const stop = interrupted();
  await using folder = await openSandboxFolder(root, [context.folder.root, context.configDirectory]);
  const served = await openServed(server, { context, root: folder.path, readOnly: flags.readOnly ?? false });
  const policy = await readPolicy({ configDirectory: context.configDirectory, workspace: folder.path });
  const factory = () =>
    makeMcpServer(served, {
      version: VERSION,
      refuse: (tool, input) => refusal(policy, { server: served.name, tool, input }),
      onThrown: (thrown, tool) => output.note(`atos mcp: ${tool} broke down: ${messageOf(thrown)}`),
    });
  const onError = (error: Error) => output.note(`atos mcp: ${shortNote(error)}`);
  // Libraries that say something say it where it does not break the protocol.
  globalThis.console = new Console(process.stderr);
  if (http === undefined) {
    await serveStdio(factory, { onError, signal: stop });
    return EXIT.done;
  }
  const listening = await openMcpHttp(factory, { ...http, onError });
  await using _ = listening;
  output.emit({ type: "listening", url: listening.url });
  output.note(`atos mcp: ${served.name} at ${listening.url}`);
  if (flags.tokenFile === undefined) output.note(`atos mcp: send the header  Authorization: Bearer ${http.token}`);
  if (!stop.aborted) await once(stop, "abort");
  return EXIT.done;
}

/** Of a line that is no message the protocol's library says all that it could have been. */
function shortNote({ message }: Error): string {
  const text = message.replace(/\s+/g, " ").trim();
  if (/^\[ ?\{/.test(text)) return "what came in is no message of the protocol";
  return text.length <= MAX_NOTE_CHARS ? text : `${text.slice(0, MAX_NOTE_CHARS)}…`;
}

async function openServed(
  name: ServerName,
  { context, root, readOnly }: { readonly context: CommandContext; readonly root: string; readonly readOnly: boolean },
): Promise<ToolServer> {
  const webhooks = name === "workflow" ? await readWebhooks(join(context.configDirectory, "webhooks.yaml")) : {};
  const server = await openServer(name, { ...(await serverDeps(context, root)), webhooks });
  if (!readOnly) return server;
  const tools = server.tools.filter((tool) => tool.effect === "none");
  if (tools.length === 0)
    throw usageError("cli/mcp-usage", `${name} has no tool that changes nothing; leave --read-only out`);
  return { ...server, tools };
}

async function serverDeps(context: CommandContext, root: string): Promise<ServerDeps> {
  const { folder, env } = context;
  const { sandbox, npmRegistry, pipIndex } = await settingsOf(context);
  const open = openOnce(sandbox);
  return {
    root,
    sandbox: () => open(false),
    languages: () => loadLanguages([OWN_LANGUAGES, join(folder.root, "languages")]),
    notesFolder: folder.notes,
    packagesFolder: folder.packages,
    registries: namedRegistries({ npm: npmRegistry, pip: pipIndex }),
    webhooks: {},
    env,
    now: () => new Date(),
  };
}

type Asked = { readonly server: string; readonly tool: Tool; readonly input: Readonly<Record<string, unknown>> };

/** Why a call of another program is not made. Nobody sits there to be asked, so what must be asked is refused. Pure. */
function refusal(policy: Policy, { server, tool, input }: Asked): string | undefined {
  const { decision, because } = mayCall(policy, policyQuestion({ ...tool, server }, input));
  if (decision === "allow") return undefined;
  if (decision === "deny") return `Not allowed: ${because}.`;
  return `Not allowed here: a person must agree (${because}), and over MCP there is nobody to ask. A rule of policy.yaml can allow it.`;
}

async function httpOptions(flags: McpFlags): Promise<{ host: string; port: number; token: string }> {
  const { host = "127.0.0.1", port = "0", tokenFile } = flags;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw usageError("cli/mcp-usage", `--port must be a number from 0 to 65535, not ${JSON.stringify(port)}`);
  if (tokenFile === undefined) {
    if (!isLoopback(host))
      throw usageError(
        "cli/mcp-usage",
        `${host} can be reached from other machines; put a token of your own into a file and name it with --token-file`,
      );
    return { host, port: Number(port), token: randomBytes(24).toString("base64url") };
  }
  const token = (
    await readFile(tokenFile, "utf8").catch((error: unknown) => {
      throw usageError("cli/mcp-usage", `--token-file can't be read: ${messageOf(error)}`);
    })
  ).trim();
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < MIN_TOKEN_CHARS)
    throw usageError(
      "cli/mcp-usage",
      `the token in ${tokenFile} must be one word of at least ${MIN_TOKEN_CHARS} plain characters; make one with: openssl rand -base64 24`,
    );
  return { host, port: Number(port), token };
}

async function listServers(context: CommandContext, output: Output): Promise<number> {
  const deps = await serverDeps(context, process.cwd());
  const servers = await Promise.all(
    SERVER_NAMES.map(async (name) => {
      try {
        const { instructions, tools } = await openServer(name, deps);
        const told = tools.map((tool) => ({ name: tool.name, description: tool.description, effect: tool.effect }));
        return { name, instructions, tools: told };
      } catch (error) {
        return { name, instructions: "", tools: [], problem: messageOf(error) };
      }
    }),
  );
  const config = mcpClientConfig({ node: process.execPath, entry: process.argv[1] ?? "atos" });
  output.emit({ servers, mcpServers: config.mcpServers });
  output.say(mcpServerLines(servers, config).join("\n"));
  return EXIT.done;
}
