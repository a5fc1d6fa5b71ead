import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { sql } from "kysely";
import { Client } from "pg";
import { openDatabase } from "./database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { serverProcesses } from "./server-processes.ts";

// One cluster for all, started and stopped by each: making one takes ten times as long as starting it.
let root: string;
let dataDirectory: string;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atos-server-"));
  dataDirectory = path.join(root, "postgres");
});
afterEach(() => assert.deepEqual(serverProcesses(dataDirectory), []));
after(async () => await rm(root, { recursive: true }));

const start = async () => await startEmbeddedPostgres({ dataDirectory, socketDirectory: root });

async function ask(server: EmbeddedPostgres, query: string): Promise<unknown> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query({ text: query, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

test("what was committed is there after a restart", async () => {
  {
    await using first = await start();
    await ask(first, "create table kept as select 42 as answer");
  }
  await using second = await start();
  assert.deepEqual(await ask(second, "select answer from kept"), [42]);
});

test("it is the database atos, durable, and sorts the same on every machine", async () => {
  await using server = await start();
  const settings = "select current_database(), current_setting('fsync'), datlocprovider, datlocale, encoding::int";
  assert.deepEqual(await ask(server, `${settings} from pg_database where datname = 'atos'`), [
    "atos",
    "on",
    "b",
    "C.UTF-8",
    6,
  ]);
});

test("the process is the server itself, a direct child that reports its end", async () => {
  await using server = await start();
  const [pid] = (await readFile(path.join(dataDirectory, "postmaster.pid"), "utf8")).split("\n");
  assert.equal(Number(pid), server.pid);
  const postmaster = serverProcesses(dataDirectory).find((found) => found.pid === server.pid);
  assert.deepEqual([postmaster?.parentPid, postmaster?.supervisorPid], [process.pid, process.pid]);
  await Promise.all([server.stop(), server.stop()]);
  assert.deepEqual(await server.exited, { code: 0 });
});

test("DBOS works through the socket, and no server process listens on the network", async () => {
  await using server = await start();
  DBOS.setConfig({ name: "store-test", systemDatabaseUrl: server.url, logLevel: "error", runAdminServer: false });
  await DBOS.launch();
  try {
    const sessions = "select count(*)::int from pg_stat_activity where application_name like 'dbos_transact_%'";
    const remote = "select count(*)::int from pg_stat_activity where client_addr is not null";
    const [[dbos], fromAfar] = [[await ask(server, sessions)].flat(), await ask(server, remote)];
    assert(typeof dbos === "number" && dbos > 0);
    assert.deepEqual(fromAfar, [0]);
  } finally {
    await DBOS.shutdown();
  }
  assert.deepEqual(await ask(server, "show listen_addresses"), [""]);
  if (process.platform === "linux") assert.deepEqual(await networkSockets(server.pid), []);
});

/** The entries of `pid`'s open sockets in the kernel's lists of TCP and UDP sockets. */
async function networkSockets(pid: number): Promise<readonly string[]> {
  const open = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map(async (fd) => await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")),
  );
  const inodes = open.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
  assert(inodes.length > 0);
  const lists = await Promise.all(
    ["tcp", "tcp6", "udp", "udp6"].map(
      async (name) => await readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => ""),
    ),
  );
  return lists.flatMap((list) => list.split("\n")).filter((line) => inodes.includes(line.trim().split(/\s+/)[9] ?? ""));
}

test("after SIGKILL of the server the process lives on, and so does its pool once there is a new server", async () => {
  await using killed = await start();
  await using db = openDatabase(killed.url);
  await sql`create table kept_too as select 42 as answer`.execute(db);
  process.kill(killed.pid, "SIGKILL");
  assert.deepEqual(await killed.exited, { code: null });
  await using successor = await start();
  assert.deepEqual((await sql`select answer from kept_too`.execute(db)).rows, [{ answer: 42 }]);
  // Stopping what is long dead must not reach its successor.
  await killed.stop();
  assert.deepEqual(await ask(successor, "select 1"), [1]);
  await db.destroy();
});

test("files that a dead server left don't block, even when its number is another process's now", async () => {
  await (await start()).stop();
  const lock = `${process.pid}\n${dataDirectory}\n1700000000\n5432\n${root}\n\n0 0\nready\n`;
  await writeFile(path.join(dataDirectory, "postmaster.pid"), lock, { mode: 0o600 });
  await writeFile(path.join(root, ".s.PGSQL.5432.lock"), lock, { mode: 0o600 });
  await writeFile(path.join(root, ".s.PGSQL.5432"), "");
  await using server = await start();
  assert.deepEqual(await ask(server, "select 1"), [1]);
});

test("a server that won't start is quoted", async () => {
  await (await start()).stop();
  const version = path.join(dataDirectory, "PG_VERSION");
  const real = await readFile(version, "utf8");
  await writeFile(version, "17\n");
  await assert.rejects(start(), {
    code: "store/postgres-failed",
    message: /ended while .*initialized by PostgreSQL version 17/s,
  });
  await writeFile(version, real);
});

test("a socket path that the kernel would refuse is refused first, with the numbers", async () => {
  const socketDirectory = path.join(root, "x".repeat(80));
  await assert.rejects(startEmbeddedPostgres({ dataDirectory, socketDirectory }), {
    code: "store/socket-path-too-long",
    message: new RegExp(`path of ${Buffer.byteLength(socketDirectory) + 14} bytes`),
  });
});
