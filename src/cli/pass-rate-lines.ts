import type { PassRate } from "../store/task-results.ts";

const SIZES = { small: "up to 2 criteria", medium: "3 to 5 criteria", large: "more than 5 criteria" } as const;

/** How often a model got each kind of task right here, as a table for people; when there will be something, if there is nothing. Pure. */
export function passRateLines(rates: readonly PassRate[]): readonly string[] {
  if (rates.length === 0)
    return ["pass rates     none yet: each task of a build that this model works on adds to them"];
  const rows = rates.map(({ kind, tier, size, passed, tried }) => [
    kind,
    tier,
    SIZES[size],
    `${passed} of ${tried}`,
    `${Math.round((100 * passed) / tried)} %`,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return [
    "pass rates     of tasks on this installation: kind, tier, size, green",
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`),
  ];
}
