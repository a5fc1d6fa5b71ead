import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf, missingError } from "../base/errors.ts";

const run = promisify(execFile);

/** Postgres refuses to be root, so it sees itself as nobody; the kernel still sees root, who owns the files. */
const AS_NOBODY = ["unshare", "--user", "--map-user=65534", "--map-group=65534"];

/** Has the kernel send the server SIGINT (a fast shutdown) when the thread that started it ends. */
const ENDS_WITH_PARENT = ["setpriv", "--pdeathsig", "INT"];

/** Nothing of the caller's: PGPORT, PGDATA and the like would change the server, TZ and LC_ALL its cluster. */
export function postgresEnvironment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/**
 * The words to put before a Postgres command on this machine. Each of them replaces itself by the next, so the
 * process id stays that of the first.
 *
 * @throws {AtosError} `store/root-without-namespaces` when root can't become anybody else.
 */
export async function postgresLaunch(signal?: AbortSignal): Promise<readonly string[]> {
  const identity = process.getuid?.() === 0 ? await asNobody(signal) : [];
  // In this order: entering a namespace changes credentials, which would clear the parent-death signal.
  const both = [...identity, ...ENDS_WITH_PARENT];
  return process.platform === "linux" && (await failure(both, signal)) === undefined ? both : identity;
}

async function asNobody(signal?: AbortSignal): Promise<readonly string[]> {
  const error = process.platform === "linux" ? await failure(AS_NOBODY, signal) : new Error("it needs Linux");
  if (error === undefined) return AS_NOBODY;
  throw missingError(
    "store/root-without-namespaces",
    "Postgres doesn't run as root, and a user namespace to run it in could not be made " +
      `(${messageOf(error).trim()}). Run ATOS as another user, allow user namespaces, or set DATABASE_URL.`,
    error,
  );
}

async function failure(prefix: readonly string[], signal?: AbortSignal): Promise<unknown> {
  const [command = "", ...rest] = prefix;
  try {
    await run(command, [...rest, "true"], { env: postgresEnvironment(), timeout: 10_000, ...(signal && { signal }) });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    return error;
  }
}
