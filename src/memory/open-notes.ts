import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AtosError, usageError } from "../base/errors.ts";
import { type FoundNote, NOTE_LIMITS, type Note, noteProblem, type NoteStore } from "./note-store.ts";
import { rankPassages } from "./rank-passages.ts";

/** One line of the file: what was done. */
const lineSchema = z.union([
  z.object({ add: z.string(), text: z.string(), tags: z.array(z.string()), at: z.string() }),
  z.object({ forget: z.string(), at: z.string() }),
]);
type Line = z.infer<typeof lineSchema>;

/**
 * Notes in `folder`, in a file of JSON Lines that is only ever added to, readable by its owner alone.
 *
 * Several processes may use it at once: each line is one write at the end of the file. A line that was cut off by a
 * crash is passed over. Searched by words.
 *
 * @param now the clock.
 */
export function openNotes(folder: string, now: () => Date): NoteStore {
  const path = join(folder, "notes.jsonl");
  const append = async (line: Line): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await using file = await openFile(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
    if ("add" in line && (await file.stat()).size >= NOTE_LIMITS.fileBytes) throw tooMany(path);
    await appendLine(file, JSON.stringify(line));
  };
  const search = async (query: string, limit: number): Promise<FoundNote[]> => {
    const passages = (await readNotes(path)).map((note) => ({ note, text: `${note.text}\n${note.tags.join(" ")}` }));
    return rankPassages(query, passages, limit).map(({ passage, covered }) => ({ ...passage.note, covered }));
  };
  return {
    search,
    list: async (limit) => (await readNotes(path)).toReversed().slice(0, limit),
    add: async ({ text, tags }) => {
      const problem = noteProblem({ text, tags });
      if (problem !== undefined) throw usageError("memory/bad-note", `This can't be remembered: ${problem}.`);
      const notes = await readNotes(path);
      const id = idOf(text);
      const known = notes.find((note) => note.id === id);
      const all = [...new Set([...(known?.tags ?? []), ...tags])].slice(0, NOTE_LIMITS.tags);
      if (known !== undefined && all.length === known.tags.length) return { note: known, added: false };
      if (notes.length >= NOTE_LIMITS.notes) throw tooMany(path);
      const note = { id, text: known?.text ?? text.trim(), tags: all, at: known?.at ?? now().toISOString() };
      await append({ add: id, text: note.text, tags: all, at: note.at });
      return { note, added: known === undefined };
    },
    forget: async (id) => {
      const notes = await readNotes(path);
      if (!notes.some((note) => note.id === id)) return false;
      await append({ forget: id, at: now().toISOString() });
      return true;
    },
  };
}

/** The same for notes that differ in white space and case alone. */
function idOf(text: string): string {
  const plain = text.normalize("NFKC").trim().toLowerCase().replaceAll(/\s+/g, " ");
  return createHash("sha256").update(plain).digest("hex").slice(0, 16);
}

async function readNotes(path: string): Promise<Note[]> {
  const text = await readText(path);
  const notes = new Map<string, Note>();
  for (const line of text.split("\n")) {
    const read = parseLine(line);
    if (read === undefined) continue;
    if ("forget" in read) notes.delete(read.forget);
    else notes.set(read.add, { id: read.add, text: read.text, tags: read.tags, at: read.at });
  }
  return [...notes.values()];
}

function parseLine(line: string): Line | undefined {
  if (line === "") return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await openFile(path, constants.O_RDONLY);
    const { size } = await file.stat();
    if (size > NOTE_LIMITS.fileBytes + NOTE_LIMITS.spareBytes) throw tooMany(path);
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

function openFile(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags | constants.O_NOFOLLOW, 0o600);
}

async function appendLine(file: FileHandle, line: string): Promise<void> {
  const { size } = await file.stat();
  const last = size === 0 ? "\n" : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
  // What a crash left half written must not swallow this line too.
  await file.write(`${last === "\n" ? "" : "\n"}${line}\n`);
  await file.datasync();
}

function tooMany(path: string): AtosError {
  return new AtosError(
    "memory/full",
    `${path} holds as much as it may (${NOTE_LIMITS.notes} notes, ${NOTE_LIMITS.fileBytes / 1024 / 1024} MiB): move it away to begin anew.`,
  );
}
