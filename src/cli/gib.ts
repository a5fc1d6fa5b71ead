import { GIB } from "../pool/devices/device-reading.ts";

/** GiB for tables and sums, such as `0.5` or `11.25`: two places, so that sums add up to the eye. Pure. */
export function gib(bytes: number): string {
  return (bytes / GIB).toFixed(2).replace(/0$/, "");
}
