import { type PoolStatus, poolStatusSchema } from "../pool/pool-status.ts";
import { readPoolStatuses } from "../store/pool-status.ts";
import { type CommandContext, settingsOf } from "./context.ts";
import { readMachine } from "./describe-machine.ts";
import { deviceFigures } from "./device-figures.ts";
import { isLostConnection } from "./lost-connection.ts";
import type { PoolView } from "./pool-lines.ts";
import { connectRunning, type Connection } from "./worker-client.ts";

/** Reading a GPU's memory starts a program: not at every look. */
const BETWEEN_READINGS_MS = 5000;
const READ_MS = 10_000;
/** Of another installation that shares the database it can't be seen whether its worker still runs. */
const STALE_MS = 60_000;

type Figures = ReturnType<typeof deviceFigures>;
type Machine = { readonly figures: Figures; readonly notes: readonly string[]; readonly readAt: number };

/** Looks at what is loaded, as often as one likes, while workers come and go; keeps none of them awake. */
export class PoolWatch implements AsyncDisposable {
  readonly #context: CommandContext;
  readonly #budgetBytes: number | undefined;
  #connection: Connection | undefined;
  #machine: Machine | undefined;

  private constructor(context: CommandContext, budgetBytes: number | undefined) {
    this.#context = context;
    this.#budgetBytes = budgetBytes;
  }

  static async open(context: CommandContext): Promise<PoolWatch> {
    return new PoolWatch(context, (await settingsOf(context)).budget?.bytes);
  }

  async look(): Promise<PoolView> {
    const workers = await this.#workers();
    if (workers.length > 0) return { workers, devices: [], notes: [] };
    const { figures, notes } = await this.#devices();
    return { workers, devices: figures.map((figure) => ({ ...figure, bookedBytes: 0 })), notes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
    this.#connection = undefined;
  }

  async #workers(): Promise<PoolView["workers"]> {
    this.#connection ??= await connectRunning(this.#context, { watches: true });
    if (this.#connection === undefined) return [];
    try {
      const rows = await readPoolStatuses(this.#connection.db);
      const { workerId } = this.#connection;
      const now = Date.now();
      return rows
        .filter(({ worker, at }) => worker === workerId || now - at.getTime() < STALE_MS)
        .flatMap(({ worker, status }) => known(worker, status));
    } catch (error) {
      if (!isLostConnection(error)) throw error;
      // It has ended, and everything that it had loaded with it.
      await this[Symbol.asyncDispose]();
      return [];
    }
  }

  async #devices(): Promise<Machine> {
    const now = performance.now();
    if (this.#machine !== undefined && now - this.#machine.readAt < BETWEEN_READINGS_MS) return this.#machine;
    const { devices, notes } = await readMachine(undefined, READ_MS);
    const figures = deviceFigures(devices, this.#budgetBytes, this.#machine?.figures);
    this.#machine = { figures, notes, readAt: now };
    return this.#machine;
  }
}

/** Installations that share a database may be of another version, whose status says something else. */
function known(worker: string, status: unknown): readonly { readonly worker: string; readonly status: PoolStatus }[] {
  const parsed = poolStatusSchema.safeParse(status);
  return parsed.success ? [{ worker, status: parsed.data }] : [];
}
