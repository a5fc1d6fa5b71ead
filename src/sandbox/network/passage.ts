import { type NetworkTarget, targetText } from "./network-target.ts";
import { reach, type ReachDeps, type Reached } from "./reach.ts";

const MAX_REFUSED = 64;
const MAX_REFUSED_LENGTH = 100;
const MIB = 1024 * 1024;

export type PassageLimits = {
  /** In both directions together, over the whole life. */
  readonly maxBytes: number;
  /** Without a byte in either direction a connection ends. */
  readonly idleMs: number;
};

/** The one way out of a command's sandbox: connects to what is allowed, counts bytes, and remembers what was refused. */
export class Passage {
  readonly limits: PassageLimits;
  readonly #deps: ReachDeps;
  readonly #signal: AbortSignal;
  readonly #refused = new Set<string>();
  #bytes = 0;

  constructor(deps: ReachDeps, limits: PassageLimits, signal: AbortSignal) {
    this.#deps = deps;
    this.limits = limits;
    this.#signal = signal;
  }

  async reach(target: NetworkTarget): Promise<Reached> {
    const { maxBytes, idleMs } = this.limits;
    if (this.#bytes > maxBytes) {
      this.refuse(targetText(target));
      return { kind: "refused", why: `this command has moved more than the ${maxBytes / MIB} MiB that it may` };
    }
    const reached = await reach(target, this.#deps, this.#signal);
    if (reached.kind === "refused") this.refuse(targetText(target));
    if (reached.kind === "connected") reached.socket.setTimeout(idleMs, () => reached.socket.destroy());
    return reached;
  }

  /** Counts bytes that go through; false once there were too many. */
  spend(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= this.limits.maxBytes;
  }

  /** Remembers what was asked for and refused. A command wrote it, so it may be anything; a password stays out of it. */
  refuse(asked: string): void {
    const [, host = ""] = /^(?:[a-z]+:\/\/)?(?:[^/?#]*@)?([^/?#]*)/i.exec(asked) ?? [];
    if (host === "" || this.#refused.size >= MAX_REFUSED) return;
    this.#refused.add(host.slice(0, MAX_REFUSED_LENGTH).replaceAll(/[^\x21-\x7e]/g, "?"));
  }

  refused(): readonly string[] {
    return [...this.#refused];
  }
}
