// What a Postgres server has done so far: CPU of its whole process tree, rows of each schema, bytes of its log.
import { readFileSync } from "node:fs";
import { serverProcesses } from "../../src/store/server-processes.ts";

/** Linux counts the time of processes in hundredths of a second. */
const TICK_MS = 10;

/** CPU milliseconds of the server's processes, and of those that have ended. */
export function serverCpuMs(dataDirectory) {
  let ticks = 0;
  for (const { pid, supervisorPid } of serverProcesses(dataDirectory)) {
    const fields = statOf(pid);
    ticks += fields[0] + fields[1];
    // The postmaster also holds the time of the children it has seen the end of.
    if (supervisorPid !== undefined) ticks += fields[2] + fields[3];
  }
  return ticks * TICK_MS;
}

/** utime, stime, cutime, cstime. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 15)
      .map(Number);
  } catch {
    return [0, 0, 0, 0];
  }
}

export async function walBytes(client) {
  const { rows } = await client.query("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes");
  return Number(rows[0].bytes);
}

/** The rows of every table of the schemas. */
export async function rowsOf(client, schemas) {
  const tables = await client.query(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = any($1) order by 1",
    [schemas],
  );
  const found = new Map();
  for (const { name } of tables.rows) {
    const { rows } = await client.query(`select count(*)::int as rows from ${name}`);
    found.set(name, rows[0].rows);
  }
  return found;
}
