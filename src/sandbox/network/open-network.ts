import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtosError, messageOf } from "../../base/errors.ts";
import { SANDBOX_ID } from "../bubblewrap-arguments.ts";
import type { NetworkRule } from "../sandbox.ts";
import { checkedRules } from "./network-rule.ts";
import { Passage } from "./passage.ts";
import { proxyRequest } from "./proxy-request.ts";
import { proxyTunnel } from "./proxy-tunnel.ts";

/** A command's way to the hosts that it may reach. Ends with all its connections when disposed. */
export type Network = AsyncDisposable & {
  /** A unix socket, alone in a folder that only who runs the command may enter; that folder is to be shown inside. */
  readonly socketPath: string;
  /** `host:port` that was asked for and refused, each once, 64 at most. */
  refused(): readonly string[];
};

export type NetworkOptions = {
  /** All addresses of a name; by default the machine's own resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Through all connections, both ways. */
  readonly maxBytes?: number;
  readonly maxConnections?: number;
  readonly connectMs?: number;
  readonly idleMs?: number;
};

const DEFAULTS = {
  maxBytes: 512 * 1024 * 1024,
  maxConnections: 64,
  connectMs: 15_000,
  idleMs: 60_000,
  resolve: async (host: string) => (await lookup(host, { all: true })).map(({ address }) => address),
};
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_MS = 10_000;
/** Of a unix socket; the kernel takes 107. */
const MAX_PATH_BYTES = 100;

/**
 * Opens an HTTP proxy on a unix socket that lets through what `allow` says: CONNECT with TLS inside, and plain HTTP.
 *
 * For each request the host is looked at in its one form, all its addresses must be public ones unless the rule says
 * otherwise, and the connection goes to an address that was looked at. Connections, headers, waiting and bytes are
 * limited. `signal` cuts everything off; the folder goes when it is disposed.
 *
 * Not promised: that a host on the list is what it was, or says nothing to others. Whatever can be reached can be told
 * what the command knows.
 *
 * @throws `sandbox/network-rule` for a rule that is none, `sandbox/network` when the socket can't be made.
 */
export async function openNetwork(
  allow: readonly NetworkRule[],
  signal: AbortSignal,
  options: NetworkOptions = {},
): Promise<Network> {
  signal.throwIfAborted();
  const { resolve, maxBytes, maxConnections, connectMs, idleMs } = { ...DEFAULTS, ...options };
  const deps = { allow: checkedRules(allow), resolve, connectMs };
  const stop = new AbortController();
  const passage = new Passage(deps, { maxBytes, idleMs }, AbortSignal.any([signal, stop.signal]));
  const clients = new Set<Socket>();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: 0 });
  server.maxConnections = maxConnections;
  server.timeout = idleMs;
  server.on("connection", (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
  });
  server.on("request", (request, response) => {
    proxyRequest(request, response, passage).catch(() => response.destroy());
  });
  server.on("connect", (request, client, head) => {
    proxyTunnel({ request, client, head }, passage).catch(() => client.destroy());
  });
  const cutOff = (): void => clients.forEach((client) => void client.destroy());
  signal.addEventListener("abort", cutOff, { once: true });
  const folder = await mkdtemp(join(shortFolder(), "atos-net-"));
  const end = async (): Promise<void> => {
    signal.removeEventListener("abort", cutOff);
    stop.abort();
    const closed = server.listening ? once(server, "close") : undefined;
    server.close();
    cutOff();
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  const socketPath = join(folder, "proxy");
  try {
    await once(server.listen(socketPath), "listening");
    // As root a command is another user, who must get in; nobody else has that id.
    if (process.getuid?.() === 0) for (const path of [folder, socketPath]) await chown(path, SANDBOX_ID, SANDBOX_ID);
  } catch (error) {
    await end();
    throw new AtosError("sandbox/network", `The proxy's socket ${socketPath} could not be made: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { socketPath, refused: () => passage.refused(), [Symbol.asyncDispose]: end };
}

function shortFolder(): string {
  const own = tmpdir();
  return Buffer.byteLength(join(own, "atos-net-XXXXXX", "proxy")) <= MAX_PATH_BYTES ? own : "/tmp";
}
