import { DatabaseSync } from "node:sqlite";

/**
 * Takes the lock file at `path`, or returns undefined when another process holds it.
 *
 * SQLite's exclusive lock is the operating system's own: it goes with the process however that
 * ends, so there is no stale lock to recognise. The file itself stays.
 */
export function takeFileLock(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}

const SQLITE_BUSY = 5;
