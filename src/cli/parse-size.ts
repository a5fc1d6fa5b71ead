const STEPS: Readonly<Record<string, number>> = { m: 2, g: 3, t: 4 };
const MAX_BYTES = 2 ** 50;

/**
 * Bytes of a size as people write it: `4gb`, `3.5 GiB`, `4096mib`; undefined when it is none. Pure.
 *
 * GB and GiB are one here, 2³⁰ bytes: a graphics card sold with 4 GB has 4 GiB, the rosters are named that
 * way, and a budget must mean what its roster means. A number without a unit is refused: it would be a guess.
 */
export function parseSize(text: string): number | undefined {
  const [, number = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,9})?)\s?([mgt])(?:i?b)?$/i.exec(text.trim()) ?? [];
  const step = STEPS[unit.toLowerCase()];
  if (step === undefined) return undefined;
  const bytes = Math.round(Number(number) * 1024 ** step);
  return bytes >= 1 && bytes <= MAX_BYTES ? bytes : undefined;
}
