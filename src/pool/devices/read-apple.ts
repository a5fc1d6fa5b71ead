import type { CommandOutcome, DeviceIo } from "./device-io.ts";
import { type DeviceReading, GIB, type KindReading, MIB } from "./device-reading.ts";

/**
 * The memory of a Mac: on Apple silicon one for processor and GPU, `gpu0`; else that of the system.
 *
 * Free is what nobody uses and what the system takes back when asked: free, speculative, inactive and purgeable
 * pages. The GPU may have no more than `iogpu.wired_limit_mb`, or what macOS grants where that is 0.
 */
export async function readApple(io: DeviceIo, signal: AbortSignal): Promise<KindReading> {
  const [memory, pages, limit, brand] = await Promise.all([
    io.run("sysctl", ["-n", "hw.memsize"], signal),
    io.run("vm_stat", [], signal),
    io.run("sysctl", ["-n", "iogpu.wired_limit_mb"], signal),
    io.run("sysctl", ["-n", "machdep.cpu.brand_string"], signal),
  ]);
  const totalBytes = wholeNumber(memory);
  if (totalBytes === undefined || totalBytes === 0)
    return nothing(`sysctl does not tell hw.memsize: ${saying(memory)}`);
  const freeBytes = pages.kind === "output" ? parseVmStat(pages.text) : undefined;
  if (freeBytes === undefined) return nothing(`vm_stat does not tell what is free: ${saying(pages)}`);
  const base = { totalBytes, freeBytes: Math.min(freeBytes, totalBytes) };
  const name = brand.kind === "output" && brand.text.trim() !== "" ? brand.text.trim() : "Mac";
  if (io.arch !== "arm64") {
    const system: DeviceReading = { id: "system", key: "system", kind: "system", name: "system memory", ...base };
    return { devices: [system], notes: [] };
  }
  const limitBytes = Math.min(totalBytes, (wholeNumber(limit) ?? 0) * MIB || usualLimit(totalBytes));
  const gpu: DeviceReading = { id: "gpu0", key: "apple", kind: "apple", name, ...base, limitBytes, unified: true };
  return { devices: [gpu], notes: [] };
}

/** Bytes that can be had, by what `vm_stat` prints; undefined when that is something else. Pure. */
function parseVmStat(text: string): number | undefined {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(text)?.[1]);
  const pages = ["free", "speculative", "inactive", "purgeable"].map((kind) =>
    Number(new RegExp(`^Pages ${kind}:\\s+(\\d+)\\.?\\s*$`, "m").exec(text)?.[1]),
  );
  const [free = Number.NaN, speculative = 0, inactive = 0, purgeable = 0] = pages;
  const sum = free + [speculative, inactive, purgeable].reduce((all, count) => all + (count || 0), 0);
  return Number.isFinite(sum * pageBytes) ? sum * pageBytes : undefined;
}

/**
 * What macOS lets a GPU have unless told otherwise: two thirds of up to 36 GiB and three quarters of more.
 * As Metal's `recommendedMaxWorkingSetSize` was reported; newer systems grant more (107.5 of 128 GiB).
 */
function usualLimit(totalBytes: number): number {
  return totalBytes <= 36 * GIB ? Math.floor((totalBytes * 2) / 3) : Math.floor((totalBytes * 3) / 4);
}

function wholeNumber(outcome: CommandOutcome): number | undefined {
  const text = outcome.kind === "output" ? outcome.text.trim() : "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function nothing(note: string): KindReading {
  return { devices: [], notes: [note] };
}

function saying(outcome: CommandOutcome): string {
  if (outcome.kind === "output") return `it says ${JSON.stringify(outcome.text.slice(0, 100))}`;
  return outcome.kind === "missing" ? "there is no such program" : `it ${outcome.why}`;
}
