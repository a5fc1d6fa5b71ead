import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Database, openDatabase } from "./database.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { migrate } from "./migrate.ts";

/** A real database for tests; disposing it leaves nothing behind. */
export type ScratchDatabase = AsyncDisposable & { readonly db: Database; readonly url: string };

/** Starts a server of its own, with an empty database; `migrated` brings the schema up to date. */
export async function scratchDatabase(options: { readonly migrated: boolean }): Promise<ScratchDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), "atos-scratch-"));
  const remove = async () => await rm(directory, { recursive: true, force: true });
  try {
    const server = await startEmbeddedPostgres({
      dataDirectory: path.join(directory, "postgres"),
      socketDirectory: directory,
    });
    const db = openDatabase(server.url);
    const scratch = {
      db,
      url: server.url,
      async [Symbol.asyncDispose]() {
        await db.destroy();
        await server.stop();
        await remove();
      },
    };
    if (options.migrated) await migrate(db);
    return scratch;
  } catch (error) {
    await remove();
    throw error;
  }
}
