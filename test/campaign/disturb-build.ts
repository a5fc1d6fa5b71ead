import { setTimeout } from "node:timers/promises";
import type { Installation } from "../fixtures/atos.ts";
import type { Kill, Victim } from "./draw-kills.ts";
import { allProcesses, childrenOf, commandOf, environmentOf } from "./process-tree.ts";

export type Disturbance = {
  /** Arguments of `atos build`, with its `--out`. */
  readonly args: readonly string[];
  readonly kills: readonly Kill[];
  /** Events of an undisturbed build of the same goal. */
  readonly events: number;
};

export type Disturbed = {
  readonly id: string;
  readonly state: string;
  /** What was killed, in order. */
  readonly struck: readonly Victim[];
  /** What the clients said last. */
  readonly words: string;
};

type Client = ReturnType<Installation["start"]>;

const ENDED: ReadonlySet<string> = new Set(["green", "red", "refused", "cancelled"]);
const MOST_RESUMES = 25;
const VICTIM_MS = 3000;
const POLL_MS = 10;
/** Far more than a build takes: one that hangs is ended, and found not to have come to its end. */
const FOLLOW_MS = 120_000;

/** One build that is killed on its way and resumed until it has ended, or was resumed too often. */
export async function disturbBuild(atos: Installation, { args, kills, events }: Disturbance): Promise<Disturbed> {
  const follower = new Follower(atos, ["build", ...args, "--json"]);
  const struck: Victim[] = [];
  try {
    for (const { at, afterMs, victims } of kills) {
      await follower.until(() => follower.id !== undefined && follower.seq >= Math.floor(at * events));
      if (follower.ended && !follower.resume()) break;
      await setTimeout(afterMs);
      const hits = await Promise.all(victims.map((victim) => strike(atos, follower, victim)));
      struck.push(...victims.filter((_, index) => hits[index] === true));
      // A client that goes away takes nothing with it; the next one finds the build as it is.
      if (!victims.some((victim) => victim === "client" || victim === "interrupt")) continue;
      await follower.until(() => false);
      if (!follower.resume()) break;
    }
    for (let resumes = 0; resumes < MOST_RESUMES; resumes++) {
      await follower.until(() => false);
      if (!follower.resume()) break;
    }
    const { id = "none", state = "unknown", words } = follower;
    return { id, state, struck, words };
  } finally {
    follower.kill("SIGKILL");
  }
}

/** The client of a build; after it was killed the next one. */
class Follower {
  readonly #atos: Installation;
  #client: Client;
  id: string | undefined;
  /** The highest number of an event that was told. */
  seq = 0;
  words = "";
  /** What the client said last of the build's state; undefined for one that was killed before it could say. */
  state: string | undefined;

  constructor(atos: Installation, args: readonly string[]) {
    this.#atos = atos;
    this.#client = this.#start(args);
  }

  get ended(): boolean {
    return this.#client.exitCode !== null || this.#client.signalCode !== null;
  }

  kill(signal: "SIGKILL" | "SIGINT"): boolean {
    return !this.ended && this.#client.kill(signal);
  }

  /** Waits until `holds`, or the client has ended. */
  async until(holds: () => boolean): Promise<void> {
    for (let waitedMs = 0; !this.ended && !holds(); waitedMs += POLL_MS) {
      if (waitedMs > FOLLOW_MS) this.kill("SIGKILL");
      await setTimeout(POLL_MS);
    }
    // With all that it said.
    if (this.ended) this.words = (await this.#client.ended).stderr.slice(-2000);
  }

  /** Follows a build further that has not ended; false when it has, or there never was one. */
  resume(): boolean {
    if (this.id === undefined || ENDED.has(this.state ?? "")) return false;
    this.#client = this.#start(["resume", this.id, "--json"]);
    return true;
  }

  #start(args: readonly string[]): Client {
    this.state = undefined;
    const client = this.#atos.start(args);
    let text = "";
    client.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#hear(line);
    });
    return client;
  }

  #hear(line: string): void {
    this.id ??= /^\{"type":"build-queued","build":"([^"]+)"/.exec(line)?.[1];
    this.seq = Math.max(this.seq, Number(/^\{"seq":(\d+)/.exec(line)?.[1] ?? 0));
    this.state = /^\{"type":"result","build":"[^"]+","state":"([^"]+)"/.exec(line)?.[1] ?? this.state;
  }
}

/** Kills a victim, waiting a while for one to be there. False when there was none. */
async function strike(atos: Installation, follower: Follower, victim: Victim): Promise<boolean> {
  if (victim === "client") return follower.kill("SIGKILL");
  if (victim === "interrupt") return follower.kill("SIGINT");
  for (let waitedMs = 0; waitedMs < VICTIM_MS && !follower.ended; waitedMs += POLL_MS) {
    const [pid] = pidsOf(atos, victim);
    if (pid !== undefined && killed(pid)) return true;
    await setTimeout(POLL_MS);
  }
  return false;
}

function pidsOf(atos: Installation, victim: Exclude<Victim, "client" | "interrupt">): readonly number[] {
  if (victim === "postgres") return [atos.postgresPid()].filter((pid) => pid !== undefined);
  // Also one that is only starting and has not told anybody.
  const workers = workersOf(atos);
  if (victim === "worker") return workers;
  return workers
    .flatMap(childrenOf)
    .filter((pid) => commandOf(pid).includes(victim === "model" ? "llama-child" : "bwrap\0"));
}

/** The processes of an installation that are its worker. */
export function workersOf({ home }: Installation): readonly number[] {
  return allProcesses().filter(
    (pid) => commandOf(pid).includes("\0worker\0") && environmentOf(pid).split("\0").includes(`ATOS_HOME=${home}`),
  );
}

function killed(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    // It ended by itself just now.
    return false;
  }
}
