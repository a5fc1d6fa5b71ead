import { AtosError, EXIT, usageError } from "../base/errors.ts";
import { connectExternal } from "../tools/mcp/connect-external.ts";
import { logIn } from "../tools/mcp/log-in.ts";
import { type LoginTarget, loginTarget } from "../tools/mcp/login-target.ts";
import { type ExternalPlaces, findExternal } from "../tools/mcp/open-external.ts";
import type { ExternalServer } from "../tools/mcp/read-mcp-entry.ts";
import { readLogin, removeLogin } from "../tools/mcp/saved-login.ts";
import { commandContext } from "./context.ts";
import { externalPlaces } from "./external-places.ts";
import { interrupted } from "./interrupted.ts";
import type { Output } from "./output.ts";

/**
 * `atos mcp --login SERVER`: shows the address where a person logs in, and waits for them. Where the server needs
 * nobody it only says so.
 *
 * @throws `cli/unknown-server` when `mcp.json` does not name it, `cli/mcp-usage` when it has no log-in.
 */
export async function runMcpLoginCommand(name: string, output: Output): Promise<number> {
  const places = externalPlaces(commandContext());
  const server = await findExternal(places, name);
  if (server === undefined)
    throw usageError("cli/unknown-server", `${places.mcpJson} names no server ${JSON.stringify(name)}`);
  const target = targetOf(server);
  const stop = interrupted();
  const had = await toolsWithoutLogin({ server, target, places }, stop);
  if (had === undefined) {
    await logIn(target, { folder: places.loginsFolder, show: (address) => showAddress(address, output) }, stop);
  }
  const tools = had ?? (await countTools(server, places, stop));
  output.emit({ type: "logged-in", server: name, tools });
  const done = had === undefined ? `Logged in to ${name}` : `No log-in is needed for ${name}`;
  output.say(`${done}: it offers ${tools} tools.`);
  return EXIT.done;
}

/** `atos mcp --logout SERVER`: removes what is kept of its log-in, whether or not `mcp.json` still names it. */
export async function runMcpLogoutCommand(name: string, output: Output): Promise<number> {
  if (!/^[\w. -]{1,64}$/.test(name))
    throw usageError("cli/unknown-server", `${JSON.stringify(name)} is no name of a server`);
  const removed = await removeLogin({ folder: externalPlaces(commandContext()).loginsFolder, name });
  output.emit({ type: "logged-out", server: name, removed });
  output.say(removed ? `Removed the log-in of ${name}.` : `There is no log-in of ${name}.`);
  return EXIT.done;
}

function targetOf(server: ExternalServer): LoginTarget {
  const target = loginTarget(server);
  if (target === undefined)
    throw usageError(
      "cli/mcp-usage",
      server.reach.kind === "stdio"
        ? `${server.name} is a program, not a server with a url; it logs in by itself, if at all`
        : `${server.name} has a key in headers; take Authorization out of them to log in instead`,
    );
  if (target.reach.oauth?.grant === "client_credentials")
    throw usageError("cli/mcp-usage", `${server.name} logs in by itself, with its client's secret`);
  return target;
}

type Asked = { readonly server: ExternalServer; readonly target: LoginTarget; readonly places: ExternalPlaces };

/** How many tools the server offers as things are; undefined when it wants a person to log in, or to log in for more. */
async function toolsWithoutLogin({ server, target, places }: Asked, stop: AbortSignal): Promise<number | undefined> {
  const place = { folder: places.loginsFolder, name: target.name, url: target.reach.url };
  if ((await readLogin(place)).wanted !== undefined) return undefined;
  try {
    return await countTools(server, places, stop);
  } catch (error) {
    if (error instanceof AtosError && error.code === "tools/login-needed") return undefined;
    throw error;
  }
}

async function countTools(server: ExternalServer, places: ExternalPlaces, stop: AbortSignal): Promise<number> {
  const { env, version, loginsFolder } = places;
  await using connected = await connectExternal(server, { env, version, loginsFolder, known: {} }, stop);
  return connected.tools.length;
}

function showAddress(address: URL, output: Output): void {
  output.emit({ type: "login-address", url: address.href });
  output.say(`Open this address in a browser on this machine, and log in there:\n\n${address.href}\n`);
  output.note("atos mcp: waiting for the browser; Ctrl-C gives up");
}
