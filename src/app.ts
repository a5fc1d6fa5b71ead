import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import type { StateFolder } from "./base/state-folder.ts";
import { AtosError, EXIT, messageOf, missingError } from "./base/errors.ts";
import { Turnstile } from "./base/turnstile.ts";
import { identifyGguf } from "./engine/gguf/gguf-identity.ts";
import type { ModelIdentity, ModelSource } from "./engine/model.ts";
import { readApiKey } from "./engine/server/server-key.ts";
import { listServerModels } from "./engine/server/server-models.ts";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "./journal/durable-engine.ts";
import { Workspaces } from "./journal/workspaces.ts";
import type { ModelPool } from "./pool/model-pool.ts";
import { openPool } from "./pool/open-pool.ts";
import { PoolDesk } from "./pool/pool-desk.ts";
import { openOnce } from "./sandbox/open-once.ts";
import type { SandboxChoice } from "./sandbox/open-sandbox.ts";
import { type Db, openDatabase } from "./store/database.ts";
import { startEmbeddedPostgres } from "./store/embedded-postgres.ts";
import { takeFileLock } from "./store/file-lock.ts";
import { migrate } from "./store/migrate.ts";
import { socketDirectory } from "./store/socket-directory.ts";
import { BuildControl } from "./workflows/build-control.ts";
import type { BuildDeps } from "./workflows/build-deps.ts";
import { WORKFLOW_VERSION } from "./workflows/build-request.ts";
import type { ToolDeps } from "./workflows/open-tools.ts";
import { redactorOf } from "./tools/gate/redact.ts";
import { secretsOf } from "./tools/gate/secrets-of.ts";
import { noticesOf } from "./workflows/tell-webhook.ts";
import { CLIENT_NAME, PROGRESS_CHANNEL } from "./workflows/watch.ts";

export type WorkerOptions = {
  readonly folder: StateFolder;
  /** A Postgres server to use in place of the embedded one. */
  readonly databaseUrl: string | undefined;
  readonly idleMs: number;
  /** What the models may take together of the main memory; undefined: all that is free less the reserve. */
  readonly budgetBytes: number | undefined;
  /** After waiting so long for its model, a turn goes before all others. */
  readonly maxWaitMs: number;
  readonly sandbox: SandboxChoice;
  /** For agents that act with tools. */
  readonly tools: Pick<ToolDeps, "configDirectory" | "approvals" | "external"> & {
    /** Addresses of package registries; undefined: the public ones. */
    readonly registries: { readonly npm: string | undefined; readonly pip: string | undefined };
  };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * A worker that is up. `ended` settles when it was idle for long enough, or when it can't record anything any
 * more: its database went away or its disk is full.
 */
export type Worker = AsyncDisposable & {
  readonly databaseUrl: string;
  readonly workerId: string;
  readonly ended: Promise<"idle" | "database-gone" | "disk-full">;
};

const TICK_MS = 150;
const PROGRESS_MS = 200;
const LOCK_TRIES = 20;
/** With less than this a database soon fails in the middle of something, and what fails can't be recorded. */
const MIN_FREE_BYTES = 1 << 20;

/**
 * Starts this state folder's worker: the one process that launches the durable engine, owns the
 * models and is the parent of the embedded Postgres. Undefined when another one is running.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker | undefined> {
  const { folder } = options;
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
  if (await isDiskFull(folder.root)) {
    throw missingError(
      "app/disk-full",
      `the disk that holds ${folder.root} is full. Make room, at least 200 MiB; unfinished builds are kept and go on by: atos resume`,
    );
  }
  await using stack = new AsyncDisposableStack();
  const lock = await waitForLock(folder.lock);
  if (lock === undefined) return undefined;
  stack.use(lock);
  const { url, gone } = await openPostgres(options, stack);
  const db = stack.use(openDatabase(url));
  await migrate(db);
  // Checkouts that a crash left behind.
  await rm(folder.scratch, { recursive: true, force: true });
  await mkdir(folder.scratch, { recursive: true, mode: 0o700 });

  await migrateDurableEngine(url);
  const engine = { databaseUrl: url, workerId: await readWorkerId(folder.workerId), version: WORKFLOW_VERSION };
  const queue = stack.use(await BuildQueue.open(engine));
  const desk = new PoolDesk({ db, worker: engine.workerId, now: () => new Date() });
  await desk.clear();
  const deps = await openDeps(options, { db, desk }, stack);
  const lost = Promise.withResolvers<"database-gone">();
  const onLost = (): void => lost.resolve("database-gone");
  const control = new BuildControl(deps, queue, { workerId: engine.workerId, onLost });
  stack.use(await launchDurableEngine({ ...engine, build: (id) => control.run(id) }));

  const stop = new AbortController();
  const serve = (): Promise<void> => desk.serve(deps.pool);
  const idle = tickUntilIdle({ db, control, serve, root: folder.root, idleMs: options.idleMs }, stop.signal);
  const ended = Promise.race([idle, lost.promise, gone.then(() => "database-gone" as const)]);
  const owned = stack.move();
  return {
    databaseUrl: url,
    workerId: engine.workerId,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await desk.clear().catch(() => {});
      await owned.disposeAsync();
    },
  };
}

/** Made once and kept: a name drawn from the machine would change with its host name and strand what it began. */
async function readWorkerId(file: string): Promise<string> {
  const known = await readFile(file, "utf8").catch(() => "");
  if (/^[0-9a-f]{16}$/.test(known.trim())) return known.trim();
  const made = randomBytes(8).toString("hex");
  await writeFile(file, `${made}\n`, { mode: 0o600 });
  return made;
}

async function waitForLock(path: string): Promise<Disposable | undefined> {
  for (let attempt = 0; attempt < LOCK_TRIES; attempt++) {
    const lock = lockOf(path);
    if (lock !== undefined) return lock;
    // The holder may be on its way out.
    await setTimeout(TICK_MS);
  }
  return undefined;
}

function lockOf(path: string): Disposable | undefined {
  try {
    return takeFileLock(path);
  } catch (error) {
    throw missingError(
      "app/state-folder",
      `the state folder ${dirname(path)} can't be used: ${messageOf(error)}. Make room there, or set ATOS_HOME to a folder that can be written`,
      error,
    );
  }
}

async function openPostgres(
  options: WorkerOptions,
  stack: AsyncDisposableStack,
): Promise<{ url: string; gone: Promise<unknown> }> {
  if (options.databaseUrl !== undefined) {
    await requireDatabase(options.databaseUrl);
    return { url: options.databaseUrl, gone: new Promise(() => {}) };
  }
  const { postgres, root } = options.folder;
  const sockets = socketDirectory(root);
  stack.defer(() => rm(sockets, { recursive: true, force: true }));
  const server = stack.use(await startEmbeddedPostgres({ dataDirectory: postgres, socketDirectory: sockets }));
  return { url: server.url, gone: server.exited };
}

async function requireDatabase(url: string): Promise<void> {
  await using db = openDatabase(url);
  await sql`select 1`.execute(db).catch((error: unknown) => {
    // The address itself may hold a password.
    throw missingError(
      "app/no-database",
      `the database in DATABASE_URL can't be used: ${messageOf(error)}. Start it or correct the address, or unset DATABASE_URL to use the built-in one`,
      error,
    );
  });
}

async function openDeps(
  options: WorkerOptions,
  { db, desk }: { readonly db: Db; readonly desk: PoolDesk },
  stack: AsyncDisposableStack,
): Promise<Omit<BuildDeps, "report"> & { readonly pool: ModelPool }> {
  const { folder, env, budgetBytes, maxWaitMs } = options;
  const now = (): Date => new Date();
  const nowMs = (): number => performance.now();
  const places = { factsFile: folder.poolFacts, cachesFolder: folder.poolCaches };
  const onChange = (): void => desk.noteChange();
  const pool = stack.use(
    await openPool({ ...places, budgetBytes, maxWaitMs, env, onChange }, new AbortController().signal),
  );
  const working = {
    workspaces: await Workspaces.open(folder.workspaces),
    scratchDirectory: folder.scratch,
    openSandbox: openOnce(options.sandbox),
    checks: new Turnstile(availableParallelism()),
  };
  return {
    journal: { db, now },
    pool,
    progress: progressSender(db, nowMs),
    nowMs,
    ...working,
    openTools: toolsOpener(options, working),
    ...noticesOf(options.tools.approvals, { now, redactor: redactorOf(secretsOf(env)) }),
    identify: (source) => identify(source, env),
  };
}

function toolsOpener(
  { folder, env, tools }: WorkerOptions,
  working: Pick<ToolDeps, "workspaces" | "scratchDirectory" | "openSandbox" | "checks">,
): BuildDeps["openTools"] {
  const { notes: notesFolder, packages: packagesFolder, probes: probesFolder } = folder;
  return async (request, signal) => {
    // Loaded only now: most builds need no tools, and a worker starts without the libraries behind them.
    const { openTools } = await import("./workflows/open-tools.ts");
    const { namedRegistries } = await import("./tools/servers/packages/registries.ts");
    const registries = namedRegistries(tools.registries);
    return openTools(
      { ...working, ...tools, registries, notesFolder, packagesFolder, probesFolder, env },
      request,
      signal,
    );
  };
}

async function identify(source: ModelSource, env: WorkerOptions["env"]): Promise<ModelIdentity> {
  if (source.kind === "openai") {
    const apiKey = await readApiKey(source, env);
    await listServerModels(source.baseUrl, { apiKey }).catch((error: unknown) => {
      // Not every server can list its models, and one that answers at all is there.
      if (error instanceof AtosError && error.exitCode === EXIT.failed) return;
      throw error;
    });
    return { id: source.id, source: `${source.baseUrl}#${source.model}` };
  }
  const identity = await identifyGguf(source.path);
  // Loaded only now: the library behind it is large, and a worker starts without it.
  const { checkGgufStructure } = await import("./engine/gguf/gguf-structure.ts");
  await checkGgufStructure(source.path);
  // The file's name says enough; a receipt goes to others, and the path is the person's own.
  return { ...identity, id: source.id, source: basename(source.path) };
}

/** Tells watching clients how far a turn is, a few times a second; lost notices are never missed. */
function progressSender(db: Db, nowMs: () => number): BuildDeps["progress"] {
  let last = 0;
  return (progress) => {
    if (nowMs() - last < PROGRESS_MS) return;
    last = nowMs();
    sql`select pg_notify(${PROGRESS_CHANNEL}, ${JSON.stringify(progress)})`.execute(db).catch(() => {});
  };
}

async function tickUntilIdle(
  worker: { db: Db; control: BuildControl; serve: () => Promise<void>; root: string; idleMs: number },
  signal: AbortSignal,
): Promise<"idle" | "disk-full"> {
  let busyAt = performance.now();
  while (!signal.aborted && performance.now() - busyAt < worker.idleMs) {
    await setTimeout(TICK_MS);
    if (await isDiskFull(worker.root)) return "disk-full";
    // A database that does not answer is waited for; when it is the embedded one, its end is the worker's.
    const busy = await isBusy(worker).catch(() => true);
    if (busy) busyAt = performance.now();
  }
  return "idle";
}

async function isDiskFull(root: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize < MIN_FREE_BYTES;
}

async function isBusy({
  db,
  control,
  serve,
}: {
  db: Db;
  control: BuildControl;
  serve: () => Promise<void>;
}): Promise<boolean> {
  await serve();
  if (await control.tick()) return true;
  const clients = await sql`
    select 1 from pg_stat_activity
    where application_name = ${CLIENT_NAME} and datname = current_database() limit 1`.execute(db);
  return clients.rows.length > 0;
}
