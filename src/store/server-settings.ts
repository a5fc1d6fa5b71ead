import path from "node:path";
import { usageError } from "../base/errors.ts";
import { clusterName } from "./server-processes.ts";

/** Names the socket only: nothing listens on it. Given everywhere, since PGPORT would replace an absent one. */
const PORT = 5432;

/** The kernel's limit is 104 to 108 bytes, by platform. */
const SOCKET_PATH_BYTES = 100;

/**
 * The socket that Postgres makes in `socketDirectory`.
 *
 * @throws {AtosError} `store/socket-path-too-long`.
 */
export function socketFile(socketDirectory: string): string {
  const file = path.join(path.resolve(socketDirectory), `.s.PGSQL.${PORT}`);
  const bytes = Buffer.byteLength(file);
  if (bytes <= SOCKET_PATH_BYTES) return file;
  throw usageError(
    "store/socket-path-too-long",
    `The database's socket ${file} would have a path of ${bytes} bytes; sockets are limited to ` +
      `${SOCKET_PATH_BYTES}. Set XDG_RUNTIME_DIR or TMPDIR to a shorter directory.`,
  );
}

/** The address of `database` behind the socket, for `pg` and for DBOS. The host name is never looked up. */
export function socketUrl(socketDirectory: string, database: string): string {
  const host = encodeURIComponent(path.resolve(socketDirectory));
  return `postgresql://atos@localhost:${PORT}/${database}?host=${host}&sslmode=disable`;
}

/** The server's arguments: on the command line, so that they hold for clusters made by older versions too. */
export function serverArguments(dataDirectory: string, socketDirectory: string): readonly string[] {
  const directory = path.resolve(socketDirectory).replaceAll('"', '""');
  const settings = {
    cluster_name: clusterName(dataDirectory, process.pid),
    listen_addresses: "",
    port: String(PORT),
    // A list; quoted, or a comma in the path would make it two.
    unix_socket_directories: `"${directory}"`,
    unix_socket_permissions: "0700",
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    shared_buffers: "32MB",
    max_connections: "60",
    max_wal_size: "256MB",
    // The machine's memory and cores are the models'.
    io_method: "sync",
    max_parallel_workers_per_gather: "0",
    // systemd removes a user's POSIX shared memory when they log out, under a server that lives on.
    dynamic_shared_memory_type: "mmap",
    logging_collector: "off",
    log_checkpoints: "off",
  };
  return ["-D", dataDirectory, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}
