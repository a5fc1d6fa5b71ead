import { availableParallelism, totalmem } from "node:os";
import { access } from "node:fs/promises";

/** One line on what this machine can run. */
export async function describeMachine(): Promise<string> {
  const processors = availableParallelism();
  const gpu = await hasNvidia();
  return `${processors} processor${processors === 1 ? "" : "s"}, ${Math.round(totalmem() / 2 ** 30)} GiB memory, ${gpu ? "an NVIDIA GPU" : "no GPU found"}`;
}

export async function hasNvidia(): Promise<boolean> {
  return access("/proc/driver/nvidia/version").then(
    () => true,
    () => false,
  );
}
