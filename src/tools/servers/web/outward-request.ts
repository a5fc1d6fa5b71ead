import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { messageOf } from "../../../base/errors.ts";
import { orAborted } from "../../../base/or-aborted.ts";
import { isPublicAddress } from "../../../sandbox/network/public-address.ts";

/** How outward requests may go. */
export type Reach = {
  /** Hosts a person named, as `host` or `host:port`: their addresses may be private and plain HTTP is spoken to them. */
  readonly allowPrivate: readonly string[];
  /** The addresses of a name. Default: the system's. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
};

export type OutwardRequest = {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer's body, decoded. */
  readonly maxBytes: number;
  /** For everything, the last byte included. */
  readonly timeoutMs: number;
};

export type OutwardAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
      /** There was more than `maxBytes`. */
      readonly isCut: boolean;
    }
  | {
      readonly kind: "failed";
      /** Without a full stop. */
      readonly why: string;
      /** Whether the same request could fare better a moment later. */
      readonly isPassing: boolean;
      /** Whether something may have reached the server. */
      readonly isSent: boolean;
    };

type Failure = Extract<OutwardAnswer, { kind: "failed" }>;
type Address = { readonly address: string; readonly family: number };

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
const DECODERS: ReadonlyMap<string, () => NodeJS.ReadWriteStream & Readable> = new Map([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
]);

/**
 * Makes one request and reads its answer, following no redirect and repeating nothing.
 *
 * The name is resolved once, every address it has is checked, and the connection goes to a checked address: a name
 * that answers differently the next time gains nothing. No cookie, credential or proxy of this machine goes along.
 *
 * @throws the signal's reason when aborted, and nothing else.
 */
export async function outwardRequest(
  reach: Reach,
  request: OutwardRequest,
  signal: AbortSignal,
): Promise<OutwardAnswer> {
  const { url, timeoutMs } = request;
  signal.throwIfAborted();
  const isNamed = isPrivateHost(url, reach.allowPrivate);
  const problem = urlProblem(url, isNamed);
  if (problem !== undefined) return { kind: "failed", why: problem, isPassing: false, isSent: false };
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let isSent = false;
  try {
    const addresses = await resolveHost(reach, url, limited);
    if ("kind" in addresses) return addresses;
    const hidden = isNamed ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
    if (hidden !== undefined) {
      const why = `${url.hostname} is ${hidden.address}, which is no public address`;
      return { kind: "failed", why, isPassing: false, isSent };
    }
    isSent = true;
    return await exchange(request, addresses, limited);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const why = limited.aborted
      ? `${url.host} did not answer completely within ${timeoutMs / 1000} s`
      : `the connection to ${url.host} failed (${messageOf(error)})`;
    return { kind: "failed", why, isPassing: true, isSent: isSent && !isRefused(error) };
  }
}

/** Whether a person named this host as one that may be private. Pure. */
export function isPrivateHost(url: URL, allowPrivate: readonly string[]): boolean {
  const port = url.port === "" ? (url.protocol === "http:" ? "80" : "443") : url.port;
  const host = url.hostname.toLowerCase();
  return allowPrivate.some((name) => [host, `${host}:${port}`].includes(name.toLowerCase()));
}

/** What is wrong with an address before anything is asked of it, or undefined. Pure. */
function urlProblem(url: URL, isNamed: boolean): string | undefined {
  if (url.username !== "" || url.password !== "") return "the address holds a user name or password; leave it out";
  if (url.protocol === "https:" || (url.protocol === "http:" && isNamed)) return undefined;
  return `only https:// addresses can be reached, not ${url.protocol}//`;
}

async function resolveHost(reach: Reach, url: URL, signal: AbortSignal): Promise<Address[] | Failure> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const failed = (detail: string): Failure => {
    const why = `the name ${host} was not found (${detail})`;
    return { kind: "failed", why, isPassing: detail.includes("EAI_AGAIN"), isSent: false };
  };
  if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
  try {
    const found = await orAborted((reach.resolve ?? systemResolve)(host), signal);
    const addresses = found.map((address) => ({ address, family: isIP(address) }));
    return addresses.length === 0 ? failed("it has no address") : addresses;
  } catch (error) {
    if (signal.aborted) throw error;
    return failed(messageOf(error));
  }
}

async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function exchange(
  { url, method, headers, body, maxBytes }: OutwardRequest,
  addresses: readonly Address[],
  signal: AbortSignal,
): Promise<OutwardAnswer> {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: checkedLookup(addresses) },
    pipelining: 0,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const sent: Dispatcher.RequestOptions = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { "user-agent": "atos", accept: "*/*", "accept-encoding": "identity", ...headers },
      body: body ?? null,
      signal,
    };
    const response = await agent.request(sent);
    const plain = plainHeaders(response.headers);
    const encoding = plain["content-encoding"]?.toLowerCase() ?? "identity";
    const decoder = DECODERS.get(encoding);
    if (decoder === undefined && encoding !== "identity") {
      response.body.on("error", () => {}).destroy();
      return { kind: "failed", why: `${url.host} answers in the coding ${encoding}`, isPassing: false, isSent: true };
    }
    const read = await readUpTo(response.body, decoder?.(), maxBytes);
    return { kind: "answered", status: response.statusCode, headers: plain, ...read };
  } finally {
    await agent.destroy();
  }
}

/** Answers with the checked addresses, whatever the name says by now. */
function checkedLookup(addresses: readonly Address[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true || first === undefined) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
}

/** Counts what comes out of the decoder, so that a small answer that unpacks to a huge one is cut too. */
async function readUpTo(
  body: Readable,
  decoder: (NodeJS.ReadWriteStream & Readable) | undefined,
  maxBytes: number,
): Promise<{ readonly body: Buffer; readonly isCut: boolean }> {
  const source = decoder === undefined ? body : body.pipe(decoder);
  body.on("error", (error) => decoder?.destroy(error));
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of source) {
      const chunk = Buffer.from(part);
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) break;
    }
  } finally {
    body.destroy();
    decoder?.on("error", () => {}).destroy();
  }
  return { body: Buffer.concat(parts).subarray(0, maxBytes), isCut: bytes > maxBytes };
}

function plainHeaders(headers: Dispatcher.ResponseData["headers"]): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value[0] : value;
    return text === undefined ? [] : [[name.toLowerCase(), text] as const];
  });
  return Object.fromEntries(entries);
}

function isRefused(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "EHOSTUNREACH";
}
