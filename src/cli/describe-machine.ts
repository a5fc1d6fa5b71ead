import { availableParallelism, totalmem } from "node:os";
import { type DeviceIo, machineIo } from "../pool/devices/device-io.ts";
import { type DeviceReading, GIB, type MachineReading } from "../pool/devices/device-reading.ts";
import { readDevices } from "../pool/devices/read-devices.ts";
import { bytesText } from "./bytes-text.ts";

/** A sleeping GPU takes two seconds to answer; one that takes longer is not waited for. */
const READ_MS = 3000;

/** One line on what this machine can run. Never throws, and takes three seconds at most. */
export async function describeMachine(): Promise<string> {
  return machineText((await readMachine()).devices, availableParallelism());
}

/** The memories of this machine, as read now; with a note in place of them when reading takes too long. */
export async function readMachine(io: DeviceIo = machineIo, limitMs: number = READ_MS): Promise<MachineReading> {
  try {
    return await readDevices(io, AbortSignal.timeout(limitMs));
  } catch {
    return { devices: [], notes: [`the devices of this machine gave no answer within ${limitMs / 1000} s`] };
  }
}

/** Such as `2 processors, 24 GiB memory, no GPU found`. Pure. */
export function machineText(devices: readonly DeviceReading[], processors: number): string {
  const memory = devices.find(({ kind, unified }) => kind === "system" || unified === true)?.totalBytes ?? totalmem();
  const gpus = devices.filter(({ kind }) => kind !== "system").map(gpuText);
  const found = gpus.length === 0 ? "no GPU found" : gpus.join(", ");
  return `${processors} processor${processors === 1 ? "" : "s"}, ${Math.round(memory / GIB)} GiB memory, ${found}`;
}

/** Such as `NVIDIA GeForce RTX 3070 with 8.0 GiB`. Pure. */
export function gpuText({ name, totalBytes, limitBytes, unified }: DeviceReading): string {
  if (unified === true) return `${name} whose GPU shares it, up to ${bytesText(limitBytes ?? totalBytes)}`;
  return `${name} with ${bytesText(totalBytes)}`;
}
