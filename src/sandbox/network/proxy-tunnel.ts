import type { IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type FirstBytes, readClientHello } from "./client-hello.ts";
import { canonicalHost, type NetworkTarget, parseTarget, targetText } from "./network-target.ts";
import type { Passage } from "./passage.ts";
import { hostAgrees } from "./proxy-request.ts";

/** A CONNECT request, as Node's server hands it over. */
export type TunnelRequest = { readonly request: IncomingMessage; readonly client: Duplex; readonly head: Buffer };

/**
 * Joins a client to the host it asked for, for TLS alone.
 *
 * The name in the ClientHello must be the host's: one server often serves many names, and to ask it for another than
 * was allowed is an old way round such lists. What is said inside TLS nobody here sees.
 */
export async function proxyTunnel({ request, client, head }: TunnelRequest, passage: Passage): Promise<void> {
  client.on("error", () => client.destroy());
  const target = parseTarget(request.url ?? "");
  if (target === undefined || !hostAgrees(request, target)) {
    passage.refuse(request.url ?? "");
    return answer(client, "400 Bad Request", "CONNECT takes host:port, with a Host that agrees");
  }
  const reached = await passage.reach(target);
  if (reached.kind === "refused") return answer(client, "403 Forbidden", reached.why);
  if (reached.kind === "failed") return answer(client, "502 Bad Gateway", reached.why);
  const { socket } = reached;
  endTogether(client, socket);
  client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  const { bytes, first } = await firstBytes(client, head);
  const other = refusedName(first, target);
  if (other !== undefined) passage.refuse(other);
  if (other !== undefined || first.kind !== "hello" || !passage.spend(bytes.length)) return void socket.destroy();
  socket.write(bytes);
  for (const [from, to] of [
    [client, socket],
    [socket, client],
  ] as const) {
    from.on("data", (chunk: Buffer) => void (passage.spend(chunk.length) || socket.destroy()));
    from.pipe(to);
  }
}

/**
 * The server that a connection turned out to be for where that is not `target`: its name, or the target's where it has
 * none or is no TLS at all. Undefined when all is well, or nothing was said. Pure.
 */
function refusedName(first: FirstBytes, target: NetworkTarget): string | undefined {
  if (first.kind === "incomplete") return undefined;
  if (first.kind === "other") return targetText(target);
  const { serverName } = first;
  // A client that was given an address names no server (RFC 6066, 3).
  if (serverName === undefined) return isIP(target.host) === 0 ? targetText(target) : undefined;
  const host = canonicalHost(serverName);
  return host === target.host ? undefined : targetText({ host: host ?? target.host, port: target.port });
}

/** When one breaks off, so does the other; a plain end goes along the pipes. */
function endTogether(client: Duplex, socket: Socket): void {
  for (const [one, other] of [
    [client, socket],
    [socket, client],
  ] as const) {
    const broken = (): void => void (one.readableEnded || other.destroy());
    if (one.destroyed) broken();
    else one.once("close", broken);
  }
}

/** What a client says first, as far as it says it; at most one TLS record. */
function firstBytes(client: Duplex, head: Buffer): Promise<{ readonly bytes: Buffer; readonly first: FirstBytes }> {
  return new Promise((resolve) => {
    let bytes = head;
    const done = (first: FirstBytes): void => {
      client.off("data", take).off("end", gone).off("close", gone).pause();
      resolve({ bytes, first });
    };
    const gone = (): void => {
      client.destroy();
      done({ kind: "incomplete" });
    };
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const first = readClientHello(bytes);
      if (first.kind !== "incomplete") done(first);
    };
    client.on("data", take).on("end", gone).on("close", gone);
    take(Buffer.alloc(0));
    if (client.destroyed) gone();
  });
}

function answer(client: Duplex, status: string, why: string): void {
  const body = `atos: ${why}\n`;
  const headers = ["Content-Type: text/plain", `Content-Length: ${Buffer.byteLength(body)}`, "Connection: close"];
  client.end(`HTTP/1.1 ${status}\r\n${headers.join("\r\n")}\r\n\r\n${body}`);
}
