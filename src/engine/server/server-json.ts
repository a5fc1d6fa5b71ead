import { AtosError } from "../../base/errors.ts";
import { badReply } from "./chat-stream.ts";
import { refused, timedOut } from "./server-failure.ts";
import type { ServerConnection } from "./server-connection.ts";
import { Watchdog } from "./watchdog.ts";

export type JsonCall = {
  readonly path: string;
  readonly from?: "base" | "root";
  /** With a body the call is a POST. */
  readonly body?: unknown;
  /** What is asked for, in an error message: "list of its models". */
  readonly what: string;
  /** Default: 10 seconds. */
  readonly timeoutMs?: number;
};

export type JsonAnswer =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "refused"; readonly status: number; readonly said: string };

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * One short question to a server, answered by JSON or by a status other than 200.
 *
 * @throws `engine/server-unreachable`, `engine/stream-cut`, `engine/server-timeout`, `engine/bad-server-reply`
 * for what is no JSON; the signal's reason.
 */
export async function askJson(server: ServerConnection, call: JsonCall, signal?: AbortSignal): Promise<JsonAnswer> {
  const { path, from = "base", body, what, timeoutMs = TIMEOUT_MS } = call;
  using watchdog = new Watchdog(signal);
  watchdog.expect(timeoutMs, () => timedOut(server.baseUrl, what, timeoutMs));
  const either = watchdog.signal;
  either.throwIfAborted();
  const method = body === undefined ? "GET" : "POST";
  const response = await server.send({ method, path, from, body, signal: either });
  if (response.statusCode !== 200)
    return { kind: "refused", status: response.statusCode, said: await server.excerpt(response) };
  try {
    return { kind: "json", value: JSON.parse(await readText(response.body)) };
  } catch (error) {
    if (either.aborted) throw either.reason;
    if (error instanceof SyntaxError) throw badReply(`a ${what} that can't be read, at ${server.baseUrl}`);
    throw server.failure(error, "answer");
  }
}

/** As `askJson`, where anything but JSON is an error too: `engine/server-refused-key`, `engine/server-busy`, `engine/server-error`. */
export async function demandJson(server: ServerConnection, call: JsonCall, signal?: AbortSignal): Promise<unknown> {
  const answer = await askJson(server, call, signal);
  if (answer.kind === "refused") throw refused(server, answer.status, answer.said);
  return answer.value;
}

/** As `askJson`, where everything that is no JSON is undefined: for a path that this server may not have. */
export async function tryJson(server: ServerConnection, call: JsonCall, signal?: AbortSignal): Promise<unknown> {
  try {
    const answer = await askJson(server, call, signal);
    return answer.kind === "json" ? answer.value : undefined;
  } catch (error) {
    if (signal?.aborted === true || !(error instanceof AtosError)) throw error;
    return undefined;
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw badReply(`more than ${MAX_BYTES} bytes where a short answer was expected`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
