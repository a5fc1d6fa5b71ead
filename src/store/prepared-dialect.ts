import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from "kysely";
import type { Pool, PoolClient } from "pg";

/** Each is kept by every connection. Statements of a list's length differ from each other, so there might be many. */
const MOST_NAMES = 100;
/** A schema that changes under a longer-lived client changes what these return only where a function is replaced. */
const NAMED = /^\s*select (?:\* from )?atos\.\w+\(/;

/**
 * Kysely over a pool of `pg`, where calls of ATOS's own functions, which every step makes, are prepared: Postgres
 * parses and plans such a statement once for each connection.
 */
export function preparedDialect(pool: Pool): Dialect {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MOST_NAMES || !NAMED.test(text)) return known;
    const name = `atos_${names.size + 1}`;
    names.set(text, name);
    return name;
  };
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PreparedDriver(pool, nameOf),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

type NameOf = (text: string) => string | undefined;

class PreparedDriver implements Driver {
  readonly #pool: Pool;
  readonly #nameOf: NameOf;

  constructor(pool: Pool, nameOf: NameOf) {
    this.#pool = pool;
    this.#nameOf = nameOf;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PreparedConnection> {
    return new PreparedConnection(await this.#pool.connect(), this.#nameOf);
  }

  async beginTransaction(connection: PreparedConnection): Promise<void> {
    await connection.client.query("begin");
  }

  async commitTransaction(connection: PreparedConnection): Promise<void> {
    const { command } = await connection.client.query("commit");
    if (command === "ROLLBACK") throw new Error("the transaction had failed, and was rolled back");
  }

  async rollbackTransaction(connection: PreparedConnection): Promise<void> {
    try {
      await connection.client.query("rollback");
    } catch (error) {
      // Nobody knows what it is in.
      connection.broken = true;
      throw error;
    }
  }

  async releaseConnection({ client, broken }: PreparedConnection): Promise<void> {
    client.release(broken);
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

class PreparedConnection implements DatabaseConnection {
  readonly client: PoolClient;
  readonly #nameOf: NameOf;
  broken = false;

  constructor(client: PoolClient, nameOf: NameOf) {
    this.client = client;
    this.#nameOf = nameOf;
  }

  async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const name = this.#nameOf(text);
    const values = [...parameters];
    const result = await this.client.query({ text, values, ...(name === undefined ? {} : { name }) });
    const { command, rowCount, rows } = result;
    const changed = command === "INSERT" || command === "UPDATE" || command === "DELETE";
    return { rows, ...(changed ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
  }

  // oxlint-disable-next-line require-yield -- nothing is streamed
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("queries are not streamed");
  }
}
