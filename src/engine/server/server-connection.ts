import { setImmediate as nextLoop } from "node:timers/promises";
import { Agent, type Dispatcher, errors } from "undici";
import { AtosError, messageOf, missingError, usageError } from "../../base/errors.ts";

export type ServerAddress = {
  /** What comes before `/chat/completions` and `/models`, without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey?: string;
};

type Call = {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Where the path begins: after the base URL, or where the server's own API does, without the `/v1`. */
  readonly from?: "base" | "root";
  readonly accept?: "text/event-stream" | "application/json";
  readonly body?: unknown;
  readonly signal: AbortSignal;
};

export type ServerResponse = Dispatcher.ResponseData;

const CONNECT_TIMEOUT_MS = 10_000;
/** Servers that keep connections keep them for seconds. */
const KEPT_MS = 500;
/** What may follow an answer that has been read as far as it is needed. */
const MAX_REST_BYTES = 64 * 1024;
const REST_TIMEOUT_MS = 1000;
const MAX_ERROR_BYTES = 4096;
const MAX_EXCERPT_CHARACTERS = 300;
const NOT_HTTP = "NOT_HTTP";
const BROKEN_OFF = ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", NOT_HTTP];

/**
 * HTTP to one model server: each call is one request, never sent again.
 * The key goes into the request and nowhere else: no error shows it, even where the server says it.
 *
 * Since nothing is sent again, no request may meet a connection that its server closes for being idle. So
 * one is used for a further request only
 *
 * 1. where the server said with its last answer for how long it keeps one, or `trustIdle` was called;
 * 2. within half a second of its last answer;
 * 3. after a turn of the event loop, which shows a close that has come meanwhile;
 * 4. as long as this server was never seen to close one that was kept.
 *
 * In every other case a request has a connection of its own. What is left is a server that goes back on
 * its word, or is stopped, in the moment in which a request is on its way: that call is `engine/stream-cut`.
 */
export class ServerConnection implements AsyncDisposable {
  readonly baseUrl: string;
  readonly #apiKey: string;
  readonly #keeping: Agent;
  readonly #single: Agent;
  /** Undefined before the first answer, which has to be asked for in a way that lets the server say it. */
  #saysTimeout: boolean | undefined;
  #isTrusted = false;
  #hasClosed = false;

  constructor(address: ServerAddress) {
    this.baseUrl = address.baseUrl.replace(/\/+$/, "");
    this.#apiKey = address.apiKey ?? "";
    if (!/^[\x21-\x7e]*$/.test(this.#apiKey))
      throw usageError("engine/bad-api-key", `the key for ${this.baseUrl} holds characters that no HTTP header may`);
    // Who waits how long is the caller's business, through the signal. HTTP/2 has rules of its own for idle connections.
    const options = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_TIMEOUT_MS }, allowH2: false };
    this.#single = new Agent({ ...options, pipelining: 0 });
    this.#keeping = new Agent({ ...options, keepAliveTimeout: KEPT_MS, keepAliveMaxTimeout: KEPT_MS });
    this.#keeping.on("disconnect", (_origin, _targets, { code }) => {
      // Any other code than this one, by which undici says that it closed the connection itself.
      if (code !== "UND_ERR_INFO") this.#hasClosed = true;
    });
  }

  /** For a server of a kind that is known to keep connections for seconds, but does not say so. */
  trustIdle(): void {
    this.#isTrusted = true;
  }

  /**
   * Resolves when the server has begun to answer, with whatever status.
   *
   * @throws `engine/server-unreachable`, `engine/stream-cut`, `engine/model-closed`; the signal's reason.
   */
  async send(call: Call): Promise<ServerResponse> {
    const url = new URL((call.from === "root" ? this.rootUrl : this.baseUrl) + call.path);
    const headers = {
      accept: call.accept ?? "application/json",
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...(this.#apiKey === "" ? {} : { authorization: `Bearer ${this.#apiKey}` }),
    };
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const { origin, pathname, search } = url;
    try {
      const { method, signal } = call;
      if (this.#keeps()) await nextLoop();
      const agent = this.#keeps() ? this.#keeping : this.#single;
      const response = await agent.request({ origin, path: pathname + search, method, headers, body, signal });
      this.#saysTimeout = /\btimeout=/i.test(String(response.headers["keep-alive"]));
      return response;
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      throw this.failure(error, "request");
    }
  }

  #keeps(): boolean {
    return !this.#hasClosed && (this.#isTrusted || this.#saysTimeout !== false);
  }

  /**
   * For an answer that has been read as far as it is needed: what else there is of it is dropped as it
   * comes, so that its connection can be used again. One that does not end soon is closed.
   */
  dropRest({ body }: ServerResponse): void {
    if (body.destroyed) return;
    const timer = setTimeout(() => body.destroy(), REST_TIMEOUT_MS).unref();
    let bytes = 0;
    body.on("data", (part: Uint8Array) => {
      bytes += part.length;
      if (bytes > MAX_REST_BYTES) body.destroy();
    });
    // The answer was complete: how its connection ends is no failure of the call.
    body.on("error", () => {});
    body.once("close", () => clearTimeout(timer));
    body.resume();
  }

  /** Closes the connection of an answer in the middle of it, and nothing when it has ended already. */
  breakOff({ body }: ServerResponse): void {
    // Why the answer is left is known to the caller; that it was left is no error of its own.
    body.on("error", () => {}).destroy();
  }

  /** Where a server's own API begins, beside the one it shares with OpenAI. */
  get rootUrl(): string {
    return this.baseUrl.replace(/\/v1$/, "");
  }

  /** What a broken connection means; an error that did not come from the connection is given back as it is. */
  failure(error: unknown, during: "request" | "answer"): unknown {
    const code = codeOf(error);
    if (error instanceof AtosError || code === "") return error;
    if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED")
      return new AtosError("engine/model-closed", `the connection to ${this.baseUrl} was closed by ATOS itself`);
    if (during === "answer" || BROKEN_OFF.includes(code)) {
      const when = during === "answer" ? "in the middle of its answer" : "before it answered";
      const why = `the model server at ${this.baseUrl} broke the connection off ${when} (${messageOf(error)})`;
      return new AtosError("engine/stream-cut", `${why}; look at the server's log, and try again`);
    }
    const start = "start one, for example: llama-server -m model.gguf --port 8080, or: ollama serve";
    const why = `no model server answers at ${this.baseUrl} (${code})`;
    return missingError("engine/server-unreachable", `${why}; ${start}; or correct the address`, error);
  }

  /** The beginning of an answer's text, on one line and without the key; for error messages. */
  async excerpt(response: ServerResponse): Promise<string> {
    let text = "";
    try {
      for await (const chunk of response.body) {
        text += String(chunk);
        if (text.length >= MAX_ERROR_BYTES) break;
      }
    } catch {
      // The status says more than a body that broke off.
    }
    return this.clean(text);
  }

  /** Makes text from the server fit for an error message: first without the key, then short. */
  clean(text: string): string {
    const line = this.hideKey(text).replace(/\s+/g, " ").trim();
    return line.length <= MAX_EXCERPT_CHARACTERS ? line : `${line.slice(0, MAX_EXCERPT_CHARACTERS)}…`;
  }

  hideKey(text: string): string {
    return this.#apiKey === "" ? text : text.replaceAll(this.#apiKey, "***");
  }

  /** Ends every call that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#keeping.destroy(), this.#single.destroy()]);
  }
}

function codeOf(error: unknown): string {
  // An answer that ends too early is one of these, and some of them have no code.
  if (error instanceof errors.HTTPParserError) return NOT_HTTP;
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
