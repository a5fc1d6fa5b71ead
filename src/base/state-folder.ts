import { join } from "node:path";
import { usageError } from "./errors.ts";

/** Where one installation of ATOS keeps what it knows; all paths absolute. */
export type StateFolder = {
  readonly root: string;
  readonly lock: string;
  /** Tells clients how to reach the worker. */
  readonly workerFile: string;
  readonly workerLog: string;
  /** Names this installation in a database that it may share with others. */
  readonly workerId: string;
  readonly postgres: string;
  readonly workspaces: string;
  readonly scratch: string;
  readonly models: string;
  /** What `atos models probe` found out. */
  readonly probes: string;
  /** Notes of agents. */
  readonly notes: string;
  /** Packages that agents had installed. */
  readonly packages: string;
  /** What the pool has learned of models on this machine. */
  readonly poolFacts: string;
  /** Prompt caches of models that left memory for a while. */
  readonly poolCaches: string;
};

export type Machine = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly home: string;
};

/** `ATOS_HOME`, else the platform's folder for programs' data. */
export function stateFolder({ env, platform, home }: Machine): StateFolder {
  const root = env["ATOS_HOME"] ?? defaultRoot(env, platform, home);
  if (!root.startsWith("/"))
    throw usageError("base/home-not-absolute", `ATOS_HOME must be an absolute path, not ${JSON.stringify(root)}`);
  return {
    root,
    lock: join(root, "worker.lock"),
    workerFile: join(root, "worker.json"),
    workerLog: join(root, "worker.log"),
    workerId: join(root, "worker-id"),
    postgres: join(root, "postgres"),
    workspaces: join(root, "workspaces.git"),
    scratch: join(root, "scratch"),
    models: join(root, "models"),
    probes: join(root, "probes"),
    notes: join(root, "notes"),
    packages: join(root, "packages"),
    poolFacts: join(root, "pool.json"),
    poolCaches: join(root, "pool-caches"),
  };
}

function defaultRoot(env: Machine["env"], platform: string, home: string): string {
  if (platform === "darwin") return join(home, "Library", "Application Support", "atos");
  return join(env["XDG_DATA_HOME"] || join(home, ".local", "share"), "atos");
}
