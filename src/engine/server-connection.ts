import { Agent, type Dispatcher, errors } from "undici";
import { AtosError, messageOf, missingError, usageError } from "../base/errors.ts";

export type ServerAddress = {
  /** What comes before `/chat/completions` and `/models`, without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey?: string;
};

type Call = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
};

export type ServerResponse = Dispatcher.ResponseData;

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_ERROR_BYTES = 4096;
const MAX_EXCERPT_CHARACTERS = 300;
const NOT_HTTP = "NOT_HTTP";
const BROKEN_OFF = ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", NOT_HTTP];

/**
 * HTTP to one model server: each call is one request on a connection of its own, never sent again.
 * The key goes into the request and nowhere else: no error shows it, even where the server says it.
 */
export class ServerConnection implements AsyncDisposable {
  readonly baseUrl: string;
  readonly #apiKey: string;
  readonly #agent: Agent;

  constructor(address: ServerAddress) {
    this.baseUrl = address.baseUrl.replace(/\/+$/, "");
    this.#apiKey = address.apiKey ?? "";
    if (!/^[\x21-\x7e]*$/.test(this.#apiKey))
      throw usageError("engine/bad-api-key", `the key for ${this.baseUrl} holds characters that no HTTP header may`);
    // Connections are not kept: a server that closed an idle one would fail a call that is never repeated.
    // Who waits how long is the caller's business, through the signal.
    this.#agent = new Agent({
      pipelining: 0,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
  }

  /**
   * Resolves when the server has begun to answer, with whatever status.
   *
   * @throws `engine/server-unreachable`, `engine/stream-cut`, `engine/model-closed`; the signal's reason.
   */
  async send(call: Call): Promise<ServerResponse> {
    const url = new URL(this.baseUrl + call.path);
    const headers = {
      accept: call.method === "POST" ? "text/event-stream" : "application/json",
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...(this.#apiKey === "" ? {} : { authorization: `Bearer ${this.#apiKey}` }),
    };
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const { origin, pathname, search } = url;
    try {
      const { method, signal } = call;
      return await this.#agent.request({ origin, path: pathname + search, method, headers, body, signal });
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      throw this.failure(error, "request");
    }
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
    await this.#agent.destroy();
  }
}

function codeOf(error: unknown): string {
  // An answer that ends too early is one of these, and some of them have no code.
  if (error instanceof errors.HTTPParserError) return NOT_HTTP;
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
