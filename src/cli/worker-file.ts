import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";

const workerFileSchema = z.object({
  pid: z.number().int().positive(),
  databaseUrl: z.string(),
  /** Whether the database is the one in DATABASE_URL, and not the embedded one. */
  givenDatabase: z.boolean(),
  workerId: z.string(),
  version: z.string(),
  /** What its models may take together; absent: all that is free. */
  budgetBytes: z.number().optional(),
});

/** How clients reach the worker of a state folder. */
export type WorkerFile = z.infer<typeof workerFileSchema>;

/** The file's content, or undefined when there is none or it is not whole. */
export async function readWorkerFile(path: string): Promise<WorkerFile | undefined> {
  try {
    return workerFileSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Written aside and renamed: a reader sees all of it or nothing. Holds an address that may carry a password, so 0600. */
export async function writeWorkerFile(path: string, content: WorkerFile): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function removeWorkerFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
