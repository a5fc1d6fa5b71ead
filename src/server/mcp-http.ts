import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { setTimeout } from "node:timers/promises";
import {
  hostHeaderValidation,
  localhostHostValidation,
  localhostOriginValidation,
  originValidation,
  toNodeHandler,
} from "@modelcontextprotocol/node";
import { createMcpHandler, type McpServer } from "@modelcontextprotocol/server";
import ipaddr from "ipaddr.js";
import { usageError } from "../base/errors.ts";

export type McpHttpOptions = {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Every request must bring it as `Authorization: Bearer …`. */
  readonly token: string;
  /** Told of what went wrong beside a request; the caller of the request is not. */
  readonly onError?: (error: Error) => void;
};

/** Disposed, it ends: no new requests, those at work are cut off after two seconds. */
export type McpHttp = AsyncDisposable & { readonly url: string };

const PATH = "/mcp";
const MAX_BODY_BYTES = 12 * 1024 * 1024;
const MAX_CONNECTIONS = 64;
const RECEIVE_TIMEOUT_MS = 30_000;
const END_GRACE_MS = 2000;

/** Whether only this machine can reach what listens there. Pure. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return isIP(address) !== 0 && ipaddr.process(address).range() === "loopback";
}

/**
 * Serves MCP over Streamable HTTP at `/mcp`, to whoever has the token. Pages in a browser are kept out by the
 * checks of Host and Origin: a page of another site, or a name that was made to point here, gets nothing.
 *
 * @throws {AtosError} `server/mcp-cannot-listen` where the address can't be had.
 */
export async function openMcpHttp(factory: () => McpServer, options: McpHttpOptions): Promise<McpHttp> {
  const handler = createMcpHandler(factory, {
    maxRequestBodySize: MAX_BODY_BYTES,
    ...(options.onError === undefined ? {} : { onerror: options.onError }),
  });
  const serve = toNodeHandler(handler, {
    maxRequestBodySize: MAX_BODY_BYTES,
    ...(options.onError === undefined ? {} : { onerror: options.onError }),
  });
  const isWelcome = gate(options);
  const server = createServer(
    { requestTimeout: RECEIVE_TIMEOUT_MS, headersTimeout: RECEIVE_TIMEOUT_MS },
    (request, response) => {
      if (!isWelcome(request, response)) return;
      const { method = "GET", url = "/", headers } = request;
      void serve({ method, url, headers, [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() }, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const { port } = await listen(server, options);
  return {
    url: `http://${options.host.includes(":") ? `[${options.host.replace(/^\[|\]$/g, "")}]` : options.host}:${port}${PATH}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const stop = new AbortController();
      await Promise.race([closed, setTimeout(END_GRACE_MS, undefined, { signal: stop.signal }).catch(() => undefined)]);
      stop.abort();
      await handler.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers what may not pass, and says whether the request may. */
function gate({ host, token }: McpHttpOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const local = isLoopback(host);
  // Listening everywhere, the machine's names can't be known; there the token alone guards.
  const everywhere = host === "0.0.0.0" || host === "::" || host === "[::]";
  const hostIsFine = local ? localhostHostValidation() : everywhere ? () => true : hostHeaderValidation([host]);
  const originIsFine = local ? localhostOriginValidation() : originValidation([host]);
  const wanted = digest(`Bearer ${token}`);
  return (request, response) => {
    if (!hostIsFine(request, response) || !originIsFine(request, response)) return false;
    if (request.url?.split("?")[0] !== PATH) return refuse(response, 404, `MCP is at ${PATH}`);
    if (timingSafeEqual(digest(request.headers.authorization ?? ""), wanted)) return true;
    response.setHeader("WWW-Authenticate", 'Bearer realm="atos mcp"');
    return refuse(response, 401, "the token is missing or wrong; atos mcp printed it when it started");
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refuse(response: ServerResponse, status: number, message: string): false {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ error: message }));
  return false;
}

function listen(server: Server, { host, port }: McpHttpOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        usageError(
          "server/mcp-cannot-listen",
          `can't listen on ${host} port ${port}: ${error.message}; choose others with --host and --port`,
        ),
      ),
    );
    server.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the server has no port"));
      else resolve(address);
    });
  });
}
