import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { AtosError, messageOf, usageError } from "../base/errors.ts";
import { type Database, openDatabase } from "../store/database.ts";
import { takeFileLock } from "../store/file-lock.ts";
import { CLIENT_NAME } from "../workflows/watch.ts";
import { bytesText } from "./bytes-text.ts";
import { type CommandContext, settingsOf } from "./context.ts";
import { readWorkerFile, type WorkerFile } from "./worker-file.ts";
import { VERSION } from "./version.ts";
import { type WorkerMessage, workerMessageSchema } from "./worker-message.ts";

/** A client's way to the worker. Its open connection keeps the worker from going idle, but for a watcher's. */
export type Connection = AsyncDisposable & {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly workerId: string;
};

/** Of connections that only look: a worker does not stay for them. */
const WATCHER_NAME = "atos-watcher";
const MAX_TRIES = 8;
const BETWEEN_TRIES_MS = 500;
const START_MS = 120_000;

/**
 * Connects to this state folder's worker, and starts one first when none runs.
 *
 * @throws {AtosError} `cli/other-worker` when the one that runs is of another version, database or budget; else what
 *   kept the worker from starting, in its own words and with its exit code.
 */
export async function connect(context: CommandContext, note: (text: string) => void): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    const file = (await runningWorker(context)) ?? (await startOne(context, note));
    if (file !== undefined) return openConnection(file, CLIENT_NAME);
    if (attempt === MAX_TRIES)
      throw new AtosError(
        "cli/no-worker",
        `no worker could be reached or started; its log is ${context.folder.workerLog}`,
      );
    await setTimeout(BETWEEN_TRIES_MS);
  }
}

/**
 * Connects to this state folder's worker if one runs, and starts none. Whoever only `watches` does not keep it
 * from going idle.
 *
 * @throws {AtosError} `cli/other-worker`, as `connect`
 */
export async function connectRunning(
  context: CommandContext,
  { watches }: { readonly watches: boolean },
): Promise<Connection | undefined> {
  const name = watches ? WATCHER_NAME : CLIENT_NAME;
  const file = await runningWorker(context, name);
  return file === undefined ? undefined : openConnection(file, name);
}

function openConnection({ databaseUrl, workerId }: WorkerFile, name: string): Connection {
  const url = withName(databaseUrl, name);
  const db = openDatabase(url);
  return { db, databaseUrl: url, workerId, [Symbol.asyncDispose]: () => db.destroy() };
}

function withName(databaseUrl: string, name: string): string {
  return `${databaseUrl}${databaseUrl.includes("?") ? "&" : "?"}application_name=${name}`;
}

/** The worker that answers, if there is one: it holds its lock and its database lets us in. */
async function runningWorker(context: CommandContext, name: string = CLIENT_NAME): Promise<WorkerFile | undefined> {
  const file = await readWorkerFile(context.folder.workerFile);
  if (file === undefined || !isHeld(context.folder.lock)) return undefined;
  refuseOther(file, context);
  const client = new Client({ connectionString: withName(file.databaseUrl, name), connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return file;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A process id may be another's by now; a lock is held by a living process only. */
function isHeld(lock: string): boolean {
  try {
    const taken = takeFileLock(lock);
    taken?.[Symbol.dispose]();
    return taken === undefined;
  } catch {
    return false;
  }
}

function refuseOther(file: WorkerFile, context: CommandContext): void {
  const { pid, databaseUrl, givenDatabase, version, budgetBytes } = file;
  const end = `It ends by itself when it is idle; to end it now: kill ${pid}`;
  if (version !== VERSION) {
    throw usageError("cli/other-worker", `a worker of ATOS ${version} is running, and this is ${VERSION}. ${end}`);
  }
  if ((givenDatabase ? databaseUrl : undefined) !== context.databaseUrl) {
    const other = givenDatabase ? "another DATABASE_URL" : "its embedded database";
    throw usageError("cli/other-worker", `a worker is running on ${other}, not on what DATABASE_URL says now. ${end}`);
  }
  const { budget } = context;
  if (budget !== undefined && budget.bytes !== budgetBytes) {
    const other = budgetBytes === undefined ? "without a budget" : `with a budget of ${bytesText(budgetBytes)}`;
    throw usageError(
      "cli/other-worker",
      `a worker ${other} is running, and the budget given (--budget, ATOS_BUDGET or a settings file) is ${budget.text}. Go along with it by giving none. ${end}, which pauses its builds`,
    );
  }
}

async function startOne(context: CommandContext, note: (text: string) => void): Promise<WorkerFile | undefined> {
  const { folder, env } = context;
  // The settings file of this workspace is not the worker's, which runs in the state folder: the budget is handed over.
  const given = context.budget ?? (await settingsOf(context)).budget;
  // A worker that ended in order took its file along. Builds of one that did not go on as they began.
  const before = await readWorkerFile(folder.workerFile);
  const left = given === undefined ? before?.budgetBytes : undefined;
  const budget = given ?? (left === undefined ? undefined : { text: `${left / 2 ** 20}mib` });
  // One that is only ending, or not ready yet, holds its lock.
  const isDead = before !== undefined && !isHeld(folder.lock);
  note(isDead ? "the worker died; starting another, which goes on with its builds …" : "starting the worker …");
  if (left !== undefined) note(`it keeps the budget of ${bytesText(left)} that the other one had`);
  let log: number;
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    log = openSync(folder.workerLog, "a", 0o600);
  } catch (cause) {
    throw new AtosError(
      "cli/state-folder",
      `the state folder ${folder.root} can't be used: ${messageOf(cause)}. Set ATOS_HOME to a folder that can be written`,
      { cause, exitCode: 3 },
    );
  }
  const entry = fileURLToPath(new URL("../../bin/atos.js", import.meta.url));
  const child = spawn(process.execPath, [entry, "worker", ...(budget === undefined ? [] : ["--budget", budget.text])], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: { ...env },
    cwd: folder.root,
  });
  closeSync(log);
  const message = await firstMessage(child);
  child.unref();
  if (message.kind === "failed") throw new AtosError(message.code, message.message, { exitCode: message.exitCode });
  // Another client was quicker: its worker is about to be ready.
  return readyFile(context);
}

async function readyFile(context: CommandContext): Promise<WorkerFile | undefined> {
  for (let waited = 0; waited < START_MS; waited += BETWEEN_TRIES_MS) {
    const file = await runningWorker(context);
    if (file !== undefined) return file;
    await setTimeout(BETWEEN_TRIES_MS);
    // The other worker ended before it was ready: time to start one.
    if (waited > 10_000 && (await readWorkerFile(context.folder.workerFile)) === undefined) return undefined;
  }
  return undefined;
}

function firstMessage(child: ChildProcess): Promise<WorkerMessage> {
  return new Promise((resolve, reject) => {
    const late = globalThis.setTimeout(
      () => reject(new AtosError("cli/no-worker", `the worker was not ready after ${START_MS / 1000} s`)),
      START_MS,
    );
    child.once("message", (message) => {
      clearTimeout(late);
      resolve(workerMessageSchema.parse(message));
    });
    child.once("error", (cause) => {
      clearTimeout(late);
      reject(new AtosError("cli/no-worker", `the worker could not be started: ${cause.message}`, { cause }));
    });
    child.once("exit", (code, signal) => {
      clearTimeout(late);
      reject(new AtosError("cli/no-worker", `the worker ended before it was ready (${signal ?? `exit ${code}`})`));
    });
  });
}
