import type { DeviceIo } from "./device-io.ts";
import { type DeviceReading, type KindReading, MIB } from "./device-reading.ts";
import { type MigInstance, readMigInstances } from "./mig-instances.ts";
import { visibleEntries } from "./visible-devices.ts";

const FIELDS = ["uuid", "index", "name", "memory.total", "memory.used", "memory.free", "mig.mode.current"];

/**
 * NVIDIA GPUs by `nvidia-smi --query-gpu`; of one that is divided (MIG) its instances. CUDA_VISIBLE_DEVICES is
 * respected, and each is named to child processes by its UUID, which means the same in every process and order.
 *
 * What the driver keeps for itself is neither used nor free in what it tells, so `totalBytes` is used + free.
 */
export async function readNvidia(io: DeviceIo, signal: AbortSignal): Promise<KindReading> {
  const args = [`--query-gpu=${FIELDS.join(",")}`, "--format=csv,noheader,nounits"];
  const outcome = await io.run("nvidia-smi", args, signal);
  if (outcome.kind === "missing") {
    // Most machines without it have no such GPU, which is nothing to tell.
    if ((await io.readFile("/proc/driver/nvidia/version")) === undefined) return { devices: [], notes: [] };
    return nothing("no NVIDIA GPU can be used: there is a driver and no nvidia-smi, which tells its memory");
  }
  if (outcome.kind === "failed") return nothing(`no NVIDIA GPU can be used: nvidia-smi ${outcome.why}`);
  const lines = outcome.text.split("\n").filter((line) => line.trim() !== "");
  const rows = lines.map(parseGpuLine);
  const notes = lines.flatMap((line, at) => (rows[at] === undefined ? [`nvidia-smi says ${quoted(line)}`] : []));
  const gpus = rows.filter((row) => row !== undefined).toSorted((one, other) => one.index - other.index);
  const instances = gpus.some(({ divided }) => divided) ? await readMigInstances(io, signal) : [];
  const all = gpus.flatMap((gpu) => (gpu.divided ? ofInstances(gpu, instances) : (ofGpu(gpu) ?? [])));
  notes.push(...gpus.flatMap((gpu) => untold(gpu, instances)));
  const setting = io.env["CUDA_VISIBLE_DEVICES"];
  if (indicesAreDoubtful(all, setting, io.env["CUDA_DEVICE_ORDER"]))
    notes.push(
      "CUDA_VISIBLE_DEVICES names GPUs by index, and CUDA counts different GPUs from the fastest on: " +
        "set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name them by UUID",
    );
  // CUDA takes the beginning of a UUID too.
  return { devices: visibleEntries(all, setting, ({ key }, name) => key.startsWith(name)), notes };
}

/** A line of `nvidia-smi --query-gpu`; memory is absent where it says `[N/A]` or `[Insufficient Permissions]`. */
type GpuLine = {
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
  readonly divided: boolean;
  readonly totalBytes: number | undefined;
  readonly freeBytes: number | undefined;
};

function parseGpuLine(line: string): GpuLine | undefined {
  const cells = line.split(",").map((cell) => cell.trim());
  const [uuid = "", index = "", name = "", total, used, free, mig] = cells;
  if (cells.length !== FIELDS.length || !uuid.startsWith("GPU-") || !/^\d+$/.test(index)) return undefined;
  const [totalMib, usedMib, freeMib] = [total, used, free].map(wholeNumber);
  const known = totalMib === undefined || freeMib === undefined ? undefined : { totalMib, freeMib };
  const usable = known === undefined ? undefined : usedMib === undefined ? known.totalMib : usedMib + known.freeMib;
  return {
    uuid,
    index: Number(index),
    name,
    divided: mig === "Enabled",
    totalBytes: known === undefined || usable === undefined ? undefined : Math.min(usable, known.totalMib) * MIB,
    freeBytes: known === undefined ? undefined : Math.min(known.freeMib, known.totalMib) * MIB,
  };
}

function ofGpu({ uuid, name, totalBytes, freeBytes }: GpuLine): DeviceReading | undefined {
  if (totalBytes === undefined || totalBytes === 0 || freeBytes === undefined) return undefined;
  return { id: "", key: uuid, kind: "nvidia", name, totalBytes, freeBytes, visibleAs: uuid };
}

function ofInstances({ index, name }: GpuLine, instances: readonly MigInstance[]): readonly DeviceReading[] {
  return instances
    .filter((instance) => instance.gpu === index)
    .map(({ uuid, profile, totalBytes, freeBytes }) => ({
      id: "",
      key: uuid,
      kind: "nvidia",
      name: `${name} MIG ${profile}`,
      totalBytes,
      freeBytes,
      visibleAs: uuid,
    }));
}

function untold(gpu: GpuLine, instances: readonly MigInstance[]): readonly string[] {
  if (gpu.divided) {
    if (ofInstances(gpu, instances).length > 0) return [];
    return [`GPU ${gpu.index} (${gpu.name}) is divided (MIG), and nvidia-smi tells no instance and its memory`];
  }
  if (ofGpu(gpu) !== undefined) return [];
  return [`nvidia-smi does not tell the memory of GPU ${gpu.index} (${gpu.name}), so it is not used`];
}

function indicesAreDoubtful(
  all: readonly DeviceReading[],
  setting: string | undefined,
  order: string | undefined,
): boolean {
  const byIndex = setting?.split(",").some((name) => /^\d+$/.test(name.trim())) ?? false;
  return byIndex && order !== "PCI_BUS_ID" && new Set(all.map(({ name }) => name)).size > 1;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function nothing(note: string): KindReading {
  return { devices: [], notes: [note] };
}

function quoted(line: string): string {
  return `${JSON.stringify(line.slice(0, 120))}, which is no line on a GPU`;
}
