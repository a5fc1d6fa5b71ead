import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { AtosError, messageOf, missingError, usageError } from "../base/errors.ts";
import { postgresEnvironment } from "./postgres-launch.ts";
import { lastLines, postgresFailure } from "./server-log.ts";
import { servesDirectory } from "./server-processes.ts";

const run = promisify(execFile);

/** What `execFile` adds to its error. */
const commandOutput = z.object({ stdout: z.string(), stderr: z.string() });

/** How to run `initdb`: the program, with whatever must stand before it. */
export type InitdbCommand = readonly string[];

/**
 * Makes the parent of `dataDirectory` and returns the directory's real path; it need not exist itself.
 *
 * @throws {AtosError} `store/data-directory` when that can't be done.
 */
export async function prepareDataDirectory(dataDirectory: string): Promise<string> {
  const parent = path.dirname(path.resolve(dataDirectory));
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw missingError(
      "store/data-directory",
      `The folder ${parent} for the database can't be made (${messageOf(error)}). Choose another state folder.`,
      error,
    );
  }
  return path.join(await realpath(parent), path.basename(dataDirectory));
}

/**
 * Makes the cluster in `dataDirectory` if there is none: whole or not at all, and on disk when this returns.
 *
 * @throws {AtosError} `store/not-a-data-directory`, `store/disk-full` or `store/postgres-failed`.
 */
export async function ensureCluster(dataDirectory: string, initdb: InitdbCommand, signal?: AbortSignal): Promise<void> {
  const parent = path.dirname(dataDirectory);
  const unfinished = `${path.basename(dataDirectory)}.new-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(unfinished)) await removeTree(path.join(parent, name));
  }
  const entries = await readdir(dataDirectory).catch((): string[] => []);
  if (entries.includes("PG_VERSION")) return;
  if (entries.length > 0) {
    throw usageError(
      "store/not-a-data-directory",
      `${dataDirectory} holds ${entries.length} files but no Postgres data. Choose another state folder, or move them away.`,
    );
  }
  const half = await mkdtemp(path.join(parent, unfinished)).catch(async (error: unknown) => {
    throw await postgresFailure("The database could not be made", messageOf(error), { dataDirectory, cause: error });
  });
  try {
    await runInitdb(half, initdb, signal);
    await rename(half, dataDirectory);
    await syncDirectory(parent);
  } catch (error) {
    // Before the rubble goes: a full disk must still be full when it is looked at.
    const failure = signal?.aborted === true ? signal.reason : await initdbFailure(error, dataDirectory);
    await removeTree(half);
    throw failure;
  }
}

async function runInitdb(directory: string, initdb: InitdbCommand, signal?: AbortSignal): Promise<void> {
  const [command = "", ...prefix] = initdb;
  const options = [
    "--username=atos",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    // Postgres's own, so that order and case are the same on every machine.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
  ];
  await run(command, [...prefix, "-D", directory, ...options], {
    env: postgresEnvironment(),
    timeout: 120_000,
    ...(signal && { signal }),
  });
}

async function initdbFailure(error: unknown, dataDirectory: string): Promise<AtosError> {
  const said = commandOutput.safeParse(error);
  const words = said.success ? `${said.data.stdout}\n${said.data.stderr}`.trim() : "";
  return await postgresFailure("The database could not be made", lastLines(words || messageOf(error)), {
    dataDirectory,
    cause: error,
  });
}

/**
 * Removes a lock file that its server left behind (`postmaster.pid`, a socket's `.lock`). Postgres does the same,
 * but takes any process that got the old number for the old server.
 *
 * @throws {AtosError} `store/data-directory-in-use` when a server that ATOS didn't start holds it.
 */
export async function removeStaleLock(file: string): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => "");
  const [pid = "", dataDirectory = ""] = text.split("\n");
  if (/^\d+$/.test(pid) && servesDirectory(Number(pid), dataDirectory)) {
    throw new AtosError(
      "store/data-directory-in-use",
      `Process ${pid}, a Postgres that ATOS didn't start, works in ${dataDirectory} and holds ${file}. ` +
        "Stop it, or set DATABASE_URL to use it.",
    );
  }
  await rm(file, { force: true });
}

// An interrupted initdb's child may still write for a moment; rm tries again.
async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
