const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size for people: `1.9 GiB`. Pure. */
export function bytesText(bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[step] ?? "B"}`;
}
