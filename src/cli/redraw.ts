import { plainLines } from "./output.ts";

/** A place on a terminal where lines replace those that were there before. */
export type Redraw = (lines: readonly string[]) => void;

export type Terminal = { readonly rows: number; readonly columns: number; write(text: string): unknown };

const UP = (count: number): string => (count === 0 ? "" : `\u001b[${count}A\r`);
const ERASE_REST_OF_LINE = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/** Draws where the cursor is. What is higher than the terminal is cut: scrolled lines could not be replaced. */
export function openRedraw(terminal: Terminal): Redraw {
  let drawn = 0;
  return (lines) => {
    const room = Math.max(1, terminal.rows - 1);
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more lines`];
    // A narrower terminal than was asked for would wrap a line, and then the count of lines is wrong.
    const cut = shown.map((line) => plainLines(line).slice(0, terminal.columns));
    terminal.write(`${UP(drawn)}${cut.map((line) => `${line}${ERASE_REST_OF_LINE}\n`).join("")}${ERASE_BELOW}`);
    drawn = cut.length;
  };
}
