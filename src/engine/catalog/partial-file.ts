import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { PartialFile } from "./pull-plan.ts";

/** Beside the bytes: what they are the beginning of. */
const noteSchema = z.object({
  url: z.string(),
  validator: z.string().optional(),
  sha256: z.string().optional(),
});

export type PartialNote = z.infer<typeof noteSchema>;

/** Where the bytes wait until all of them are there. */
export function partialPath(path: string): string {
  return `${path}.part`;
}

/** What an earlier try left for the file at `path`. A note that can't be read is as good as none. */
export async function readPartialFile(path: string): Promise<PartialFile> {
  const found = await stat(partialPath(path)).catch(() => undefined);
  if (found === undefined || !found.isFile()) return { haveBytes: 0 };
  const text = await readFile(notePath(path), "utf8").catch(() => "");
  return { haveBytes: found.size, ...parseNote(text) };
}

/** Written before the bytes it speaks of: after a crash the note is ahead of them, never behind. */
export async function writePartialNote(path: string, note: PartialNote): Promise<void> {
  await writeFile(notePath(path), JSON.stringify(note));
}

export async function removePartialFile(path: string): Promise<void> {
  await rm(partialPath(path), { force: true });
  await rm(notePath(path), { force: true });
}

function notePath(path: string): string {
  return `${partialPath(path)}.json`;
}

function parseNote(text: string): PartialNote | undefined {
  try {
    return noteSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
