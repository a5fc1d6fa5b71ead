import { AtosError } from "../../base/errors.ts";

export type ChildDeath = {
  readonly name: string;
  readonly pid: number;
  /** `load` also while another context is opened in it. */
  readonly phase: ChildPhase;
  readonly signal?: NodeJS.Signals | undefined;
  readonly status?: number | undefined;
  /** Its standard error, or the end of it. */
  readonly stderr: string;
};

export type ChildPhase = "load" | "run";

const SHOWN_CHARACTERS = 600;
const MEMORY_WORDS = /bad_alloc|out of memory|not enough memory|\balloc(ate|ation|ator)?\b|ggml-alloc/i;

/**
 * The error for a child that ended by itself: `engine/child-died`, whose details are `phase`, `signal` or
 * `status`, and `likelyMemory`. Pure.
 *
 * Likely it was the memory when it was killed, which nobody does but a system that runs out of it and people;
 * when it gave up while it was loading a file that had been checked; or when its last words are about it.
 */
export function childDied({ name, pid, phase, signal, status, stderr }: ChildDeath): AtosError {
  const abortedInLoad = signal === "SIGABRT" && phase === "load";
  const likelyMemory = signal === "SIGKILL" || abortedInLoad || MEMORY_WORDS.test(stderr);
  const how = signal ?? `exit code ${status}`;
  const lastWords = stderr.trim().slice(-SHOWN_CHARACTERS);
  const what = `the process ${pid} of the model ${name} died (${how})`;
  const advice = `load the model again${likelyMemory ? ", with less if the system ran out of memory" : ""}`;
  const text = `${what}; ${advice}${lastWords === "" ? "" : `; its last words: ${lastWords}`}`;
  return new AtosError("engine/child-died", text, { details: { phase, signal, status, likelyMemory } });
}
