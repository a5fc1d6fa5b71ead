import { totalmem } from "node:os";
import { type DeviceKind, type DeviceReading, GIB, type MachineReading } from "../pool/devices/device-reading.ts";
import { bytesText } from "./bytes-text.ts";
import { gpuText } from "./describe-machine.ts";

/** `missing` keeps the main job from running; `note` does not. */
export type Finding = {
  readonly name: string;
  readonly state: "ok" | "note" | "missing";
  readonly detail: string;
  readonly packages?: readonly string[];
};

export type Machine = MachineReading & {
  readonly processors: number;
  readonly engineCanUse: (kind: DeviceKind) => boolean;
};

/** What 16 GB come to after the firmware has taken its part. */
const MIN_MEMORY_GIB = 15;
const MIN_GPU_GIB = 3.75;
/** Threads enough that a model of 3B and more answers in good time. */
export const MIN_PROCESSORS = 6;

/** The machine's processors, memory and GPUs against what ATOS asks for at least. Pure. */
export function machineFindings(machine: Machine): readonly Finding[] {
  return [processorsAndMemory(machine), gpus(machine)];
}

function processorsAndMemory({ devices, processors }: Machine): Finding {
  const system = devices.find(({ kind, unified }) => kind === "system" || unified === true);
  const memory = Math.round((system?.totalBytes ?? totalmem()) / GIB);
  const enough = memory >= MIN_MEMORY_GIB && processors >= MIN_PROCESSORS;
  const kind = system === undefined || system.unified === true ? "memory" : system.name;
  const free = system === undefined ? "" : `, ${bytesText(system.freeBytes)} free now`;
  const detail = `${processors} processor${processors === 1 ? "" : "s"}, ${memory} GiB ${kind}${free}`;
  return {
    name: "machine",
    state: enough ? "ok" : "note",
    detail: enough
      ? detail
      : `${detail}: enough for atos-nano and for servers elsewhere; models of 3B and more want ${MIN_PROCESSORS} and 16 GiB`,
  };
}

function gpus({ devices, notes, engineCanUse }: Machine): Finding {
  const found = devices.filter(({ kind }) => kind !== "system");
  const doubts = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  if (found.length === 0)
    return {
      name: "gpu",
      state: "note",
      detail: `none found${doubts}; embedded models run on the processor`,
    };
  const usable = found.filter(({ kind }) => engineCanUse(kind));
  const memory = usable.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  const limit =
    usable.length < found.length
      ? "; the embedded engine here has no build for it: embedded models run on the processor, see docs/models.md"
      : memory < MIN_GPU_GIB * GIB
        ? "; less than the 4 GiB that the smallest roster for a GPU wants"
        : "";
  return {
    name: "gpu",
    state: limit === "" ? "ok" : "note",
    detail: `${found.map(deviceText).join(", ")}${doubts}${limit}`,
  };
}

function deviceText(device: DeviceReading): string {
  return `${device.id} ${gpuText(device)}, ${bytesText(device.freeBytes)} free now`;
}
