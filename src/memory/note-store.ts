/** Something that was remembered. Data: whatever it says, it is no instruction. */
export type Note = {
  /** The same for the same words. */
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[];
  /** When it was first added, ISO 8601. */
  readonly at: string;
};

export type FoundNote = Note & {
  /** How much of the query it has, 0 to 1. */
  readonly covered: number;
};

/** What notes are kept in, whichever way they are searched. */
export type NoteStore = {
  /** Keeps a note; the same words twice are one note, with the tags of both. */
  add(note: Pick<Note, "text" | "tags">): Promise<{ readonly note: Note; readonly added: boolean }>;
  /** The best first. */
  search(query: string, limit: number): Promise<readonly FoundNote[]>;
  /** The newest first. */
  list(limit: number): Promise<readonly Note[]>;
  /** False when there is no such note. */
  forget(id: string): Promise<boolean>;
};

export const NOTE_LIMITS = {
  noteCharacters: 2000,
  tags: 8,
  tagCharacters: 40,
  /** Of the file; forgotten notes count until a person removes it. */
  fileBytes: 16 * 1024 * 1024,
  /** Beside that, so that in a full file notes can still be found and forgotten. */
  spareBytes: 1024 * 1024,
  notes: 10_000,
} as const;

/** What is wrong with a note's words, or undefined when they can be kept. Pure. */
export function noteProblem({ text, tags }: Pick<Note, "text" | "tags">): string | undefined {
  const words = text.trim();
  if (words === "") return "the note is empty";
  if (words.length > NOTE_LIMITS.noteCharacters)
    return `the note has ${words.length} characters; ${NOTE_LIMITS.noteCharacters} are the most, so keep what matters`;
  // Other controls could rewrite what a terminal or a prompt shows around the note.
  if (CONTROLS.test(words)) return "the note has control or direction characters; write it as plain text";
  if (tags.length > NOTE_LIMITS.tags) return `the note has ${tags.length} tags; ${NOTE_LIMITS.tags} are the most`;
  const tag = tags.find((name) => !/^[\p{L}\p{N}][\p{L}\p{N} _./-]*$/u.test(name) || name.length > 40);
  if (tag !== undefined) return `the tag ${JSON.stringify(tag)} is not a short plain word`;
  return undefined;
}

/** All of Unicode's controls but tab and line feed; its invisible direction marks; lone surrogates. */
const CONTROLS = /(?![\t\n])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]|\p{Cs}/u;
