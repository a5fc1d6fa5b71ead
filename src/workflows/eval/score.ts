import type { EvalResult, Way } from "./eval-result.ts";
import { mcnemarTest } from "./mcnemar-test.ts";
import type { EvalTask } from "./suite.ts";
import { wilsonInterval } from "./wilson-interval.ts";

export type PassScore = {
  readonly way: Way;
  /** Tasks with a result. */
  readonly tried: number;
  readonly passed: number;
  /** Null when nothing was tried. */
  readonly passAt1: number | null;
  /** 95 %, by Wilson. */
  readonly interval: readonly [low: number, high: number];
};

/** Averages are null when they would be a division by nothing. */
export type WayScore = PassScore & {
  readonly passesPerMinute: number | null;
  readonly wallMs: number;
  readonly turns: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly tokensPerTask: number | null;
  readonly tokensPerPass: number | null;
  readonly swaps: number;
  readonly refused: number;
  /** Told to be done, and failed the hidden tests. */
  readonly greenFailed: number;
  /** Told not to be done, and passed them. */
  readonly redPassed: number;
};

export type GroupScore = PassScore & { readonly by: "language" | "tier"; readonly value: string };

/** Two ways on the tasks that both have a result of. */
export type WayComparison = {
  readonly ways: readonly [Way, Way];
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
  /** McNemar, exact, two-sided. */
  readonly p: number;
  readonly onlyFirstTasks: readonly string[];
  readonly onlySecondTasks: readonly string[];
};

export type EvalScore = {
  readonly tasks: number;
  readonly ways: readonly WayScore[];
  readonly groups: readonly GroupScore[];
  /** Absent with one way. */
  readonly comparison?: WayComparison;
};

/** The figures of a run, of the results of `tasks` alone. Pure. */
export function scoreEval(tasks: readonly EvalTask[], results: readonly EvalResult[], ways: readonly Way[]): EvalScore {
  const chosen = new Set(tasks.map(({ id }) => id));
  const mine = results.filter(({ task }) => chosen.has(task));
  const [first, second] = ways;
  return {
    tasks: tasks.length,
    ways: ways.map((way) => scoreWay(way, mine)),
    groups: [...groupBy("language", mine, ways), ...groupBy("tier", mine, ways)],
    ...(first === undefined || second === undefined ? {} : { comparison: compareWays([first, second], mine) }),
  };
}

function scorePasses(way: Way, results: readonly EvalResult[]): PassScore {
  const passed = results.filter((result) => result.passed).length;
  const tried = results.length;
  return { way, tried, passed, passAt1: over(passed, tried), interval: wilsonInterval(passed, tried) };
}

function scoreWay(way: Way, all: readonly EvalResult[]): WayScore {
  const results = all.filter((result) => result.way === way);
  const sum = (of: (result: EvalResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const count = (is: (result: EvalResult) => boolean): number => results.filter(is).length;
  const passes = scorePasses(way, results);
  const wallMs = sum((one) => one.durationMs);
  const tokens = sum((one) => one.promptTokens + one.outputTokens);
  return {
    ...passes,
    passesPerMinute: over(passes.passed, wallMs / 60_000),
    wallMs,
    turns: sum((one) => one.turns),
    promptTokens: sum((one) => one.promptTokens),
    outputTokens: sum((one) => one.outputTokens),
    tokensPerTask: over(tokens, passes.tried),
    tokensPerPass: over(tokens, passes.passed),
    swaps: sum((one) => one.swaps),
    refused: count(({ outcome }) => outcome === "refused"),
    greenFailed: count(({ outcome, passed }) => outcome === "green" && !passed),
    redPassed: count(({ outcome, passed }) => outcome === "red" && passed),
  };
}

function groupBy(by: "language" | "tier", results: readonly EvalResult[], ways: readonly Way[]): readonly GroupScore[] {
  const values = [...new Set(results.flatMap((result) => result[by] ?? []))].toSorted(
    by === "tier" ? (a, b) => TIER_ORDER.indexOf(a) - TIER_ORDER.indexOf(b) : undefined,
  );
  return values.flatMap((value) =>
    ways.map((way) => {
      const group = results.filter((result) => result.way === way && result[by] === value);
      return { by, value, ...scorePasses(way, group) };
    }),
  );
}

const TIER_ORDER = ["simple", "medium", "complex"];

function compareWays(ways: readonly [Way, Way], results: readonly EvalResult[]): WayComparison {
  const [first, second] = ways.map(
    (way) => new Map(results.filter((one) => one.way === way).map((one) => [one.task, one.passed])),
  );
  const pairs = [...(first ?? [])].flatMap(([task, a]) => {
    const b = second?.get(task);
    return b === undefined ? [] : [{ task, a, b }];
  });
  const onlyFirstTasks = pairs.filter(({ a, b }) => a && !b).map(({ task }) => task);
  const onlySecondTasks = pairs.filter(({ a, b }) => !a && b).map(({ task }) => task);
  return {
    ways,
    both: pairs.filter(({ a, b }) => a && b).length,
    onlyFirst: onlyFirstTasks.length,
    onlySecond: onlySecondTasks.length,
    neither: pairs.filter(({ a, b }) => !a && !b).length,
    p: mcnemarTest(onlyFirstTasks.length, onlySecondTasks.length),
    onlyFirstTasks,
    onlySecondTasks,
  };
}

function over(value: number, by: number): number | null {
  return by === 0 ? null : value / by;
}
