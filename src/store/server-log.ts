import { open, readFile, statfs } from "node:fs/promises";
import path from "node:path";
import { AtosError, missingError } from "../base/errors.ts";

/** The log is emptied when it is found larger; it can exceed this by what a minute brings. */
const LOG_LIMIT_BYTES = 8 << 20;
const TAIL_BYTES = 4096;
const TAIL_LINES = 12;

/** Less than this and Postgres can't be expected to start: a WAL segment alone is 16 MiB. */
const ROOM_BYTES = 24 << 20;

/** A server's log, open for appending. Dispose it when the server has ended. */
export type ServerLog = AsyncDisposable & {
  readonly file: string;
  /** For the server to write to. */
  readonly descriptor: number;
  /** The last lines written since this log was opened; also after it was disposed. */
  lastLines(): Promise<string>;
};

/** Opens the log and keeps it from growing without end until it is disposed. */
export async function openServerLog(file: string): Promise<ServerLog> {
  const log = await open(file, "a+", 0o600);
  const keepBounded = async () => {
    const { size } = await log.stat();
    // The server appends, so it goes on at the new end.
    if (size > LOG_LIMIT_BYTES) await log.truncate(0);
    return size > LOG_LIMIT_BYTES ? 0 : size;
  };
  const begin = await keepBounded();
  // A failure here is a full or vanished disk, which the server itself reports.
  const timer = setInterval(() => void keepBounded().catch(() => undefined), 60_000).unref();
  return {
    file,
    descriptor: log.fd,
    async lastLines() {
      const text = await readFile(file);
      return lastLines(text.subarray(Math.max(begin, text.length - TAIL_BYTES)).toString());
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await log.close();
    },
  };
}

export function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

/**
 * The error for a Postgres command that failed, from its last words.
 *
 * A full disk has its own code, `store/disk-full`; it is looked for on the disk too, since a log on a full disk
 * says nothing.
 */
export async function postgresFailure(
  what: string,
  output: string,
  where: { readonly dataDirectory: string; readonly cause?: unknown },
): Promise<AtosError> {
  const freeBytes = await freeSpace(path.dirname(where.dataDirectory));
  if (output.includes("No space left on device") || freeBytes < ROOM_BYTES) {
    return missingError(
      "store/disk-full",
      `${what}: the disk that holds ${where.dataDirectory} is full (${freeBytes >> 20} MiB free). ` +
        `Make room, at least 200 MiB, and try again.`,
      where.cause,
    );
  }
  const words = output === "" ? "It said nothing." : `Its last words:\n${output}`;
  return missingError("store/postgres-failed", `${what} (data in ${where.dataDirectory}). ${words}`, where.cause);
}

async function freeSpace(directory: string): Promise<number> {
  const disk = await statfs(directory);
  return disk.bavail * disk.bsize;
}
