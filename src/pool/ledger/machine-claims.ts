import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { takeFileLock } from "../../store/file-lock.ts";
import type { DeviceReading } from "../devices/device-reading.ts";
import type { DeviceBytes } from "../plan/pool-state.ts";
import { type ClaimsPlace, claimsFolder } from "./claims-folder.ts";

/** Bytes by `DeviceReading.key`: two workers may see different devices, or in another order. */
export type BytesByKey = Readonly<Record<string, number>>;

/** What a worker tells the others of the machine. */
export type WorkerClaim = {
  /** All that its models may take: booked, loaded or being loaded, slots included. */
  readonly claimedBytes: BytesByKey;
  /** Of that, what the system already counts as used (`OwnUse.takenBytes`). */
  readonly takenBytes: BytesByKey;
};

/** What others have claimed and not taken yet. */
export type OthersClaims = { readonly unusedBytes: BytesByKey };

export type Booking<Value> = { readonly value: Value; readonly claim?: WorkerClaim | undefined };

/** `busy`: another worker held the machine's lock all the time; nothing was decided. */
export type Booked<Value> = { readonly kind: "booked"; readonly value: Value } | { readonly kind: "busy" };

export type MachineClaimsOptions = Partial<ClaimsPlace> & {
  /** How long to wait for other workers' bookings. Default 5000. */
  readonly waitMs?: number | undefined;
};

const NO_OTHERS: OthersClaims = { unusedBytes: {} };
const MACHINE_LOCK = "machine.lock";
const DEFAULT_WAIT_MS = 5000;
/** Workers of one user on one machine; what is more is not read. */
const MAX_WORKERS = 256;

const bytesByKey = z.record(z.string(), z.number().finite().nonnegative());
const claimSchema = z.object({
  pid: z.number().int().positive(),
  claimedBytes: bytesByKey,
  takenBytes: bytesByKey,
});

/**
 * Keeps the workers of one user on one machine from filling a device together, whatever their state folders.
 *
 * Each has a file with its claim in a folder they share, valid as long as its worker holds a lock on the file
 * beside it, which the system takes away when the worker ends in any way. Claims are read and written under
 * one lock of the machine. Without such a folder there are no claims, every booking succeeds, and `note` says why.
 */
export class MachineClaims implements Disposable {
  readonly #place: ClaimsPlace;
  readonly #waitMs: number;
  readonly #name: string = `${process.pid}-${randomBytes(6).toString("hex")}`;
  #own: OwnLock | undefined;
  #claim: WorkerClaim = { claimedBytes: {}, takenBytes: {} };
  #note: string | undefined;

  constructor({
    env = process.env,
    temporary = tmpdir(),
    uid = process.getuid?.(),
    waitMs,
  }: MachineClaimsOptions = {}) {
    this.#place = { env, temporary, uid };
    this.#waitMs = waitMs ?? DEFAULT_WAIT_MS;
  }

  /** Why this worker goes without claims, if it does; for people. */
  get note(): string | undefined {
    return this.#note;
  }

  /**
   * Lets `decide` decide while no other worker does: it is told what others have claimed, reads then what is
   * free, and may answer with this worker's new claim, which the others see before they decide. The lock is held
   * meanwhile: the load itself comes after. A throw of `decide` leaves the claim as it was.
   */
  async book<Value>(
    decide: (others: OthersClaims) => Booking<Value> | Promise<Booking<Value>>,
    signal: AbortSignal,
  ): Promise<Booked<Value>> {
    const folder = this.#folder();
    const lock = folder === undefined ? undefined : await this.#lockMachine(folder, signal);
    if (lock === "busy") return { kind: "busy" };
    if (folder === undefined || lock === undefined) {
      const { value, claim } = await decide(NO_OTHERS);
      this.#claim = claim ?? this.#claim;
      return { kind: "booked", value };
    }
    using _ = lock;
    const others = this.#attempt(() => {
      this.#own = keepOwnLock(folder, this.#name, this.#own);
      return readOthers(folder, this.#name);
    });
    const { value, claim } = await decide(others ?? NO_OTHERS);
    this.#claim = claim ?? this.#claim;
    // Also when it did not change: the file may have been cleaned away. Without the lock beside it it would mean nothing.
    if (others !== undefined) this.#attempt(() => writeClaim(folder, this.#name, this.#claim));
    return { kind: "booked", value };
  }

  /** Gives everything back; the models must be unloaded by then. */
  [Symbol.dispose](): void {
    const own = this.#own;
    this.#own = undefined;
    if (own === undefined) return;
    // The claim first: without its lock it would be taken for a dead worker's, which is just as good.
    rmSync(join(own.folder, claimFile(this.#name)), { force: true });
    own.lock[Symbol.dispose]();
    rmSync(join(own.folder, lockFile(this.#name)), { force: true });
  }

  #folder(): string | undefined {
    const found = claimsFolder(this.#place);
    if ("folder" in found) return found.folder;
    this.#note = `Other ATOS workers on this machine are not seen: ${found.refused}.`;
    return undefined;
  }

  /** Undefined when there can be no lock, which `note` then explains. */
  async #lockMachine(folder: string, signal: AbortSignal): Promise<Disposable | "busy" | undefined> {
    const until = performance.now() + this.#waitMs;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const taken = this.#attempt(() => takeFileLock(join(folder, MACHINE_LOCK)) ?? "held");
      if (taken !== "held") {
        if (taken !== undefined) this.#attempt(() => touch(join(folder, MACHINE_LOCK)));
        return taken;
      }
      if (performance.now() >= until) return "busy";
      // Waits differ, so that workers don't meet at every attempt.
      await delay(2 + Math.min(attempt, 10) + Math.random() * 5, undefined, { signal });
    }
  }

  /** A folder that can't be used is as none: a worker must not fail because it would be polite. */
  #attempt<Value>(act: () => Value): Value | undefined {
    try {
      const value = act();
      this.#note = undefined;
      return value;
    } catch (error) {
      this.#note = `Other ATOS workers on this machine are not seen: their folder can't be used (${messageOf(error)}).`;
      return undefined;
    }
  }
}

/** Bytes by key as bytes by device, in the devices' order. Pure. */
export function inOrder(devices: readonly DeviceReading[], bytes: BytesByKey): DeviceBytes {
  return devices.map(({ key }) => (Object.hasOwn(bytes, key) ? bytes[key] : undefined) ?? 0);
}

/** Bytes by device as bytes by key. Pure. */
export function byKey(devices: readonly DeviceReading[], bytes: DeviceBytes): BytesByKey {
  return Object.fromEntries(devices.map(({ key }, at) => [key, bytes[at] ?? 0]));
}

type OwnLock = { readonly folder: string; readonly lock: Disposable; readonly inode: number };

/** The lock that shows this worker alive, taken anew if somebody cleaned its file away: temporary folders are. */
function keepOwnLock(folder: string, name: string, own: OwnLock | undefined): OwnLock {
  const path = join(folder, lockFile(name));
  if (own !== undefined && own.folder === folder && inodeOf(path) === own.inode) {
    touch(path);
    return own;
  }
  own?.lock[Symbol.dispose]();
  const lock = takeFileLock(path);
  if (lock === undefined) throw new Error(`${path} is held by another process`);
  return { folder, lock, inode: inodeOf(path) ?? 0 };
}

/** Files of temporary folders are cleaned away when nobody has changed them for days, and locking changes nothing. */
function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

/** By `lstat`: opening and closing a locked file would give the process's own lock on it away. */
function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** What live workers claim; files of dead ones are removed. Only under the machine's lock. */
function readOthers(folder: string, self: string): OthersClaims {
  const unused = new Map<string, number>();
  const names = readdirSync(folder).flatMap((file) => /^(\d+-[0-9a-f]{12})\.(?:lock|json|new)$/.exec(file)?.[1] ?? []);
  for (const name of [...new Set(names)].filter((one) => one !== self).slice(0, MAX_WORKERS)) {
    if (removeIfDead(folder, name)) continue;
    const claim = readClaim(join(folder, claimFile(name)));
    if (claim === undefined) continue;
    for (const [key, bytes] of Object.entries(claim.claimedBytes)) {
      const taken = (Object.hasOwn(claim.takenBytes, key) ? claim.takenBytes[key] : undefined) ?? 0;
      unused.set(key, (unused.get(key) ?? 0) + Math.max(0, bytes - taken));
    }
  }
  return { unusedBytes: Object.fromEntries(unused) };
}

function removeIfDead(folder: string, name: string): boolean {
  const lock = takeFileLock(join(folder, lockFile(name)));
  if (lock === undefined) return false;
  using _ = lock;
  for (const file of [claimFile(name), halfFile(name), lockFile(name)]) rmSync(join(folder, file), { force: true });
  return true;
}

/** Undefined for a worker that has not claimed anything yet, or does so in a way this one does not know. */
function readClaim(path: string): WorkerClaim | undefined {
  try {
    const parsed = claimSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Files are replaced as a whole; what is none was not written by a worker.
    return undefined;
  }
}

function writeClaim(folder: string, name: string, claim: WorkerClaim): void {
  const half = join(folder, halfFile(name));
  writeFileSync(half, JSON.stringify({ pid: process.pid, ...claim }), { mode: 0o600 });
  renameSync(half, join(folder, claimFile(name)));
}

function lockFile(name: string): string {
  return `${name}.lock`;
}

function claimFile(name: string): string {
  return `${name}.json`;
}

function halfFile(name: string): string {
  return `${name}.new`;
}
