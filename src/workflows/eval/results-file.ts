import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { AtosError, EXIT, messageOf, usageError } from "../../base/errors.ts";
import { type EvalResult, evalResultSchema, WAYS } from "./eval-result.ts";

/** What a run's results depend on. Results under another header are not of the same run. */
const evalHeaderSchema = z.object({
  type: z.literal("eval"),
  version: z.literal(1),
  suite: z.string(),
  sha256: z.string(),
  /** Each model with what tells its weights from others. */
  models: z.array(z.string()).readonly(),
  /** Which model has which tier or role. */
  seats: z.record(z.string(), z.string()),
  /** What its models are told, by names and hashes. A file of before it was kept tells nothing. */
  words: z.record(z.string(), z.string()).default({}),
  /** The workflow, and how much its builds try. */
  effort: z.string(),
  seed: z.number(),
  ways: z.array(z.enum(WAYS)).readonly(),
});
export type EvalHeader = Readonly<z.infer<typeof evalHeaderSchema>>;

/** Results on disk, a line of JSON each, behind a line with the header. */
export type ResultsFile = AsyncDisposable & {
  readonly results: readonly EvalResult[];
  /** On disk when it returns. */
  append(result: EvalResult): Promise<void>;
};

/**
 * Opens `file` for the results of the run that `header` describes: a new one, or with `resume` one that is there.
 * A last line that a crash cut off goes.
 *
 * @throws {AtosError} `workflows/other-results` when it holds those of another run, or any and `resume` is false;
 *   `workflows/bad-results` when it can't be read.
 */
export async function openResultsFile(
  file: string,
  { header, resume }: { readonly header: EvalHeader; readonly resume: boolean },
): Promise<ResultsFile> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = await readText(file);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const found = whole === "" ? undefined : readResults(whole, file);
  if (found !== undefined && !resume)
    throw usageError(
      "workflows/other-results",
      `${file} holds results already. Go on with them: --resume. Or name another folder`,
    );
  if (found !== undefined) refuseOther(file, found.header, header);
  const handle = await open(file, found === undefined ? "w" : "r+", 0o600);
  let end = 0;
  const write = async (value: unknown): Promise<void> => {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    await handle.write(bytes, 0, bytes.length, end);
    await handle.datasync();
    end += bytes.length;
  };
  if (found === undefined) await write(header);
  else {
    end = Buffer.byteLength(whole);
    await handle.truncate(end);
  }
  return { results: found?.results ?? [], append: write, [Symbol.asyncDispose]: () => handle.close() };
}

/** The header of a results file, or undefined where there is no such file or it has no whole line. */
export async function readResultsHeader(file: string): Promise<EvalHeader | undefined> {
  const text = await readText(file);
  const end = text.indexOf("\n");
  return end < 0 ? undefined : parseLine(evalHeaderSchema, text.slice(0, end), { file, line: 1 });
}

/** In words, what `there` has otherwise than `here`; empty when they are of the same run. Pure. */
export function headerDifferences(there: EvalHeader, here: EvalHeader): readonly string[] {
  const differ = (name: string, old: unknown, now: unknown): readonly string[] => {
    const [before, after] = [JSON.stringify(old), JSON.stringify(now)];
    return before === after ? [] : [`${name} was ${before} and is ${after}`];
  };
  const sorted = (seats: EvalHeader["seats"]) => Object.entries(seats).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...differ("suite", there.suite, here.suite),
    ...differ("the suite's sha256", there.sha256.slice(0, 12), here.sha256.slice(0, 12)),
    ...differ("models", there.models, here.models),
    ...differ("who has which model", sorted(there.seats), sorted(here.seats)),
    ...wordDifferences(there.words, here.words),
    ...differ("effort", there.effort, here.effort),
    ...differ("seed", there.seed, here.seed),
    ...differ("ways", there.ways, here.ways),
  ];
}

function wordDifferences(there: EvalHeader["words"], here: EvalHeader["words"]): readonly string[] {
  if (Object.keys(there).length === 0)
    return Object.keys(here).length === 0 ? [] : ["its roles and languages are not told"];
  const names = [...new Set([...Object.keys(there), ...Object.keys(here)])].toSorted();
  return names.flatMap((name) => {
    if (there[name] === here[name]) return [];
    return [`${name} was ${there[name] === undefined ? "added" : here[name] === undefined ? "removed" : "changed"}`];
  });
}

function refuseOther(file: string, there: EvalHeader, here: EvalHeader): void {
  const differences = headerDifferences(there, here);
  if (differences.length === 0) return;
  throw usageError(
    "workflows/other-results",
    `${file} holds the results of another run: ${differences.join("; ")}. Ask for that one again, or begin anew without --resume`,
  );
}

function readResults(text: string, file: string): { header: EvalHeader; results: readonly EvalResult[] } {
  const [first = "", ...rest] = text.trimEnd().split("\n");
  const header = parseLine(evalHeaderSchema, first, { file, line: 1 });
  const results = rest.map((line, index) => parseLine(evalResultSchema, line, { file, line: index + 2 }));
  return { header, results };
}

function parseLine<T>(schema: z.ZodType<T>, text: string, { file, line }: { file: string; line: number }): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new AtosError(
      "workflows/bad-results",
      `${file}, line ${line} is not what atos eval writes: ${why}. Delete the file, or begin anew elsewhere`,
      { cause, exitCode: EXIT.usage },
    );
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
