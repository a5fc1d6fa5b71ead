import { usageError } from "../base/errors.ts";
import { readSeed } from "./read-seed.ts";
import { type Way, WAYS } from "../workflows/eval/eval-result.ts";

export type EvalFlags = {
  readonly path?: string;
  readonly model?: string;
  readonly roster?: string;
  readonly budget?: string;
  readonly ways?: string;
  readonly limit?: string;
  readonly tasks?: string;
  readonly seed?: string;
  readonly out?: string;
  readonly resume?: boolean;
};

export type EvalOptions = {
  readonly path: string | undefined;
  readonly ways: readonly Way[];
  readonly limit: number | undefined;
  /** Ids; undefined: all of the suite. */
  readonly tasks: readonly string[] | undefined;
  readonly seed: number;
  readonly out: string | undefined;
  readonly resume: boolean;
};

/**
 * What was asked for on the command line. Pure.
 *
 * @throws {AtosError} `cli/bad-eval-option`, `cli/bad-seed`
 */
export function readEvalOptions(flags: EvalFlags): EvalOptions {
  if (flags.model !== undefined && flags.roster !== undefined) throw badOption("give --model or --roster, not both");
  return {
    path: flags.path,
    ways: readWays(flags.ways ?? WAYS.join(",")),
    limit: flags.limit === undefined ? undefined : readNumber("--limit", flags.limit, { min: 1, max: 100_000 }),
    tasks: flags.tasks === undefined ? undefined : listOf(flags.tasks),
    seed: readSeed(flags.seed ?? "0"),
    out: flags.out,
    resume: flags.resume ?? false,
  };
}

export function badOption(why: string): Error {
  return usageError("cli/bad-eval-option", `${why}. See: atos eval --help`);
}

function readWays(text: string): readonly Way[] {
  const ways = listOf(text).map((name) => {
    const way = WAYS.find((one) => one === name);
    if (way === undefined) throw badOption(`--ways takes ${WAYS.join(" and ")}, not ${JSON.stringify(name)}`);
    return way;
  });
  // In their own order: what is compared with what does not depend on how it was typed.
  const chosen = WAYS.filter((way) => ways.includes(way));
  if (chosen.length === 0) throw badOption(`--ways is empty; it takes ${WAYS.join(" and ")}`);
  return chosen;
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function readNumber(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw badOption(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}
