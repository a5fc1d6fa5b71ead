import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from "@modelcontextprotocol/client";
import type { ServerReach } from "./read-mcp-entry.ts";

const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR"];
const END_GRACE_MS = 1000;
const STDERR_CHARS = 500;

export type StdioChildOptions = {
  readonly reach: Extract<ServerReach, { kind: "stdio" }>;
  /** Of the caller; only a few plain variables of it are passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly maxMessageBytes: number;
};

/**
 * A server that is a child process, spoken to over its standard input and output. It leads a process group of its
 * own, so that what it started ends with it. A message larger than the limit ends the connection while it is read.
 */
export class StdioChild implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: StdioChildOptions;
  readonly #buffer: ReadBuffer;
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #ended: Promise<void> | undefined;
  #stderrTail = "";

  constructor(options: StdioChildOptions) {
    this.#options = options;
    this.#buffer = new ReadBuffer({ maxBufferSize: options.maxMessageBytes });
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** The SDK tells a child process from an HTTP server by this and `pid`. */
  get stderr(): Readable | null {
    return this.#child?.stderr ?? null;
  }

  /** It was started, and has ended by itself or was ended. */
  get hasExited(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && (child.exitCode !== null || child.signalCode !== null);
  }

  /** The last it wrote to standard error. */
  get lastWords(): string {
    return this.#stderrTail;
  }

  start(): Promise<void> {
    const { reach, env, maxMessageBytes: _ } = this.#options;
    const plain = Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
    const child = spawn(reach.command, [...reach.args], {
      cwd: reach.cwd,
      env: { ...plain, ...reach.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    child.once("close", () => this.onclose?.());
    // Its own children may hold its output open: the server is gone all the same.
    child.once("exit", () => killGroup(child.pid, "SIGKILL"));
    child.stdin.on("error", (error) => this.onerror?.(error));
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderrTail = `${this.#stderrTail}${chunk.toString("utf8")}`.slice(-STDERR_CHARS);
    });
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    return new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        this.onerror?.(error);
        reject(error);
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable) throw new Error("the server has gone");
    // What does not read its input is met by the deadline of the request.
    stdin.write(serializeMessage(message));
  }

  /** Asks it to end by closing its input, then by a signal; after two seconds at most it is killed. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#ended === undefined) return;
    this.#buffer.clear();
    child.stdout.removeAllListeners("data").resume();
    child.stdin.end();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const stop = new AbortController();
      const wait = setTimeout(END_GRACE_MS, "waited", { signal: stop.signal }).catch(() => "ended");
      const first = await Promise.race([this.#ended, wait]);
      stop.abort();
      if (first !== "waited") break;
      killGroup(child.pid, signal);
    }
    await this.#ended;
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      killGroup(this.#child?.pid, "SIGKILL");
      return;
    }
    // Each turn takes a message out of the buffer, or finds that it holds no whole one.
    for (;;) {
      try {
        const message = this.#buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}

function killGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group has ended already.
  }
}
