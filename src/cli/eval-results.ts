import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { usageError } from "../base/errors.ts";
import { type EvalHeader, headerDifferences, readResultsHeader } from "../workflows/eval/results-file.ts";

export type ResultsPlace = {
  /** The state folder's own folder of results. */
  readonly evals: string;
  /** Where the person wants them. */
  readonly out: string | undefined;
  readonly suite: string;
  readonly header: EvalHeader;
};

/** The file of a run that begins: in the person's folder, else one of the state folder whose name sorts by time. */
export function newResultsFile({ evals, out, suite }: ResultsPlace, at: Date): string {
  if (out !== undefined) return join(resolve(out), "results.jsonl");
  const time = at.toISOString().replaceAll(/[-:]|\..*$/g, "");
  return join(evals, `${suite}-${time}-${randomBytes(2).toString("hex")}.jsonl`);
}

/**
 * The file of the run to go on with: the person's, else the newest of this very run.
 *
 * @throws {AtosError} `cli/nothing-to-resume` when there is none; it says what the newest of the suite has otherwise.
 */
export async function resultsFileToResume(place: ResultsPlace): Promise<string> {
  const { evals, out, suite, header } = place;
  const files = out === undefined ? await newestFirst(evals, suite) : [join(resolve(out), "results.jsonl")];
  let others = "";
  for (const file of files) {
    const there = await readResultsHeader(file);
    // What the person named is looked at closely when it is opened.
    if (there !== undefined && (out !== undefined || headerDifferences(there, header).length === 0)) return file;
    if (there !== undefined && others === "")
      others = ` The newest of ${suite} is another run: ${headerDifferences(there, header).join("; ")}.`;
  }
  throw usageError(
    "cli/nothing-to-resume",
    `no results of this run were found in ${out === undefined ? evals : resolve(out)}.${others} Begin without --resume`,
  );
}

async function newestFirst(folder: string, suite: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const mine = names.filter((name) => name.startsWith(`${suite}-`) && name.endsWith(".jsonl"));
  return mine
    .toSorted()
    .toReversed()
    .map((name) => join(folder, name));
}
