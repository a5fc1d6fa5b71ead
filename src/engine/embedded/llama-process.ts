import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { extname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import { AtosError } from "../../base/errors.ts";
import { type ChildReply, type ChildRequest, childReply, errorOf } from "./child-protocol.ts";

/** What to ask; the process numbers it. */
export type Question = Exclude<WithoutCall<ChildRequest>, { readonly kind: "abort" }>;
type WithoutCall<Message> = Message extends unknown ? Omit<Message, "call"> : never;
type Answer = Exclude<ChildReply, { readonly kind: "failed" }>;

const KILL_GRACE_MS = 300;
/** How long a dead child's last output may take to arrive. */
const LAST_WORDS_MS = 100;
const STDERR_TAIL_CHARACTERS = 600;
const RELOAD = "load the model again";
const RETRY = "end other programs, or raise the limit of processes, and load it again";
/** All that a child needs of the environment; keys and other secrets stay here. */
const CHILD_VARIABLES = [
  "PATH",
  "HOME",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "CUDA_VISIBLE_DEVICES",
  // By what the numbers before count.
  "CUDA_DEVICE_ORDER",
  "HIP_VISIBLE_DEVICES",
  "ROCR_VISIBLE_DEVICES",
  "GGML_VK_VISIBLE_DEVICES",
];

/**
 * A process of its own for one set of weights, so that a kill gives everything back and a crash takes
 * nobody along. It ends when this object is disposed or when this process ends, in whatever way.
 */
export class LlamaProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #gone: Promise<void>;
  readonly #calls = new Map<number, ReadableStreamDefaultController<ChildReply>>();
  #nextCall = 1;
  #end: AtosError | undefined;
  #stderr = "";

  /** `name` is what its errors call the model. */
  constructor(name: string) {
    // Beside this file lies the source when it runs from src/ and the compiled child when from dist/.
    const entry = new URL(`./llama-child${extname(import.meta.url)}`, import.meta.url);
    const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
    const child = fork(fileURLToPath(entry), {
      stdio: [...stdio],
      env: childEnvironment(),
      execArgv: [],
      // Vectors go over as they are, not as decimal numbers.
      serialization: "advanced",
    });
    // A write to a child that just died, whose end is reported by `exit`; or a child that never began.
    child.on("error", () => {});
    if (child.pid === undefined)
      throw new AtosError("engine/child-died", `no process could be started for the model ${name}; ${RETRY}`);
    this.pid = child.pid;
    this.#child = child;
    this.#name = name;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    // Not `close`: Node never emits it for a child that was disconnected from here.
    this.#gone = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).then(async (how) => {
      if (child.stderr?.closed === false) await Promise.race([once(child.stderr, "close"), delay(LAST_WORDS_MS)]);
      this.#failAll(this.#died(how));
    });
    child.on("message", (message) => this.#receive(message));
  }

  /**
   * Asks the process something and yields its answers up to the last. Leaving early, by an abort of
   * `signal` or by a `break`, tells the process to stop at its next token; the caller never waits for
   * that.
   *
   * @throws the failure the process reports; `engine/child-died`; the reason of `signal`.
   */
  async *ask(question: Question, signal?: AbortSignal): AsyncGenerator<Answer> {
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
    const call = this.#nextCall++;
    let finished = false;
    const replies = new ReadableStream<ChildReply>({ start: (controller) => void this.#calls.set(call, controller) });
    const onAbort = () => {
      this.#calls.get(call)?.error(signal?.reason);
      this.#calls.delete(call);
      this.#send({ kind: "abort", call });
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#send({ ...question, call });
      for await (const reply of replies) {
        finished = isLast(reply);
        if (reply.kind === "failed") throw errorOf(reply.failure);
        yield reply;
        if (finished) return;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#calls.delete(call);
      if (!finished) this.#send({ kind: "abort", call });
    }
  }

  /**
   * Asks for the one answer of a kind.
   *
   * @throws what `ask` throws.
   */
  async askFor<Kind extends Answer["kind"]>(
    kind: Kind,
    question: Question,
    signal?: AbortSignal,
  ): Promise<Extract<Answer, { readonly kind: Kind }>> {
    for await (const answer of this.ask(question, signal)) if (isOf(answer, kind)) return answer;
    throw new AtosError("engine/child-died", `the model ${this.#name} gave no answer; load it again`);
  }

  /** Resolves when the process is gone, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#failAll(new AtosError("engine/model-closed", `the model ${this.#name} was closed; load it again to use it`));
    if (this.#child.connected) this.#child.disconnect();
    const waiting = new AbortController();
    const kill = delay(KILL_GRACE_MS, undefined, { signal: waiting.signal }).then(
      () => this.#child.kill("SIGKILL"),
      () => false,
    );
    await this.#gone;
    waiting.abort();
    await kill;
  }

  #send(request: ChildRequest): void {
    if (this.#child.connected) this.#child.send(request, () => {});
  }

  #receive(message: unknown): void {
    const parsed = childReply.safeParse(message);
    if (!parsed.success) {
      this.#failAll(this.#died(`it said what nobody understands: ${parsed.error.message}`));
      this.#child.kill("SIGKILL");
      return;
    }
    const reply = parsed.data;
    const controller = this.#calls.get(reply.call);
    controller?.enqueue(reply);
    if (isLast(reply)) this.#calls.delete(reply.call);
  }

  #failAll(error: AtosError): void {
    this.#end ??= error;
    for (const controller of this.#calls.values()) controller.error(this.#end);
    this.#calls.clear();
  }

  #died(how: string): AtosError {
    const said = this.#stderr.trim() === "" ? "" : `; its last words: ${this.#stderr.trim()}`;
    const what = `the process ${this.pid} of the model ${this.#name} died (${how})`;
    const advice = how === "SIGKILL" ? "load the model again, with less if the system ran out of memory" : RELOAD;
    return new AtosError("engine/child-died", `${what}; ${advice}${said}`);
  }
}

function isOf<Kind extends Answer["kind"]>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { readonly kind: Kind }> {
  return answer.kind === kind;
}

function isLast(reply: ChildReply): boolean {
  return reply.kind !== "part" || reply.part.kind === "end";
}

function childEnvironment(): NodeJS.ProcessEnv {
  const kept = CHILD_VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const cache = getCompileCacheDir();
  return { ...Object.fromEntries(kept), ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
}
