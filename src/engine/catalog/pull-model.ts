import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AtosError, messageOf, missingError } from "../../base/errors.ts";
import { checkGgufFile } from "../gguf/gguf-file.ts";
import { partialPath, readPartialFile, removePartialFile, writePartialNote } from "./partial-file.ts";
import { type ExpectedFile, type PartialFile, planTransfer, type TransferPlan } from "./pull-plan.ts";
import { dropBody, type PullAnswer, requestFile } from "./pull-request.ts";

export type Pull = {
  readonly url: string;
  /** Where the file goes when all of it is there; until then it is this path with `.part`. */
  readonly path: string;
  /** What the caller knows of the file. What the hub says of it must agree. */
  readonly expected?: ExpectedFile | undefined;
  /** Sent to the origin of `url` only, never after a redirect to another; see `tokenFor`. */
  readonly token?: string | undefined;
  /** A server that says nothing for so long has failed. Default: a minute. */
  readonly idleMs?: number | undefined;
  readonly progress: (doneBytes: number, totalBytes: number | undefined) => void;
};

export type PullDeps = {
  /** Takes the lock file at a path, or says that another process has it. */
  readonly takeLock: (path: string) => Disposable | undefined;
  readonly freeBytes: (directory: string) => Promise<number>;
};

export type Pulled = {
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes that an earlier try had brought already. */
  readonly resumedFrom: number;
};

const IDLE_MS = 60_000;
/** A disk filled to its last byte stops more than this. */
const SPARE_BYTES = 64 * 2 ** 20;
/** The second time is for what an earlier try left and turned out useless. */
const MAX_REQUESTS = 2;

/**
 * Fetches a model file. No retries: a second call goes on where the first one stopped, if the file is
 * still the same. The file appears under its name only when it is whole, has the size and the hash that
 * the caller and the hub name, and is a GGUF file.
 *
 * @throws {AtosError} `engine/pull-failed`, `engine/pull-denied`, `engine/pull-busy`, `engine/pull-no-space`,
 *   `engine/pull-wrong-size`, `engine/pull-wrong-hash`, `engine/model-broken`; the reason of `signal` when it aborts
 */
export async function pullModel(deps: PullDeps, pull: Pull, signal: AbortSignal): Promise<Pulled> {
  await mkdir(dirname(pull.path), { recursive: true });
  using lock = deps.takeLock(`${pull.path}.lock`);
  if (lock === undefined)
    throw missingError(
      "engine/pull-busy",
      `another process is fetching ${pull.path}; wait for it, or end it and give the same command again`,
    );
  for (let count = 0; count < MAX_REQUESTS; count++) {
    const pulled = await tryOnce(deps, pull, signal);
    if (pulled !== undefined) return pulled;
    await removePartialFile(pull.path);
  }
  throw missingError("engine/pull-failed", `${pull.url} answers a request for the whole file with a part of it`);
}

/** Undefined: what an earlier try left is of no use. */
async function tryOnce(deps: PullDeps, pull: Pull, signal: AbortSignal): Promise<Pulled | undefined> {
  const partial = await readPartialFile(pull.path);
  const { url, token, expected = {}, idleMs = IDLE_MS } = pull;
  const answer = await requestFile({ url, token, expected, partial, idleMs }, signal);
  using _ = { [Symbol.dispose]: () => dropBody(answer.body) };
  const plan = planTransfer(answer, { askedFrom: answer.askedFrom, partial, expected: answer.expected });
  if (plan.kind === "start-again") return undefined;
  if (plan.kind === "refused") throw await refusal(pull, answer);
  const hash = createHash("sha256");
  const resumedFrom = plan.kind === "complete" ? partial.haveBytes : plan.fromByte;
  if (resumedFrom > 0) await addFile(hash, partialPath(pull.path), signal);
  const bytes = plan.kind === "complete" ? resumedFrom : await receive({ deps, pull, hash, answer, plan }, signal);
  return { ...(await finish(pull, { bytes, sha256: hash.digest("hex") }, answer.expected)), resumedFrom };
}

type Receiving = {
  readonly deps: PullDeps;
  readonly pull: Pull;
  readonly hash: Hash;
  readonly answer: PullAnswer;
  readonly plan: Extract<TransferPlan, { kind: "write" }>;
};

/** Writes the body behind what is here already, and returns the size of the file. */
async function receive({ deps, pull, hash, answer, plan }: Receiving, signal: AbortSignal): Promise<number> {
  const { fromByte, totalBytes } = plan;
  const { validator, expected, body } = answer;
  // Away before the note of other bytes is written, and before their room is asked for.
  if (fromByte === 0) await removePartialFile(pull.path);
  await checkSpace(deps, pull, totalBytes === undefined ? 0 : totalBytes - fromByte);
  await writePartialNote(pull.path, { url: pull.url, validator, sha256: expected.sha256 });
  await using file = await open(partialPath(pull.path), "a");
  let done = fromByte;
  pull.progress(done, totalBytes);
  for await (const chunk of chunksOf(body, { pull, done: () => done, signal })) {
    done += chunk.length;
    if (totalBytes !== undefined && done > totalBytes) break;
    await unlessFull(pull, file.writeFile(chunk));
    hash.update(chunk);
    pull.progress(done, totalBytes);
  }
  // The name promises a whole file, after a power cut too.
  await unlessFull(pull, file.datasync());
  if (totalBytes !== undefined && done < totalBytes)
    throw brokenOff(pull, done, `the server ended it, and the file has ${totalBytes}`);
  if (totalBytes !== undefined && done > totalBytes) await wrongSize(pull, totalBytes);
  return done;
}

/** The body's chunks; an error of the network says how to go on. */
async function* chunksOf(
  body: AsyncIterable<Buffer>,
  { pull, done, signal }: { pull: Pull; done: () => number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (cause) {
    signal.throwIfAborted();
    throw brokenOff(pull, done(), cause);
  }
}

async function unlessFull(pull: Pull, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw cause;
    const why = `the disk of ${pull.path} is full; make room, then give the same command again: it goes on from there`;
    throw missingError("engine/pull-no-space", why, cause);
  }
}

async function checkSpace(deps: PullDeps, pull: Pull, missingBytes: number): Promise<void> {
  const free = await deps.freeBytes(dirname(pull.path));
  if (free >= missingBytes + SPARE_BYTES) return;
  throw missingError(
    "engine/pull-no-space",
    `${pull.path} needs ${missingBytes} more bytes and its disk has ${free} free; make room, or put ATOS_HOME on another disk`,
  );
}

async function finish(
  pull: Pull,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  expected: ExpectedFile,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const part = partialPath(pull.path);
  if (expected.bytes !== undefined && bytes !== expected.bytes) await wrongSize(pull, expected.bytes);
  if (expected.sha256 !== undefined && expected.sha256.toLowerCase() !== sha256) {
    await removePartialFile(pull.path);
    throw new AtosError(
      "engine/pull-wrong-hash",
      `the file from ${pull.url} has the sha256 ${sha256}, not ${expected.sha256}; it was deleted. Fetch it again; if that ends the same way, the file has been changed or does not reach you unchanged`,
    );
  }
  await checkGgufFile(part).catch(async (error: unknown) => {
    await removePartialFile(pull.path);
    throw error;
  });
  await rename(part, pull.path);
  await removePartialFile(pull.path);
  return { bytes: (await stat(pull.path)).size, sha256 };
}

async function wrongSize(pull: Pull, expectedBytes: number): Promise<never> {
  await removePartialFile(pull.path);
  throw new AtosError(
    "engine/pull-wrong-size",
    `${pull.url} sent another number of bytes than the ${expectedBytes} the file should have; what came was deleted. Fetch it again`,
  );
}

function brokenOff(pull: Pull, doneBytes: number, cause: unknown): AtosError {
  const text = `the download of ${pull.url} broke off after ${doneBytes} bytes: ${messageOf(cause)}. The same command goes on from there`;
  return missingError("engine/pull-failed", text, cause);
}

async function refusal(pull: Pull, { status, retryAfter, body }: PullAnswer): Promise<AtosError> {
  await body.dump();
  if (status === 401 || status === 403) return denied(pull, status);
  const waiting = retryAfter === undefined ? "" : ` (it says to wait ${retryAfter})`;
  const advice: Readonly<Record<number, string>> = {
    404: "there is no such file; check the owner, the repository and the file's name, capitals included",
    429: `too many requests${waiting}; wait, then give the same command again`,
  };
  const why = advice[status] ?? "give the same command again later";
  return missingError("engine/pull-failed", `${pull.url} answered ${status}: ${why}`);
}

/** A hub answers the same to who lacks the right and to who asks for what does not exist. */
function denied(pull: Pull, status: number): AtosError {
  const page = pull.url.split("/resolve/")[0];
  const why =
    pull.token === undefined
      ? `if the model is gated, accept its terms on ${page}, make a token with read access and set it as HF_TOKEN`
      : `the token in HF_TOKEN has no access; accept the model's terms on ${page} with the account of the token`;
  return missingError("engine/pull-denied", `${pull.url} answered ${status}: ${why}; check the name as well`);
}

async function addFile(hash: Hash, path: string, signal: AbortSignal): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
}

/** What the hub says of a file without fetching it. @throws {AtosError} as `pullModel` */
export async function inspectRemote(
  { url, token, idleMs = IDLE_MS }: Pick<Pull, "url" | "token" | "idleMs">,
  signal: AbortSignal,
): Promise<ExpectedFile> {
  const partial: PartialFile = { haveBytes: 0 };
  const answer = await requestFile({ url, token, expected: {}, partial, idleMs }, signal);
  if (answer.status !== 200) throw await refusal({ url, token, path: "", progress: () => {} }, answer);
  dropBody(answer.body);
  const bytes = answer.expected.bytes ?? answer.contentLength;
  return { ...answer.expected, ...(bytes === undefined ? {} : { bytes }) };
}
