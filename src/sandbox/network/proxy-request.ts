import { type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type NetworkTarget, parseTarget, targetText } from "./network-target.ts";
import type { Passage } from "./passage.ts";

const HTTP_PORT = 80;
/** They are between two neighbours (RFC 9110, 7.6.1); `host` is said anew. */
const HOP_HEADERS = [
  ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "expect"],
  ["te", "trailer", "transfer-encoding", "upgrade", "host"],
].flat();

type AbsoluteUri = { readonly target: NetworkTarget; readonly path: string };

/** Reads `http://host:port/path`, and nothing else that a URL may be; undefined for that. Pure. */
function parseAbsoluteUri(text: string): AbsoluteUri | undefined {
  const [, authority = "", path = ""] = /^http:\/\/([^/?#\\]*)([/?][\x21-\x7e]*)?$/i.exec(text) ?? [];
  const target = parseTarget(authority, HTTP_PORT);
  return target === undefined || path.includes("#")
    ? undefined
    : { target, path: path.startsWith("/") ? path : `/${path}` };
}

/** Whether the request's Host header, if it has one, names `target`, with or without the port. Pure. */
export function hostAgrees(request: Pick<IncomingMessage, "rawHeaders">, target: NetworkTarget): boolean {
  const hosts = pairs(request.rawHeaders).filter(([name]) => name.toLowerCase() === "host");
  return (
    hosts.length <= 1 &&
    hosts.every(([, value]) => {
      const named = parseTarget(value.trim(), target.port);
      return named !== undefined && targetText(named) === targetText(target);
    })
  );
}

/** Passes one plain HTTP request on, over a connection of its own, or answers why not. */
export async function proxyRequest(
  request: IncomingMessage,
  response: ServerResponse,
  passage: Passage,
): Promise<void> {
  const asked = parseAbsoluteUri(request.url ?? "");
  if (asked === undefined || !hostAgrees(request, asked.target)) {
    passage.refuse(request.url ?? "");
    return answer(
      response,
      400,
      "this proxy takes CONNECT host:port and http://host:port/path, with a Host that agrees",
    );
  }
  const reached = await passage.reach(asked.target);
  if (reached.kind !== "connected") return answer(response, reached.kind === "refused" ? 403 : 502, reached.why);
  if (response.destroyed || !passage.spend(request.rawHeaders.join("").length)) {
    reached.socket.destroy();
    response.destroy();
    return;
  }
  forward({ request, response, passage }, asked, reached.socket);
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse; readonly passage: Passage };

function forward({ request, response, passage }: Exchange, { target, path }: AbsoluteUri, socket: Socket): void {
  const host = target.port === HTTP_PORT ? targetText(target).replace(/:80$/, "") : targetText(target);
  const chunked = request.headers["transfer-encoding"] === undefined ? [] : ["Transfer-Encoding", "chunked"];
  const outgoing = httpRequest({
    createConnection: () => socket,
    method: request.method,
    path,
    headers: ["Host", host, ...endToEnd(request), ...chunked, "Connection", "close"],
  });
  const end = (): void => {
    outgoing.destroy();
    response.destroy();
  };
  const count = (chunk: Buffer): void => {
    if (!passage.spend(chunk.length)) end();
  };
  const fail = (why: string): void => {
    if (response.headersSent) end();
    else answer(response, 502, `${targetText(target)} did not answer: ${why}`);
  };
  outgoing.on("error", (error) => fail(error.message));
  // It ends so, without an error, when the server wants to speak something else than HTTP.
  outgoing.on("close", () => response.headersSent || fail("it closed the connection"));
  outgoing.on("response", (incoming) => {
    const { statusCode = 0 } = incoming;
    if (statusCode < 200) return fail(`its status is ${statusCode}`);
    if (!passage.spend(incoming.rawHeaders.join("").length)) return end();
    response.writeHead(statusCode, endToEnd(incoming));
    incoming.on("data", count).on("error", end);
    incoming.on("close", () => incoming.complete || end());
    incoming.pipe(response);
  });
  response.on("close", () => outgoing.destroy());
  request.on("data", count).on("error", end);
  request.pipe(outgoing);
}

/** The headers that go on, flat as Node takes them. */
function endToEnd({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  // Without its length a body would be read as a second request, for whatever host it names.
  const dropped = new Set([...HOP_HEADERS, ...named.filter((name) => name !== "content-length")]);
  return pairs(rawHeaders)
    .filter(([name]) => !dropped.has(name.toLowerCase()))
    .flat();
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""]] : [],
  );
}

function answer(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(`atos: ${why}\n`);
}
