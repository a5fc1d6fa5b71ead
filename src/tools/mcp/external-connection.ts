import {
  Client,
  InsufficientScopeError,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
  type Tool as ListedTool,
} from "@modelcontextprotocol/client";
import { AtosError, messageOf } from "../../base/errors.ts";
import { orAborted } from "../../base/or-aborted.ts";
import type { JsonObject } from "../../engine/dialects/reading.ts";
import type { RawResult } from "../gate/gate-tool.ts";
import type { ToolCallContext } from "../tool.ts";
import { shownText, toolFingerprint } from "./external-tool.ts";
import { limitedFetch } from "./limited-fetch.ts";
import { loginTarget } from "./login-target.ts";
import { IDEMPOTENCY_META } from "./make-mcp-server.ts";
import type { ExternalServer } from "./read-mcp-entry.ts";
import { readResult } from "./read-result.ts";
import { ServerLogin } from "./server-login.ts";
import { StdioChild } from "./stdio-child.ts";

export type ConnectionOptions = {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of what a person should know: the server went away and came back, its tools are others now. */
  readonly onNotice?: (notice: string) => void;
  /** Where log-ins are kept. Without it, or where `mcp.json` has a key for the server, there are none. */
  readonly loginsFolder?: string;
  readonly limits?: Partial<ConnectionLimits>;
};

export type ConnectionLimits = {
  readonly connectMs: number;
  readonly callMs: number;
  /** Of one message of a child, or one answer over HTTP. */
  readonly messageBytes: number;
  /** Of a result's text, for whoever made the call. */
  readonly resultChars: number;
};

/** A tool as it was when it was first shown. */
export type ShownTool = { readonly name: string; readonly fingerprint: string };
type KnownTool = { readonly fingerprint: string; readonly definition: ListedTool };

const LIMITS: ConnectionLimits = {
  connectMs: 30_000,
  callMs: 300_000,
  messageBytes: 4 * 1024 * 1024,
  resultChars: 256 * 1024,
};
const MAX_PAGES = 8;
const MAX_RECONNECTS = 3;
/** For a child to say which revision it speaks; one that is still starting answers a later question as well. */
const PROBE_MS = 2000;
/** Said before anything was done. */
const REFUSALS: ReadonlySet<number> = new Set([
  ProtocolErrorCode.ParseError,
  ProtocolErrorCode.InvalidRequest,
  ProtocolErrorCode.MethodNotFound,
  ProtocolErrorCode.InvalidParams,
]);

/** Opened once, and again after the server went away, at most three times. */
export class ExternalConnection implements AsyncDisposable {
  readonly #server: ExternalServer;
  readonly #options: ConnectionOptions;
  readonly #limits: ConnectionLimits;
  readonly #login: ServerLogin | undefined;
  #client: Client | undefined;
  #child: StdioChild | undefined;
  #opening: Promise<readonly ListedTool[]> | undefined;
  #current: ReadonlyMap<string, KnownTool> = new Map();
  /** Which revisions it is asked for: all, or those before 2026-07-28. */
  #era: "auto" | "legacy" = "auto";
  #isStale = false;
  #reconnects = 0;

  constructor(server: ExternalServer, options: ConnectionOptions) {
    this.#server = server;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    const target = loginTarget(server);
    const { loginsFolder } = options;
    this.#login =
      target === undefined || loginsFolder === undefined ? undefined : new ServerLogin(target, loginsFolder);
  }

  /** Connects and asks for the tools. What ends when it is asked for its revision is started again as an older one. */
  async open(signal: AbortSignal): Promise<readonly ListedTool[]> {
    const { connectMs } = this.#limits;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
    const probeMs = Math.ceil(connectMs / 3);
    const client = new Client(
      { name: "atos", version: this.#options.version },
      {
        versionNegotiation: {
          mode: this.#era,
          probe: { timeoutMs: this.#server.reach.kind === "stdio" ? Math.min(PROBE_MS, probeMs) : probeMs },
        },
        inputRequired: { autoFulfill: false },
        listMaxPages: MAX_PAGES,
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void (this.#isStale = true) } },
      },
    );
    client.onclose = () => {
      if (this.#client === client) this.#client = undefined;
    };
    try {
      const transport = this.#transport();
      await orAborted(client.connect(transport, { signal: deadline, timeout: connectMs }), deadline);
      const { tools } = await orAborted(
        client.listTools(undefined, { signal: deadline, timeout: connectMs, cacheMode: "refresh" }),
        deadline,
      );
      this.#client = client;
      this.#keep(tools);
      return tools;
    } catch (error) {
      const words = this.#child?.lastWords ?? "";
      const isOlder = this.#era === "auto" && this.#child?.hasExited === true;
      await client.close().catch(() => undefined);
      await this.#child?.close();
      signal.throwIfAborted();
      if (isOlder) {
        this.#era = "legacy";
        return this.open(signal);
      }
      const ours = await this.#ours(error);
      if (ours !== undefined) throw ours;
      throw new AtosError("tools/server-unreachable", this.#hide(this.#whyNot(error, words)), { cause: error });
    }
  }

  async call({ name, fingerprint }: ShownTool, value: JsonObject, context: ToolCallContext): Promise<RawResult> {
    const { signal, idempotencyKey } = context;
    const client = await this.#ready(signal);
    const known = this.#current.get(name);
    if (known?.fingerprint !== fingerprint) return { ok: false, text: changedText(this.#server.name, name) };
    const request = { name, arguments: value, _meta: { [IDEMPOTENCY_META]: idempotencyKey } };
    try {
      const { callMs, resultChars } = this.#limits;
      const toolDefinition = known.definition;
      const result = await client.callTool(request, { signal, timeout: callMs, toolDefinition });
      return this.#withoutTokens(readResult(result, resultChars));
    } catch (error) {
      signal.throwIfAborted();
      const ours = await this.#ours(error);
      if (ours !== undefined) throw ours;
      const why = this.#refusal(name, error);
      if (why === undefined) throw this.#failed(name, error);
      return { ok: false, text: this.#hide(why) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reconnects = MAX_RECONNECTS;
    await this.#client?.close();
    await this.#child?.close();
  }

  /** The client, connected again if need be, and the list of tools as it is now. */
  async #ready(signal: AbortSignal): Promise<Client> {
    signal.throwIfAborted();
    if (this.#client === undefined) await orAborted(this.#reopen(), signal);
    const client = this.#client;
    if (client === undefined) throw this.#gone("it went away again");
    if (this.#isStale) {
      this.#isStale = false;
      try {
        const { connectMs } = this.#limits;
        this.#keep((await client.listTools(undefined, { signal, timeout: connectMs, cacheMode: "refresh" })).tools);
      } catch (error) {
        this.#isStale = true;
        signal.throwIfAborted();
        throw (
          (await this.#ours(error)) ??
          this.#gone(`its tools changed, and it did not list them again: ${messageOf(error)}`)
        );
      }
      this.#options.onNotice?.(`the tools of ${this.#server.name} changed`);
    }
    return client;
  }

  /** Calls at the same time share one attempt, which none of them can cut off for the others. */
  #reopen(): Promise<readonly ListedTool[]> {
    if (this.#opening !== undefined) return this.#opening;
    if (this.#reconnects >= MAX_RECONNECTS)
      throw this.#gone(`it was connected to again ${MAX_RECONNECTS} times already`);
    this.#reconnects += 1;
    this.#options.onNotice?.(
      `${this.#server.name} went away; connecting again (${this.#reconnects} of ${MAX_RECONNECTS})`,
    );
    const opening = this.open(new AbortController().signal).finally(() => (this.#opening = undefined));
    this.#opening = opening;
    return opening;
  }

  #keep(tools: readonly ListedTool[]): void {
    this.#isStale = false;
    // What a tool promises of its answers is not held against them: an answer is read as it comes.
    this.#current = new Map(
      tools.map((tool) => [
        tool.name,
        { fingerprint: toolFingerprint(tool), definition: { ...tool, outputSchema: undefined } },
      ]),
    );
  }

  #transport(): StdioChild | StreamableHTTPClientTransport {
    const { reach } = this.#server;
    const { messageBytes } = this.#limits;
    if (reach.kind === "stdio") {
      this.#child = new StdioChild({ reach, env: this.#options.env, maxMessageBytes: messageBytes });
      return this.#child;
    }
    const limited = limitedFetch(messageBytes);
    return new StreamableHTTPClientTransport(reach.url, {
      requestInit: { headers: { ...reach.headers } },
      fetch: this.#login?.watched(limited) ?? limited,
      ...(this.#login === undefined ? {} : { authProvider: this.#login }),
    });
  }

  /** What a log-in ran into has a code and words of its own, and nothing was done. */
  async #ours(error: unknown): Promise<AtosError | undefined> {
    if (error instanceof AtosError) return error;
    return error instanceof InsufficientScopeError ? this.#login?.tooNarrow(error) : undefined;
  }

  /** A server that says its token again must not get it into a prompt. */
  #withoutTokens(result: RawResult): RawResult {
    const tokens = this.#login?.secrets ?? [];
    if (!tokens.some((token) => JSON.stringify(result).includes(JSON.stringify(token).slice(1, -1)))) return result;
    return { ok: result.ok, text: this.#hide(result.text) };
  }

  /** What is an answer, though no result: the server's error, or a result that can't be read. */
  #refusal(tool: string, error: unknown): string | undefined {
    const { name, readOnly } = this.#server;
    const isError = error instanceof ProtocolError;
    if (!isError && !(error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)) return undefined;
    const words = shownText(messageOf(error));
    if (isError && REFUSALS.has(error.code)) return `${name} refused the call of ${tool}: ${words}`;
    const doubt = readOnly.includes(tool) ? "" : " Whether it was done is not known; look before you call it again.";
    return isError
      ? `${name} failed at the call of ${tool}: ${words}.${doubt}`
      : `${name} answered the call of ${tool} in a form that can't be read: ${words}.${doubt}`;
  }

  /** In the middle of a call nobody knows whether it happened; only one that changes nothing is made again. */
  #failed(tool: string, error: unknown): AtosError {
    const why = this.#hide(shownText(messageOf(error)));
    if (this.#client !== undefined)
      return new AtosError("tools/call-failed", `${tool} of ${this.#server.name} did not answer as it must: ${why}`, {
        cause: error,
      });
    if (this.#server.readOnly.includes(tool)) return this.#gone(why);
    return new AtosError(
      "tools/answer-lost",
      `${this.#server.name} went away while ${tool} was at work (${why}); whether it was done is not known`,
      { cause: error },
    );
  }

  #gone(why: string): AtosError {
    return new AtosError(
      "tools/server-gone",
      `the server ${this.#server.name} of mcp.json can't be called: ${this.#hide(why)}`,
    );
  }

  #whyNot(error: unknown, words: string): string {
    const { name, reach } = this.#server;
    const where = reach.kind === "stdio" ? reach.command : reach.url.origin;
    const said = words.trim() === "" ? "" : `; it last said: ${shownText(words)}`;
    return `the server ${name} of mcp.json (${where}) can't be used: ${shownText(messageOf(error))}${said}`;
  }

  /** Takes out what came from the environment or stands in env and headers, and tokens. */
  #hide(text: string): string {
    return [...this.#server.secrets, ...(this.#login?.secrets ?? [])]
      .filter((secret) => secret.length >= 6)
      .reduce((left, secret) => left.replaceAll(secret, "…"), text);
  }
}

function changedText(server: string, tool: string): string {
  return `${tool} of ${server} is no longer what it was when it was first shown, so it is not called until a person has accepted it (atos mcp --accept ${server}). Do it another way.`;
}
