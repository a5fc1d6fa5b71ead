import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { sql } from "kysely";
import type { Db } from "../store/database.ts";

const BUILD_WORKFLOW = "build";
const APPLICATION = "atos";
/** Most wait: for a model, which the pool lends, or for a person. */
const MAX_BUILDS_AT_ONCE = 64;
const POLL_MS = 100;

export type DurableEngineOptions = {
  readonly databaseUrl: string;
  /** Unique among the workers of one database, and the same after a restart: it owns the builds it began. */
  readonly workerId: string;
  /** Of the build workflow; a recorded build of another version can't be replayed. */
  readonly version: string;
  readonly build: (buildId: string) => Promise<void>;
};

/** Each worker has a queue of its own: a build's folder, model files and keys are on one machine only. */
function queueOf(workerId: string): string {
  return `builds-${workerId}`;
}

/** Launches DBOS: builds that a crash cut off go on at once, queued ones as places get free. */
export async function launchDurableEngine(options: DurableEngineOptions): Promise<AsyncDisposable> {
  DBOS.setConfig({
    name: APPLICATION,
    systemDatabaseUrl: options.databaseUrl,
    executorID: options.workerId,
    applicationVersion: options.version,
    listenQueues: [queueOf(options.workerId)],
    logLevel: "warn",
    tracingEnabled: false,
    // DBOS sets it by a query of its own on each new connection, which pg 8.23 warns of.
    systemDatabaseIdleTransactionTimeoutMs: 0,
  });
  DBOS.registerWorkflow(options.build, { name: BUILD_WORKFLOW });
  await DBOS.launch();
  await DBOS.registerQueue(queueOf(options.workerId), {
    workerConcurrency: MAX_BUILDS_AT_ONCE,
    minPollingIntervalMs: POLL_MS,
    onConflict: "always_update",
  });
  return { [Symbol.asyncDispose]: () => DBOS.shutdown() };
}

/** Brings the durable engine's own tables up to date; safe to call from several processes. */
export function migrateDurableEngine(databaseUrl: string): Promise<void> {
  return DBOS.migrate(databaseUrl);
}

/**
 * The engine records what a step throws as its outcome, and a replay throws it again. In ATOS no step's error is
 * an outcome (those are values): a database's bad moment must not be what a build says for ever.
 */
export async function forgetRecordedErrors(db: Db, buildId: string): Promise<void> {
  await sql`delete from dbos.operation_outputs where workflow_uuid = ${buildId} and error is not null`.execute(db);
}

/** Asks for builds to be run, stopped and run on, beside the workflows themselves. */
export class BuildQueue implements AsyncDisposable {
  readonly #client: DBOSClient;
  readonly #queueName: string;
  readonly #version: string;

  private constructor(client: DBOSClient, { workerId, version }: { workerId: string; version: string }) {
    this.#client = client;
    this.#queueName = queueOf(workerId);
    this.#version = version;
  }

  static async open(options: Omit<DurableEngineOptions, "build">): Promise<BuildQueue> {
    const client = await DBOSClient.create({
      systemDatabaseUrl: options.databaseUrl,
      applicationName: APPLICATION,
      systemDatabasePoolSize: 2,
      systemDatabaseIdleTransactionTimeoutMs: 0,
    });
    return new BuildQueue(client, options);
  }

  /** Ends the workflow's claim to go on, without an outcome; {@link goOn} gives it back. */
  async stop(buildId: string): Promise<void> {
    await this.#client.cancelWorkflow(buildId);
  }

  /**
   * Queues a build that is new, or stopped: recorded steps are not repeated. One that is queued or running is
   * left alone. False when its workflow has ended and can't go on.
   */
  async goOn(buildId: string): Promise<boolean> {
    const status = await this.#client.retrieveWorkflow(buildId).getStatus();
    if (status === null) {
      const workflow = {
        workflowName: BUILD_WORKFLOW,
        queueName: this.#queueName,
        workflowID: buildId,
        appVersion: this.#version,
      };
      await this.#client.enqueue(workflow, buildId);
      return true;
    }
    if (["SUCCESS", "ERROR"].includes(status.status)) return false;
    if (["ENQUEUED", "DELAYED", "PENDING"].includes(status.status)) return true;
    await this.#client.resumeWorkflow(buildId, { queueName: this.#queueName });
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }
}
