export type Wrapping = {
  readonly width: number;
  /** Before the first line, and before the others. */
  readonly indent: string;
  readonly hanging: string;
};

/** Breaks a text into lines of at most `width` columns, between words where that can be. Pure. */
export function wrapText(text: string, { width, indent, hanging }: Wrapping): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    let rest = word;
    if (!isEmpty && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = hanging;
      isEmpty = true;
    }
    // A word that is longer than a line is cut: a line never is.
    for (; isEmpty && line.length + rest.length > width && width > hanging.length; line = hanging) {
      lines.push(line + rest.slice(0, width - line.length));
      rest = rest.slice(width - line.length);
    }
    line += isEmpty ? rest : ` ${rest}`;
    isEmpty = false;
  }
  return [...lines, line];
}
