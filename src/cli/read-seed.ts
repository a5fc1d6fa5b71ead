import { usageError } from "../base/errors.ts";

/** So many seeds engines take, from 0. */
export const SEEDS: number = 2 ** 32;

/**
 * What `--seed` says. Pure.
 *
 * @throws {AtosError} `cli/bad-seed`
 */
export function readSeed(text: string): number {
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seed < SEEDS) return seed;
  throw usageError("cli/bad-seed", `--seed must be a whole number from 0 to ${SEEDS - 1}, not ${JSON.stringify(text)}`);
}
