import { AsyncLocalStorage } from "node:async_hooks";
import { DBOS } from "@dbos-inc/dbos-sdk";
import {
  assertStillOwnsWorkflow,
  type DataSourceTransactionHandler,
  DBOSStepAlreadyRecordedError,
  initializeDataSourceSchemaPG,
  registerDataSource,
  replayRecordedStep,
  runTransaction,
} from "@dbos-inc/dbos-sdk/datasource";
import { sql, type Transaction } from "kysely";
import superjson from "superjson";
import type { Db, Tables } from "../store/database.ts";

const NAME = "atos-journal";

type Recorded = { readonly output: string | null; readonly error: string | null };

/**
 * Lets a workflow change ATOS's tables and record that it did in one Postgres transaction, so
 * that no crash can come between the two. A plain DBOS step can't: its record is a transaction
 * of its own.
 */
export class JournalDataSource implements DataSourceTransactionHandler {
  readonly name = NAME;
  readonly #db: Db;
  readonly #current = new AsyncLocalStorage<Transaction<Tables>>();
  readonly #preparing = new AsyncLocalStorage<() => Promise<void>>();

  constructor(db: Db) {
    this.#db = db;
    registerDataSource(this);
  }

  /** Runs `work` once for this place in the workflow; a replay returns what was recorded. */
  transaction<T>(name: string, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    const inTransaction = async (): Promise<T> => {
      const trx = this.#current.getStore();
      if (trx === undefined) throw new Error(`${name} ran outside its transaction`);
      return work(trx);
    };
    return runTransaction(inTransaction, name, { dsName: NAME });
  }

  /**
   * As {@link transaction}, with work that comes first and takes its time: no connection is held while `prepare` runs.
   * A replay runs neither.
   */
  prepared<P, T>(
    name: string,
    prepare: () => Promise<P>,
    work: (trx: Transaction<Tables>, prepared: P) => Promise<T>,
  ): Promise<T> {
    let done: { readonly value: P } | undefined;
    const first = async (): Promise<void> => {
      done = { value: await prepare() };
    };
    return this.#preparing.run(first, () =>
      this.transaction(name, (trx) => {
        if (done === undefined) throw new Error(`${name} was not prepared`);
        return work(trx, done.value);
      }),
    );
  }

  async initialize(): Promise<void> {
    await this.#db.transaction().execute(async (trx) => {
      await initializeDataSourceSchemaPG(async (text) => {
        const result = await sql.raw<Record<string, unknown>>(text).execute(trx);
        return result.rows;
      });
    });
  }

  /** The connection pool belongs to whoever opened the database. */
  async destroy(): Promise<void> {}

  // DBOS prescribes the parameters.
  // oxlint-disable-next-line max-params
  async invokeTransactionFunction<This, Args extends unknown[], Return>(
    _config: unknown,
    target: This,
    func: (this: This, ...args: Args) => Promise<Return>,
    ...args: Args
  ): Promise<Return> {
    const workflowId = DBOS.workflowID;
    const stepId = DBOS.stepID;
    if (workflowId === undefined || stepId === undefined) throw new Error("a journal transaction needs a workflow");
    const earlier = await this.#recorded(workflowId, stepId);
    if (earlier !== undefined) return replayRecordedStep<Return>(earlier);
    const prepare = this.#preparing.getStore();
    // Not to be seen by what it calls itself.
    if (prepare !== undefined) await this.#preparing.exit(prepare);
    try {
      return await this.#db.transaction().execute(async (trx) => {
        const result = await this.#current.run(trx, () => func.call(target, ...args));
        const inserted = await sql`
          insert into dbos.transaction_completion (workflow_id, function_num, output)
          values (${workflowId}, ${stepId}, ${superjson.stringify(result)})
          on conflict do nothing returning 1`.execute(trx);
        if (inserted.rows.length === 0) throw new DBOSStepAlreadyRecordedError(workflowId, stepId);
        await assertStillOwnsWorkflow(workflowId);
        return result;
      });
    } catch (error) {
      if (!(error instanceof DBOSStepAlreadyRecordedError)) throw error;
      const winner = await this.#recorded(workflowId, stepId);
      if (winner === undefined) throw error;
      return replayRecordedStep<Return>(winner);
    }
  }

  async #recorded(workflowId: string, stepId: number): Promise<Recorded | undefined> {
    const found = await sql<Recorded>`
      select output, error from dbos.transaction_completion
      where workflow_id = ${workflowId} and function_num = ${stepId}`.execute(this.#db);
    return found.rows[0];
  }
}
