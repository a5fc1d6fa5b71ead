import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";

const BUILD_WORKFLOW = "build";
const APPLICATION = "atos";
/** Most wait: for a model, which the pool lends, or for a person. */
const MAX_BUILDS_AT_ONCE = 128;
const POLL_MS = 100;

export type DurableEngineOptions = {
  readonly databaseUrl: string;
  /** Unique among the workers of one database, and the same after a restart: it owns the builds it began. */
  readonly workerId: string;
  /** Of the build workflow; the engine runs those of its own version only. */
  readonly version: string;
  readonly build: (buildId: string) => Promise<void>;
};

/** Each worker has a queue of its own: a build's folder, model files and keys are on one machine only. */
function queueOf(workerId: string): string {
  return `builds-${workerId}`;
}

/**
 * Launches DBOS: builds that a crash cut off begin again from their top at once, queued ones as places get free. The
 * engine records no steps: what is done is found in the effect ledger.
 */
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
   * Queues a build that is new, or stopped: it runs from its top. One that is queued or running is left alone. False when its workflow has ended and can't go on.
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
