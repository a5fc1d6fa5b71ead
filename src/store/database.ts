import { type ColumnType, Kysely } from "kysely";
import { Pool } from "pg";
import { preparedDialect } from "./prepared-dialect.ts";

/** Any JSON value: written as its text, read as a parsed value. */
type Json = ColumnType<unknown, string, string>;

export type Tables = {
  "atos.builds": {
    readonly id: string;
    readonly goal: string;
    state: string;
    readonly request: ColumnType<unknown, string, never>;
    wish: string | null;
    run: ColumnType<number, number | undefined, number>;
    readonly worker: string;
    readonly out_directory: string;
    result: ColumnType<unknown, string | null, string>;
    readonly forked_from: ColumnType<string | null, string | null | undefined, never>;
    readonly forked_step: ColumnType<string | null, string | null | undefined, never>;
    readonly evaluation: boolean;
    readonly created_at: Date;
    updated_at: Date;
  };
  "atos.tasks": {
    readonly build_id: string;
    readonly id: string;
    readonly position: number;
    readonly tier: string;
    state: string;
    readonly files: Json;
    readonly after: Json;
    readonly description: string;
    readonly covers: ColumnType<unknown, string | undefined, never>;
    readonly kind: ColumnType<string, string | undefined, never>;
    model: string | null;
    updated_at: Date;
  };
  "atos.task_results": {
    readonly build_id: string;
    readonly task: string;
    readonly tier: string;
    readonly worker: string;
    readonly model: string;
    readonly kind: string;
    readonly size: number;
    readonly green: boolean;
    readonly samples: number;
    readonly rounds: number;
    readonly at: Date;
  };
  "atos.effects": {
    readonly id: string;
    readonly build_id: string;
    readonly kind: string;
    readonly name: string;
    readonly task: string;
    readonly input_hash: string;
    state: string;
    attempts: ColumnType<number, number | undefined, number>;
    result: ColumnType<unknown, string | null | undefined, string>;
    readonly reserved_at: Date;
    finished_at: Date | null;
    readonly tree_before: string | null;
    tree_after: string | null;
  };
  /** Written by `atos.append_events` alone, which numbers and chains them. */
  "atos.events": {
    readonly build_id: string;
    readonly seq: number;
    readonly at: Date;
    readonly type: string;
    readonly data: Json;
    readonly hash: Buffer;
  };
  "atos.approvals": {
    readonly id: string;
    readonly build_id: string;
    readonly task: string;
    readonly call_id: string;
    readonly tool: string;
    readonly shown: Json;
    readonly hash: string;
    state: string;
    asked_at: Date;
    expires_at: Date;
    answered_at: Date | null;
    answered_by: string | null;
    reason: string | null;
    answer: ColumnType<unknown, string | null | undefined, string | null>;
  };
  "atos.pool_status": { readonly worker: string; at: Date; status: Json };
  "atos.pool_wishes": {
    readonly id: string;
    readonly worker: string;
    readonly model: string | null;
    readonly asked_at: Date;
    done_at: Date | null;
    answer: ColumnType<unknown, string | null, string>;
  };
  "atos.migrations": { readonly name: string; readonly sha256: string };
};

/** Where a query runs: the whole database, or one transaction of it. */
export type Db = Kysely<Tables>;

/** A database whose connections the holder must give back. */
export type Database = Db & AsyncDisposable;

/**
 * Opens a pool of at most ten connections; none is made before the first query.
 *
 * A server that goes away fails the queries in flight, never the process: the next query connects anew.
 */
export function openDatabase(url: string): Database {
  const pool = new Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 10_000 });
  // An idle connection that is lost has left the pool when this is called; unheard, it would end the process.
  pool.on("error", () => undefined);
  // Nor may one that is lost in the middle of a transaction: whoever waits for its answer is told.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return new Kysely<Tables>({ dialect: preparedDialect(pool) });
}

/** JSON text of `value` for a column that takes any JSON value; undefined becomes null. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value ?? null);
}
