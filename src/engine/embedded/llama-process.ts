import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { extname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import { AtosError } from "../../base/errors.ts";
import { type ChildDeath, childDied, type ChildPhase } from "./child-died.ts";
import { childEnvironment } from "./child-environment.ts";
import { type ChildReply, type ChildRequest, childReply, errorOf } from "./child-protocol.ts";
import { onSilence } from "./on-silence.ts";

/** What to ask; the process numbers it. */
export type Question = Exclude<WithoutCall<ChildRequest>, { readonly kind: "abort" }>;
type WithoutCall<Message> = Message extends unknown ? Omit<Message, "call"> : never;
type Answer = Exclude<ChildReply, { readonly kind: "failed" }>;

const KILL_GRACE_MS = 300;
/** How long a dead child's last output may take to arrive. */
const LAST_WORDS_MS = 100;
/** Enough to find what it died of above what a native crash prints. */
const STDERR_TAIL_CHARACTERS = 10_000;
const RETRY = "end other programs, or raise the limit of processes, and load it again";
/** Replies wait behind these, and then hear nothing for as long as they take. */
const HOLDS_REPLIES_UP: ReadonlySet<Question["kind"]> = new Set(["save-caches", "restore-cache", "resize"]);
/** Answered between two steps of a computation, and so no sign that one goes on. */
const ANSWERED_BESIDE: ReadonlySet<ChildReply["kind"]> = new Set(["rendered", "counted"]);

/** How long a question may wait. */
export type Waiting = {
  readonly signal?: AbortSignal | undefined;
  /**
   * For an answer; of a reply, between two signs that anything at all is computed. A process that takes longer
   * hangs in native code, where nothing but its end helps.
   */
  readonly limitMs?: number | undefined;
  /** An abort is only told to the process, whose answer then says what came of it. */
  readonly untilAnswered?: true;
};

type Call = { readonly kind: Question["kind"]; readonly replies: ReadableStreamDefaultController<ChildReply> };

/**
 * A process of its own for one set of weights, so that a kill gives everything back and a crash takes
 * nobody along. It ends when this object is disposed or when this process ends, in whatever way.
 */
export class LlamaProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #gone: Promise<void>;
  readonly #calls = new Map<number, Call>();
  #nextCall = 1;
  #isLoaded = false;
  #signsOfLife = 0;
  #end: AtosError | undefined;
  #stderr = "";

  /**
   * `name` is what its errors call the model, `gpus` what it sees of the GPUs.
   *
   * @throws `engine/child-died` when none can be started; what `childEnvironment` throws.
   */
  constructor(name: string, gpus?: readonly string[]) {
    // Beside this file lies the source when it runs from src/ and the compiled child when from dist/.
    const entry = new URL(`./llama-child${extname(import.meta.url)}`, import.meta.url);
    const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
    const cache = getCompileCacheDir();
    const child = fork(fileURLToPath(entry), {
      stdio: [...stdio],
      env: { ...childEnvironment(process.env, gpus), ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
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
    this.#gone = new Promise<Pick<ChildDeath, "signal" | "status">>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal === null ? { status: code ?? undefined } : { signal }));
    }).then(async (how) => {
      if (child.stderr?.closed === false) await Promise.race([once(child.stderr, "close"), delay(LAST_WORDS_MS)]);
      this.#failAll(childDied({ name, pid: this.pid, phase: this.#phase, stderr: this.#stderr, ...how }));
    });
    child.on("message", (message) => this.#receive(message));
  }

  /**
   * Asks the process something and yields its answers up to the last. Leaving early, by an abort of
   * the signal or by a `break`, tells the process to stop at its next token; the caller never waits for
   * that.
   *
   * @throws the failure the process reports; `engine/child-died`; `engine/child-stalled`; the signal's reason.
   */
  async *ask(question: Question, { signal, limitMs, untilAnswered }: Waiting = {}): AsyncGenerator<Answer> {
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
    const { kind } = question;
    const call = this.#nextCall++;
    let finished = false;
    const stream = new ReadableStream<ChildReply>({
      start: (replies) => void this.#calls.set(call, { kind, replies }),
    });
    const onAbort = () => {
      if (untilAnswered !== true) this.#settle(call)?.error(signal?.reason);
      this.#send({ kind: "abort", call });
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      using _limit = limitMs === undefined ? undefined : this.#limit(kind, limitMs);
      this.#send({ ...question, call });
      for await (const reply of stream) {
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
    waiting: Waiting = {},
  ): Promise<Extract<Answer, { readonly kind: Kind }>> {
    for await (const answer of this.ask(question, waiting)) if (isOf(answer, kind)) return answer;
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
      const why = `the process ${this.pid} of the model ${this.#name} said what nobody understands`;
      this.#kill(new AtosError("engine/child-died", `${why}: ${parsed.error.message}; load the model again`));
      return;
    }
    const reply = parsed.data;
    if (!ANSWERED_BESIDE.has(reply.kind)) this.#signsOfLife += 1;
    if (reply.kind === "loaded" || reply.kind === "embedder-loaded") this.#isLoaded = true;
    const replies = isLast(reply) ? this.#settle(reply.call) : this.#calls.get(reply.call)?.replies;
    replies?.enqueue(reply);
  }

  /** Ends the process when a call of a kind takes too long. */
  #limit(kind: Question["kind"], limitMs: number): Disposable {
    const isHeldUp = (): boolean => [...this.#calls.values()].some((call) => HOLDS_REPLIES_UP.has(call.kind));
    const heard = (): number => {
      if (kind !== "generate") return 0;
      if (isHeldUp()) this.#signsOfLife += 1;
      return this.#signsOfLife;
    };
    return onSilence({ limitMs, heard }, () => {
      const why = `the process ${this.pid} of the model ${this.#name} gave no sign of life for ${limitMs} ms (${kind})`;
      const details = { phase: this.#phase };
      this.#kill(new AtosError("engine/child-stalled", `${why} and was ended; load the model again`, { details }));
    });
  }

  get #phase(): ChildPhase {
    const isOpening = !this.#isLoaded || [...this.#calls.values()].some(({ kind }) => kind === "resize");
    return isOpening ? "load" : "run";
  }

  /** Takes a call off the list; what was waiting for it may still be told the end. */
  #settle(call: number): Call["replies"] | undefined {
    const replies = this.#calls.get(call)?.replies;
    this.#calls.delete(call);
    return replies;
  }

  #kill(error: AtosError): void {
    this.#failAll(error);
    this.#child.kill("SIGKILL");
  }

  #failAll(error: AtosError): void {
    this.#end ??= error;
    for (const { replies } of this.#calls.values()) replies.error(this.#end);
    this.#calls.clear();
  }
}

function isOf<Kind extends Answer["kind"]>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { readonly kind: Kind }> {
  return answer.kind === kind;
}

function isLast(reply: ChildReply): boolean {
  return reply.kind === "part" ? reply.part.kind === "end" : reply.kind !== "progress";
}
