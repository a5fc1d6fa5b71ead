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
import { type Db, jsonText, type Tables } from "../store/database.ts";

const NAME = "atos-journal";

/** What was found, and the events that tell of it, for one build's trail. */
export type Told<T> = {
  readonly result: T;
  readonly buildId: string;
  readonly at: Date;
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
};

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
  readonly #telling = new AsyncLocalStorage<() => Promise<Told<unknown>>>();

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

  /**
   * Records what `run` found together with events that tell of it, in one statement: for what changes nothing, and
   * happens often. Who has meanwhile lost the workflow to another finds the other's record, or leaves one that is
   * as good. A replay does not run it.
   */
  told<T>(name: string, run: () => Promise<Told<T>>): Promise<T> {
    const never = (): Promise<T> => Promise.reject(new Error(`${name} ran as a transaction`));
    return this.#telling.run(run, () => runTransaction(never, name, { dsName: NAME }));
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
    const tell = this.#telling.getStore();
    if (tell !== undefined) {
      const told = await this.#telling.exit(tell);
      return replayRecordedStep<Return>(await this.#recordTold({ workflowId, stepId }, told));
    }
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

  async #recordTold(
    { workflowId, stepId }: { readonly workflowId: string; readonly stepId: number },
    { result, buildId, at, events }: Told<unknown>,
  ): Promise<Recorded> {
    const output = superjson.stringify(result);
    const types = events.map(({ type }) => type);
    const texts = events.map(({ data }) => jsonText(data));
    const inserted = await sql`
      with done as (
        insert into dbos.transaction_completion (workflow_id, function_num, output)
        values (${workflowId}, ${stepId}, ${output}) on conflict do nothing returning 1
      )
      select atos.append_events(${buildId}, ${at}, ${types}::text[], ${texts}::text[]) from done`.execute(this.#db);
    if (inserted.rows.length > 0) return { output, error: null };
    const winner = await this.#recorded(workflowId, stepId);
    if (winner === undefined) throw new Error(`step ${stepId} of ${workflowId} is recorded and was not found`);
    return winner;
  }

  async #recorded(workflowId: string, stepId: number): Promise<Recorded | undefined> {
    const found = await sql<Recorded>`
      select output, error from dbos.transaction_completion
      where workflow_id = ${workflowId} and function_num = ${stepId}`.execute(this.#db);
    return found.rows[0];
  }
}
