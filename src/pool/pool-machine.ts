import { cpus } from "node:os";
import type { DeviceIo } from "./devices/device-io.ts";
import { type DeviceReading, type MachineReading, MIB } from "./devices/device-reading.ts";
import { measureProcesses, neededSystemBytes, type ProcessMemory } from "./devices/measure-processes.ts";
import { readDevices, rereadDevices } from "./devices/read-devices.ts";
import { type BudgetSettings, type DeviceBudget, deviceBudgets, type OwnUse } from "./ledger/device-budgets.ts";
import { machineKey } from "./ledger/expected.ts";
import { learnMemory } from "./ledger/learn.ts";
import { LearnedFacts } from "./ledger/learned-facts.ts";
import { byKey, inOrder, MachineClaims, type OthersClaims, type WorkerClaim } from "./ledger/machine-claims.ts";
import type { PlacementChoice } from "./ledger/placements-of.ts";
import type { DeviceBytes, PoolDevice } from "./plan/pool-state.ts";

export type PoolMachineOptions = {
  readonly io: DeviceIo;
  readonly settings: BudgetSettings;
  /** Where what was learned is kept. */
  readonly factsFile: string;
  readonly claims: MachineClaims;
  /** Whether the engine has a build for such a device. */
  readonly engineCanUse: (kind: DeviceReading["kind"]) => boolean;
};

/** Memory that this worker has booked for one model. */
type Holding = { bytes: DeviceBytes; pid: number | undefined; opening: boolean; taken: OwnUse["takenBytes"] };

export type BookingOutcome =
  | { readonly kind: "booked" }
  /** `why`: what others took meanwhile. */
  | { readonly kind: "refused"; readonly why: string };

/**
 * The memories of this machine, what ATOS may take of them, and what this worker has booked there. Reads the
 * devices; decides nothing.
 */
export class PoolMachine implements AsyncDisposable {
  readonly facts: LearnedFacts;
  readonly settings: BudgetSettings;
  /** Tells this machine from others: the facts learned here hold here. */
  readonly key: string;
  readonly #io: DeviceIo;
  readonly #engineCanUse: PoolMachineOptions["engineCanUse"];
  readonly #claims: MachineClaims;
  readonly #holdings = new Map<string, Holding>();
  /** Why what was learned can't be kept. */
  #factsNote: () => string | undefined = () => undefined;
  #reading: MachineReading;
  #parts: readonly DeviceBudget[] = [];
  #isClaiming = false;

  private constructor(options: PoolMachineOptions, facts: LearnedFacts, reading: MachineReading) {
    this.facts = facts;
    this.settings = options.settings;
    this.#io = options.io;
    this.#engineCanUse = options.engineCanUse;
    this.#claims = options.claims;
    this.#reading = reading;
    this.key = machineKey(reading.devices, cpus()[0]?.model ?? "");
  }

  static async open(options: PoolMachineOptions, signal: AbortSignal): Promise<PoolMachine> {
    await using stack = new AsyncDisposableStack();
    stack.use(options.claims);
    let unwritten: string | undefined;
    const onFailure = ({ message }: Error): void => void (unwritten = message);
    const facts = stack.use(await LearnedFacts.open(options.factsFile, { onFailure }));
    const machine = new PoolMachine(
      options,
      facts,
      usable(await readDevices(options.io, signal), options.engineCanUse),
    );
    machine.#factsNote = () => unwritten;
    await machine.refresh(signal);
    stack.move();
    return machine;
  }

  get devices(): readonly DeviceReading[] {
    return this.#reading.devices;
  }

  /** What models may take, as last read. */
  get budgets(): readonly PoolDevice[] {
    return this.#parts.map(({ id, budgetBytes }) => ({ id, budgetBytes }));
  }

  /** What models may take when no other program uses anything. */
  get mostBytes(): DeviceBytes {
    const readings = this.devices.map((device) => ({ ...device, freeBytes: device.totalBytes }));
    const othersUnused = this.devices.map(() => 0);
    const { devices } = deviceBudgets({ readings, own: [], settings: this.settings, othersUnused });
    return devices.map(({ budgetBytes }) => budgetBytes);
  }

  get parts(): readonly DeviceBudget[] {
    return this.#parts;
  }

  get notes(): readonly string[] {
    return [this.facts.note, this.#factsNote(), this.#claims.note, ...this.#reading.notes].filter(
      (note) => note !== undefined,
    );
  }

  /** Whether other workers are still told that this one takes memory. */
  get isClaiming(): boolean {
    return this.#isClaiming;
  }

  bookedBytes(at: number): number {
    return [...this.#holdings.values()].reduce((sum, { bytes }) => sum + (bytes[at] ?? 0), 0);
  }

  /** Reads what is free now, and says whether budgets changed by it. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    await this.#read(signal);
    // What is claimed is reckoned under the lock: a booking that held it until now has claimed more.
    const published = await this.#claims.book((others) => ({ value: others, claim: this.#claim() }), signal);
    // Another worker is booking: what is known of it is as good as a moment ago.
    if (published.kind === "busy") return false;
    const before = JSON.stringify(this.budgets);
    this.#parts = this.#budgets(published.value, this.#parts);
    return JSON.stringify(this.budgets) !== before;
  }

  /**
   * Books memory for a model that is about to be loaded or resized, if it is free now, whatever was read before.
   * No other worker of this machine books at the same time. What `name` had booked before is replaced.
   */
  async book(name: string, bytes: DeviceBytes, signal: AbortSignal): Promise<BookingOutcome> {
    const outcome = await this.#claims.book(async (others) => {
      await this.#read(signal);
      const before = this.#holdings.get(name);
      // Who takes less than before need not ask.
      const grows = (at: number): boolean => (bytes[at] ?? 0) > (before?.bytes[at] ?? 0);
      const unread = this.devices.find(({ stale }, at) => stale === true && grows(at));
      if (unread !== undefined) return { value: `what is free of ${unread.id} can't be read now` };
      // Reckoned with what it is known to take already, and without what it may take in future.
      const parts = this.#budgets(others, undefined);
      const short = parts.findIndex(({ budgetBytes }, at) => {
        const own = this.bookedBytes(at) - (before?.bytes[at] ?? 0);
        return grows(at) && own + (bytes[at] ?? 0) > budgetBytes;
      });
      this.#parts = parts;
      if (short >= 0) return { value: shortage(parts[short], bytes[short] ?? 0) };
      this.#holdings.set(name, { bytes, pid: before?.pid, opening: true, taken: before?.taken });
      return { value: undefined, claim: this.#claim() };
    }, signal);
    if (outcome.kind === "busy")
      return { kind: "refused", why: "another worker of this machine is booking memory and does not come to an end" };
    return outcome.value === undefined ? { kind: "booked" } : { kind: "refused", why: outcome.value };
  }

  /** The model is loaded: its process is measured, and the measure is learned from. Returns what it takes by device. */
  async settle(
    name: string,
    loaded: { readonly pid: number; readonly choice: PlacementChoice; readonly slots: number; readonly facts: string },
    signal: AbortSignal,
  ): Promise<DeviceBytes | undefined> {
    const holding = this.#holdings.get(name);
    if (holding === undefined) return undefined;
    Object.assign(holding, { pid: loaded.pid, opening: false });
    const measured = (await measureProcesses([loaded.pid], this.#io, signal)).get(loaded.pid);
    if (measured === undefined) return undefined;
    holding.taken = this.#takenBytes(measured);
    return this.#learn(loaded, measured);
  }

  /** What is booked for a model from now on, without asking: after it shrank, or was measured. */
  rebook(name: string, bytes: DeviceBytes): void {
    const holding = this.#holdings.get(name);
    if (holding !== undefined) Object.assign(holding, { bytes, opening: false });
  }

  release(name: string): void {
    this.#holdings.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holdings.clear();
    this.#claims[Symbol.dispose]();
    await this.facts[Symbol.asyncDispose]();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const pids = [...this.#holdings.values()].flatMap(({ pid }) => pid ?? []);
    const [now, measured] = await Promise.all([
      readDevices(this.#io, signal),
      measureProcesses(pids, this.#io, signal),
    ]);
    this.#reading = rereadDevices(this.#reading.devices, usable(now, this.#engineCanUse));
    for (const holding of this.#holdings.values()) {
      const memory = holding.pid === undefined ? undefined : measured.get(holding.pid);
      if (memory !== undefined) holding.taken = this.#takenBytes(memory);
    }
  }

  #budgets({ unusedBytes }: OthersClaims, previous: readonly DeviceBudget[] | undefined): readonly DeviceBudget[] {
    const own = [...this.#holdings.values()].map(({ bytes, taken, opening }) => ({
      bookedBytes: bytes,
      takenBytes: taken,
      opening,
    }));
    const othersUnused = inOrder(this.devices, unusedBytes);
    return deviceBudgets({ readings: this.devices, own, settings: this.settings, othersUnused, previous }).parts;
  }

  #claim(): WorkerClaim {
    this.#isClaiming = this.#holdings.size > 0;
    const sum = (bytesOf: (holding: Holding, at: number) => number): Readonly<Record<string, number>> =>
      byKey(
        this.devices,
        this.devices.map((_, at) => [...this.#holdings.values()].reduce((all, one) => all + bytesOf(one, at), 0)),
      );
    return {
      claimedBytes: sum(({ bytes }, at) => bytes[at] ?? 0),
      takenBytes: sum(({ bytes, taken }, at) => Math.min(taken?.[at] ?? 0, bytes[at] ?? 0)),
    };
  }

  /** What the system counts as used by a process, by device. */
  #takenBytes({ anonymousBytes, gpuBytes }: ProcessMemory): readonly (number | undefined)[] {
    return this.devices.map(({ key, kind }) => (kind === "system" ? anonymousBytes : gpuBytes.get(key)));
  }

  #learn(
    { choice, slots, facts }: { readonly choice: PlacementChoice; readonly slots: number; readonly facts: string },
    measured: ProcessMemory,
  ): DeviceBytes {
    return this.devices.map(({ key, kind }, at) => {
      const parts = choice.parts[at];
      const estimated = (choice.estimated.loadedBytes[at] ?? 0) + slots * (choice.estimated.slotBytes[at] ?? 0);
      if (parts === undefined || estimated === 0) return 0;
      const otherBytes = parts.compute + parts.adapters + slots * parts.cache;
      const bytes =
        kind === "system"
          ? neededSystemBytes(measured, { weightsBytes: parts.weights, otherBytes })
          : (measured.gpuBytes.get(key) ?? 0);
      // Caches and buffers in system memory fill while they are used, so that less says nothing yet.
      // But it says that a shortage, after which more was reckoned with, was somebody else's: that is forgotten slowly.
      if (bytes === 0) return bytes;
      const measuredBytes = kind === "system" ? Math.max(bytes, estimated) : bytes;
      const seen = { model: facts, kind, measuredBytes, estimatedBytes: estimated };
      this.facts.change((known) => learnMemory(known, seen, Date.now()));
      return bytes;
    });
  }
}

/** Without the GPUs that the engine can't use: models would be placed there and not be loaded. */
function usable({ devices, notes }: MachineReading, engineCanUse: PoolMachineOptions["engineCanUse"]): MachineReading {
  const left = devices.filter(({ kind }) => !engineCanUse(kind));
  return {
    devices: devices.filter((device) => !left.includes(device)),
    notes: [
      ...notes,
      ...left.map(({ name }) => `${name} is not used: this installation has no build of the engine for it`),
    ],
  };
}

function shortage(part: DeviceBudget | undefined, bytes: number): string {
  if (part === undefined) return "the device is gone";
  const { id, budgetBytes, othersBytes, claimedBytes, reserveBytes } = part;
  // A few MiB may be what decides: never told in tenths of a GiB.
  const mib = (size: number): string => `${Math.round(size / MIB)} MiB`;
  const claimed = claimedBytes > 0 ? `, ${mib(claimedBytes)} claimed by other workers` : "";
  return `it needs ${mib(bytes)} of ${id}, where ATOS may take ${mib(budgetBytes)} now: ${mib(othersBytes)} used by others${claimed}, ${mib(reserveBytes)} reserve`;
}
