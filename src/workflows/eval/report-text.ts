import type { EvalReport } from "./eval-report.ts";
import type { GroupScore, PassScore, WayComparison, WayScore } from "./score.ts";

const MAX_NAMES = 12;

/** The report for a reader: a table of the ways, one of their groups, how they differ, and what to mind. Pure. */
export function reportText(report: EvalReport): string {
  const { score, suite, sha256, models, effort, seed, notes } = report;
  const blocks = [
    `Suite ${suite}, ${score.tasks} tasks, sha256 ${sha256.slice(0, 12)}; seed ${seed}; ${effort}\nModels: ${models.join(", ")}`,
    table([["", ...score.ways.map(({ way }) => way)], ...wayRows(score.ways)]),
    ...(score.groups.length === 0 ? [] : [table(groupRows(score.groups))]),
    ...(score.comparison === undefined ? [] : [comparisonText(score.comparison)]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `! ${note}`).join("\n")]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function wayRows(ways: readonly WayScore[]): readonly (readonly string[])[] {
  const row = (label: string, of: (way: WayScore) => string): readonly string[] => [label, ...ways.map(of)];
  return [
    row("passed", ({ passed, tried }) => `${passed} of ${tried}`),
    row("pass@1", ({ passAt1 }) => percent(passAt1)),
    row("  95 % interval", intervalText),
    row("passes per minute", ({ passesPerMinute }) => number(passesPerMinute, 2)),
    row("wall time", ({ wallMs }) => `${(wallMs / 1000).toFixed(1)} s`),
    row("turns", ({ turns }) => String(turns)),
    row("tokens read", ({ promptTokens }) => String(promptTokens)),
    row("tokens written", ({ outputTokens }) => String(outputTokens)),
    row("tokens per task", ({ tokensPerTask }) => number(tokensPerTask, 0)),
    row("tokens per pass", ({ tokensPerPass }) => number(tokensPerPass, 0)),
    row("models loaded", ({ swaps }) => String(swaps)),
    row("refused", ({ refused }) => String(refused)),
    row("told green, failed", ({ greenFailed }) => String(greenFailed)),
    row("told red, passed", ({ redPassed }) => String(redPassed)),
  ];
}

function groupRows(groups: readonly GroupScore[]): readonly (readonly string[])[] {
  const ways = [...new Set(groups.map(({ way }) => way))];
  const keys = [...new Set(groups.map(({ by, value }) => `${by} ${value}`))];
  const cell = (found: GroupScore | undefined): string =>
    found === undefined ? "" : `${found.passed} of ${found.tried} (${percent(found.passAt1)})`;
  const rows = keys.map((key) => [
    key,
    ...ways.map((way) => cell(groups.find((group) => group.way === way && `${group.by} ${group.value}` === key))),
  ]);
  return [["passed by", ...ways], ...rows];
}

function comparisonText(comparison: WayComparison): string {
  const { ways, both, onlyFirst, onlySecond, neither, p, onlyFirstTasks, onlySecondTasks } = comparison;
  const [first, second] = ways;
  const named = (tasks: readonly string[]): string => {
    if (tasks.length === 0) return "";
    const more = tasks.length > MAX_NAMES ? `, and ${tasks.length - MAX_NAMES} more` : "";
    return ` (${tasks.slice(0, MAX_NAMES).join(", ")}${more})`;
  };
  return [
    `On the same tasks: both passed ${both}, neither ${neither},`,
    `  only ${first} ${onlyFirst}${named(onlyFirstTasks)},`,
    `  only ${second} ${onlySecond}${named(onlySecondTasks)}.`,
    `McNemar's exact test: p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}.`,
  ].join("\n");
}

/** The first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))),
    )
    .map((cells) => cells.join("   ").trimEnd())
    .join("\n");
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${(share * 100).toFixed(1)} %`;
}

export function intervalText({ interval: [low, high] }: Pick<PassScore, "interval">): string {
  return `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
}

function number(value: number | null, digits: number): string {
  return value === null ? "–" : value.toFixed(digits);
}
