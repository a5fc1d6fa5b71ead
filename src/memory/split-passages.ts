/** A piece of a document that says where it is. */
export type DocumentPassage = {
  readonly path: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** The headings it stands under, the nearest last; empty before the first. */
  readonly heading: string;
  /** Heading and words: what it is found by. */
  readonly text: string;
  readonly words: string;
};

/** Paragraphs are joined up to this many characters, so that a passage says something by itself. */
const PASSAGE_CHARACTERS = 600;
const MAX_PASSAGES = 2000;
const MAX_LEVEL = 6;

/**
 * A Markdown document in passages: by heading, then by paragraph; a fenced block stays whole. Pure.
 *
 * Text without headings is split by its paragraphs alone.
 */
export function splitPassages(path: string, document: string): DocumentPassage[] {
  const passages: DocumentPassage[] = [];
  const headings: string[] = [];
  let lines: string[] = [];
  let first = 1;
  let fence: string | undefined;
  const flush = (): void => {
    const words = lines.join("\n").trim();
    lines = [];
    if (words === "" || passages.length >= MAX_PASSAGES) return;
    const heading = headings.filter((name) => name !== "").join(" > ");
    passages.push({ path, line: first, heading, text: `${heading}\n${words}`, words });
  };
  for (const [index, line] of document.split(/\r?\n/).entries()) {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    const title = fence === undefined ? /^(#{1,6})\s+(.*?)\s*#*$/.exec(line) : null;
    if (title !== null) {
      flush();
      const level = title[1]?.length ?? 1;
      for (let deeper = level - 1; deeper < MAX_LEVEL; deeper++) headings[deeper] = "";
      headings[level - 1] = title[2] ?? "";
      continue;
    }
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence) === true) fence = undefined;
    const isBetween = line.trim() === "" && fence === undefined;
    if (isBetween && lines.join("\n").length >= PASSAGE_CHARACTERS) flush();
    if (lines.length === 0) {
      if (line.trim() === "") continue;
      first = index + 1;
    }
    lines.push(line);
  }
  flush();
  return passages;
}
