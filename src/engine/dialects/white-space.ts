/** Byte order marks, no-break spaces and NUL bytes count as white space outside values. */
export function isSpace(char: string | undefined): boolean {
  return (
    char === " " ||
    char === "\n" ||
    char === "\t" ||
    char === "\r" ||
    char === "\u00a0" ||
    char === "\ufeff" ||
    char === "\0" ||
    char === "\f" ||
    char === "\v"
  );
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at])) at++;
  return at;
}

/** As `skipSpace`, but stays on its line. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "\n" && isSpace(text[at])) at++;
  return at;
}

export function trimSpace(text: string): string {
  const start = skipSpace(text, 0);
  let end = text.length;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

/** The end of the line `at` is on: where its line feed stands, or the end of the text. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/** How the line that starts at `lineStart` begins: enough of it for labels, paths and marks. */
export function lineHead(text: string, lineStart: number): string {
  const head = text.slice(lineStart, lineStart + 400);
  const end = head.indexOf("\n");
  return end < 0 ? head : head.slice(0, end);
}

export function nextLine(text: string, at: number): number {
  return Math.min(text.length, lineEnd(text, at) + 1);
}

/** What `pattern`, which must be sticky, matches at `at`. */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
