import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { usageError } from "../base/errors.ts";

/** Changes when a build's steps change so that an unfinished build of an older ATOS could not be replayed. */
export const WORKFLOW_VERSION = "atos-build-1";
export const BUILD_QUEUE = "builds";
export const BUILD_WORKFLOW = "build";
const APPLICATION = "atos";
const MAX_BUILDS_AT_ONCE = 4;
const POLL_MS = 100;

export type DurableEngineOptions = {
  readonly databaseUrl: string;
  /** Unique among the workers of one database, and the same after a restart: it owns the builds it began. */
  readonly executorId: string;
  readonly build: (buildId: string) => Promise<void>;
};

/** Launches DBOS: builds that a crash cut off go on at once, queued ones as places get free. */
export async function launchDurableEngine(options: DurableEngineOptions): Promise<AsyncDisposable> {
  DBOS.setConfig({
    name: APPLICATION,
    systemDatabaseUrl: options.databaseUrl,
    executorID: options.executorId,
    applicationVersion: WORKFLOW_VERSION,
    logLevel: "warn",
    tracingEnabled: false,
    // DBOS sets it by a query of its own on each new connection, which pg 8.23 warns of.
    systemDatabaseIdleTransactionTimeoutMs: 0,
  });
  DBOS.registerWorkflow(options.build, { name: BUILD_WORKFLOW });
  await DBOS.launch();
  await DBOS.registerQueue(BUILD_QUEUE, {
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

/** Asks for builds to be run, stopped and run on, from outside the worker or beside a running build. */
export class BuildQueue implements AsyncDisposable {
  readonly #client: DBOSClient;

  private constructor(client: DBOSClient) {
    this.#client = client;
  }

  static async open(databaseUrl: string): Promise<BuildQueue> {
    return new BuildQueue(
      await DBOSClient.create({
        systemDatabaseUrl: databaseUrl,
        applicationName: APPLICATION,
        systemDatabasePoolSize: 2,
        systemDatabaseIdleTransactionTimeoutMs: 0,
      }),
    );
  }

  /** Queues a build; the same id twice is queued once. */
  async enqueue(buildId: string): Promise<void> {
    await this.#client.enqueue(
      { workflowName: BUILD_WORKFLOW, queueName: BUILD_QUEUE, workflowID: buildId, appVersion: WORKFLOW_VERSION },
      buildId,
    );
  }

  /** Ends the workflow's claim to go on, without an outcome; {@link goOn} gives it back. */
  async stop(buildId: string): Promise<void> {
    await this.#client.cancelWorkflow(buildId);
  }

  /** Queues a stopped build again: recorded steps are not repeated. A build that is queued or running is left alone. */
  async goOn(buildId: string): Promise<void> {
    const status = await this.#client.retrieveWorkflow(buildId).getStatus();
    if (status === null) return this.enqueue(buildId);
    const { applicationVersion = WORKFLOW_VERSION } = status;
    if (applicationVersion !== WORKFLOW_VERSION) {
      throw usageError(
        "journal/other-version",
        `build ${buildId} was begun by another version of ATOS (${applicationVersion}; this one is ${WORKFLOW_VERSION}). Go on with that version, or end it: atos cancel ${buildId}`,
      );
    }
    if (["ENQUEUED", "DELAYED", "PENDING", "SUCCESS"].includes(status.status)) return;
    await this.#client.resumeWorkflow(buildId, { queueName: BUILD_QUEUE });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }
}
