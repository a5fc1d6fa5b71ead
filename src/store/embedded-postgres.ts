import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { AtosError, messageOf } from "../base/errors.ts";
import { ensureCluster, prepareDataDirectory, removeStaleLock } from "./data-directory.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { postgresEnvironment, postgresLaunch } from "./postgres-launch.ts";
import { openServerLog, postgresFailure, type ServerLog } from "./server-log.ts";
import { endServer, isSupervised, serverProcesses } from "./server-processes.ts";
import { serverArguments, socketFile, socketUrl } from "./server-settings.ts";

export type EmbeddedPostgresOptions = {
  /** Holds the cluster, made on first use. Its log is beside it: the same path with `.log`. */
  readonly dataDirectory: string;
  /** A private directory of this server alone, with a short path: see `socketDirectory`. */
  readonly socketDirectory: string;
  readonly signal?: AbortSignal;
};

/** A running Postgres, child of this process. It keeps the process alive: stop it. */
export type EmbeddedPostgres = AsyncDisposable & {
  /** For `pg` and DBOS: the database `atos`, through the socket. */
  readonly url: string;
  readonly pid: number;
  /** Settles when the server has ended, whoever ended it; `code` is null when a signal did. */
  readonly exited: Promise<{ readonly code: number | null }>;
  /** Fast shutdown, and SIGKILL after 20 seconds; resolves when all its processes are gone. Can be called again. */
  stop(): Promise<void>;
};

const READY_WITHIN_MS = 60_000;
const STOP_GRACE_MS = 20_000;

/** A killed parent may take this long to vanish from the process table, while its server still looks looked after. */
const PARENT_GOING_MS = 3_000;

/** What a connection meets while the server is still starting. */
const NOT_YET = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "57P03"];

/**
 * Starts the built-in Postgres for `dataDirectory` and resolves when it has answered.
 *
 * Reachable through its socket only, by whoever may enter the socket directory. A server that a killed parent
 * left behind is shut down first. fsync is on: what is committed survives the machine. On Linux the server ends
 * when the thread that called this ends, so call it from the main thread.
 *
 * @throws {AtosError} with the server's last words when it doesn't start; `store/server-in-use` when a living
 *   process runs one for the same directory.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { signal } = options;
  const socket = socketFile(options.socketDirectory);
  const dataDirectory = await prepareDataDirectory(options.dataDirectory);
  const binaries = await postgresBinaries();
  const launch = await postgresLaunch(signal);
  await clearLeftovers(dataDirectory, signal);
  await ensureCluster(dataDirectory, [...launch, binaries.initdb], signal);
  for (const lock of [path.join(dataDirectory, "postmaster.pid"), `${socket}.lock`]) await removeStaleLock(lock);
  await rm(socket, { force: true });

  const log = await openServerLog(`${dataDirectory}.log`);
  const command = [...launch, binaries.postgres, ...serverArguments(dataDirectory, options.socketDirectory)];
  const server = await spawnServer(command, dataDirectory, log);
  try {
    await untilReady({ url: socketUrl(options.socketDirectory, "postgres"), server, dataDirectory, log }, signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const { pid, exited, stop } = server;
  return { url: socketUrl(options.socketDirectory, "atos"), pid, exited, stop, [Symbol.asyncDispose]: stop };
}

async function clearLeftovers(dataDirectory: string, signal?: AbortSignal): Promise<void> {
  const began = performance.now();
  for (;;) {
    const supervised = serverProcesses(dataDirectory).find(isSupervised);
    if (supervised === undefined) break;
    if (performance.now() - began > PARENT_GOING_MS) {
      throw new AtosError(
        "store/server-in-use",
        `Process ${supervised.parentPid} runs a Postgres for ${dataDirectory} already (process ${supervised.pid}). ` +
          "Use that one, or end its process first.",
      );
    }
    signal?.throwIfAborted();
    await sleep(50);
  }
  await endServer(dataDirectory, STOP_GRACE_MS);
}

type SpawnedServer = Pick<EmbeddedPostgres, "pid" | "exited" | "stop"> & { readonly hasExited: () => boolean };

async function spawnServer(command: readonly string[], dataDirectory: string, log: ServerLog): Promise<SpawnedServer> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: postgresEnvironment(),
    cwd: path.dirname(dataDirectory),
    // In a session of its own: Ctrl-C in a terminal is for the caller, who then stops the server in order.
    detached: true,
    stdio: ["ignore", log.descriptor, log.descriptor],
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const exited = new Promise<{ readonly code: number | null }>((resolve) => {
    child.once("exit", (code) => resolve({ code }));
  }).then(async (exit) => {
    await log[Symbol.asyncDispose]();
    return exit;
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    await log[Symbol.asyncDispose]();
    throw await postgresFailure("Postgres could not be run", messageOf(error), { dataDirectory, cause: error });
  }
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= stopServer());
  async function stopServer(): Promise<void> {
    // Once it has ended by itself, a server for this directory would be its successor.
    if (!hasExited()) await endServer(dataDirectory, STOP_GRACE_MS);
    await exited;
  }
  return { pid: child.pid ?? 0, exited, stop, hasExited };
}

type StartingServer = {
  readonly url: string;
  readonly server: SpawnedServer;
  readonly dataDirectory: string;
  readonly log: ServerLog;
};

async function untilReady({ url, server, dataDirectory, log }: StartingServer, signal?: AbortSignal): Promise<void> {
  const failure = async (what: string, cause?: unknown) =>
    await postgresFailure(what, await log.lastLines(), { dataDirectory, cause });
  const began = performance.now();
  let refusal: unknown;
  while (performance.now() - began < READY_WITHIN_MS) {
    signal?.throwIfAborted();
    if (server.hasExited()) throw await failure("Postgres ended while it was starting");
    try {
      await ensureDatabase(url);
      return;
    } catch (error) {
      if (!isNotYet(error)) {
        throw await failure(`Postgres started but the database "atos" can't be had (${messageOf(error)})`, error);
      }
      refusal = error;
    }
    await sleep(20);
  }
  throw await failure(`Postgres didn't answer within ${READY_WITHIN_MS / 1000} s`, refusal);
}

// After every start: the first one may have been killed between making the cluster and this.
async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // Lost connections also fail the query that waits; unheard here, they would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const found = await client.query("select 1 from pg_database where datname = 'atos'");
    if (found.rowCount === 0) await client.query("create database atos");
  } finally {
    await client.end();
  }
}

function isNotYet(error: unknown): boolean {
  return error instanceof Error && "code" in error && NOT_YET.includes(String(error.code));
}
