import type { DeviceIo } from "./device-io.ts";
import { type DeviceReading, GIB, type KindReading, sizeText } from "./device-reading.ts";
import { visibleEntries } from "./visible-devices.ts";

/** The kernel numbers at most 64 cards. */
const MAX_CARDS = 64;
const AMD_VENDOR = "0x1002";

/**
 * AMD GPUs by what the `amdgpu` driver tells in sysfs: `mem_info_vram_total` and `mem_info_vram_used`, in bytes.
 * The part of an integrated GPU that has less than 1 GiB of its own is left out: no model fits in it.
 */
export async function readAmd(io: DeviceIo): Promise<KindReading> {
  const cards = await Promise.all(Array.from({ length: MAX_CARDS }, (_, card) => readCard(io, card)));
  const found = cards.filter((card) => card !== undefined);
  const notes = found.flatMap((card) => (typeof card === "string" ? [card] : []));
  const gpus = found.filter((card) => typeof card !== "string");
  const setting = io.env["HIP_VISIBLE_DEVICES"] ?? io.env["ROCR_VISIBLE_DEVICES"];
  const devices = visibleEntries(gpus, setting, (gpu, entry) => gpu.key === entry);
  return { devices: devices.map((device, index) => ({ ...device, visibleAs: String(index) })), notes };
}

/** A GPU, a sentence on why it is none for models, or undefined when there is no such card. */
async function readCard(io: DeviceIo, card: number): Promise<DeviceReading | string | undefined> {
  const folder = `/sys/class/drm/card${card}/device`;
  const vendor = (await io.readFile(`${folder}/vendor`))?.trim();
  if (vendor !== AMD_VENDOR) return undefined;
  const [total, used, product, unique, device] = await Promise.all(
    ["mem_info_vram_total", "mem_info_vram_used", "product_name", "unique_id", "device"].map(async (name) =>
      (await io.readFile(`${folder}/${name}`))?.trim(),
    ),
  );
  const totalBytes = wholeNumber(total);
  const usedBytes = wholeNumber(used);
  if (totalBytes === undefined || usedBytes === undefined || usedBytes > totalBytes)
    return `card${card} is an AMD GPU, but its driver does not tell its memory (${total ?? "nothing"}, used ${used ?? "nothing"})`;
  if (totalBytes < GIB)
    return `card${card} is an AMD GPU with only ${sizeText(totalBytes)} of its own; models use system memory instead`;
  return {
    id: "",
    key: unique === undefined || unique === "" ? `amd-card${card}` : `GPU-${unique}`,
    kind: "amd",
    name: product === undefined || product === "" ? `AMD GPU ${device ?? `card${card}`}` : product,
    totalBytes,
    freeBytes: totalBytes - usedBytes,
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
