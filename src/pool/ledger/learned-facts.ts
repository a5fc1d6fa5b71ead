import { open, readFile, rename, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { AtosError, messageOf } from "../../base/errors.ts";
import { type Facts, factsSchema, NO_FACTS } from "./facts.ts";

export type LearnedFactsOptions = {
  /** Least time between two writes. Default 1000. */
  readonly everyMs?: number | undefined;
  /** Told when the file can't be written; what was learned stays in memory. Default: nobody. */
  readonly onFailure?: ((error: AtosError) => void) | undefined;
};

/**
 * What the pool has learned, kept in a file of one worker. The file is whole at any time, and written at most
 * once in `everyMs`; disposing writes what is left.
 */
export class LearnedFacts implements AsyncDisposable {
  readonly #path: string;
  readonly #everyMs: number;
  readonly #onFailure: (error: AtosError) => void;
  /** What became of a damaged file; for people. */
  readonly note: string | undefined;
  #facts: Facts;
  #written: Facts;
  #writing: Promise<void> | undefined;
  readonly #ending = new AbortController();

  private constructor(path: string, read: Read, { everyMs = 1000, onFailure = () => {} }: LearnedFactsOptions) {
    this.#path = path;
    this.#everyMs = everyMs;
    this.#onFailure = onFailure;
    this.#facts = read.facts;
    this.#written = read.facts;
    this.note = read.note;
  }

  /** Begins empty when there is no file. One that is damaged or of another version is put aside as `<path>.damaged`. */
  static async open(path: string, options: LearnedFactsOptions = {}): Promise<LearnedFacts> {
    return new LearnedFacts(path, await readFacts(path), options);
  }

  get facts(): Facts {
    return this.#facts;
  }

  /** Takes new facts, as `learnLoad` and the others give them, and writes them before long. */
  change(learn: (facts: Facts) => Facts): void {
    this.#facts = learn(this.#facts);
    if (this.#facts !== this.#written) this.#writing ??= this.#writeSoon();
  }

  /** Waits until the file holds everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#writing;
    if (this.#facts !== this.#written) await this.#write();
  }

  /** The first change is written at once, those of the time after it together. */
  async #writeSoon(): Promise<void> {
    await this.#write();
    await delay(this.#everyMs, undefined, { signal: this.#ending.signal, ref: false }).catch(() => {});
    this.#writing = undefined;
    if (this.#facts !== this.#written && !this.#ending.signal.aborted) this.#writing = this.#writeSoon();
  }

  async #write(): Promise<void> {
    const facts = this.#facts;
    try {
      await replaceFile(this.#path, `${JSON.stringify(facts)}\n`);
    } catch (error) {
      const what = `What the pool has learned can't be written to ${this.#path} (${messageOf(error)})`;
      this.#onFailure(
        new AtosError("pool/facts-not-written", `${what}; see that the folder can be written and has room`, {
          cause: error,
        }),
      );
    }
    // After a failure too: the next change tries again.
    this.#written = facts;
  }
}

type Read = { readonly facts: Facts; readonly note?: string };

async function readFacts(path: string): Promise<Read> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { facts: NO_FACTS };
    return { facts: NO_FACTS, note: `${path} can't be read (${messageOf(error)}); the pool learns anew` };
  }
  const parsed = factsSchema.safeParse(parseJson(text));
  if (parsed.success) return { facts: parsed.data };
  const aside = `${path}.damaged`;
  const moved = await rename(path, aside).then(
    () => `it is now ${aside}`,
    (error: unknown) => `it can't be moved aside (${messageOf(error)})`,
  );
  return { facts: NO_FACTS, note: `${path} is damaged or of another version; ${moved}, and the pool learns anew` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema refuses it.
    return undefined;
  }
}

/** Whole or not at all: readers see the old text or the new one, also after a crash. */
async function replaceFile(path: string, text: string): Promise<void> {
  const half = `${path}.new`;
  try {
    const file = await open(half, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true }).catch(() => {});
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
