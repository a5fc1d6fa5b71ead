export type DeviceKind = "system" | "nvidia" | "amd" | "apple";

/** A memory of this machine that models can live in, as it was just read. */
export type DeviceReading = {
  /** `system`, or `gpu0`, `gpu1` … in the order in which this process may see them. */
  readonly id: string;
  /** Tells the device apart from others of the machine, also for a process that sees fewer of them. */
  readonly key: string;
  readonly kind: DeviceKind;
  readonly name: string;
  readonly totalBytes: number;
  /** What could be taken now. Of system memory that counts what the system gives back when asked: cached files. */
  readonly freeBytes: number;
  /** Most that models may take there, however much is free: a Mac's GPU can't have all of its memory. */
  readonly limitBytes?: number | undefined;
  /** How a process is told to use just that GPU: a UUID, or an index among those that this process may see. */
  readonly visibleAs?: string | undefined;
  /** One memory for GPU and processor. There is no `system` beside it. */
  readonly unified?: true | undefined;
  /** It could not be read this time: the figures are those from before. */
  readonly stale?: true | undefined;
};

/** The memories of a machine: the system's first, then GPUs. Several readings of one machine: `rereadDevices`. */
export type MachineReading = {
  readonly devices: readonly DeviceReading[];
  /** What could not be read and why, and what a reader should doubt; sentences for people. */
  readonly notes: readonly string[];
};

/** One kind's part of a reading. */
export type KindReading = MachineReading;

export const MIB: number = 2 ** 20;
export const GIB: number = 2 ** 30;

/** A size for people. In MiB up to 10 GiB, since a tenth of a GiB may decide whether a model fits. Pure. */
export function sizeText(bytes: number): string {
  return bytes < 10 * GIB ? `${Math.round(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}
