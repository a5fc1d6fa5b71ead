import { seconds } from "./render-event.ts";

export type TurnStatus = {
  readonly task: string;
  readonly role: string;
  readonly model: string;
  readonly outputTokens: number;
};

/** One line at the bottom of a terminal that says what is being worked on right now. */
export type StatusLine = {
  readonly set: (turn: TurnStatus) => void;
  /** The turn is over. */
  readonly rest: () => void;
  readonly draw: () => void;
  readonly clear: () => void;
};

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ERASE_LINE = "\r\u001b[2K";

/** Draws on standard error, and only on a terminal: elsewhere the finished turns tell enough. */
export function openStatusLine(visible: boolean): StatusLine {
  let turn: TurnStatus | undefined;
  let since = performance.now();
  let frame = 0;
  let drawn = false;
  return {
    set: (next) => {
      if (turn?.task !== next.task || turn.role !== next.role || next.outputTokens < turn.outputTokens)
        since = performance.now();
      turn = next;
    },
    rest: () => {
      turn = undefined;
      since = performance.now();
    },
    draw: () => {
      if (!visible) return;
      frame = (frame + 1) % FRAMES.length;
      const what =
        turn === undefined
          ? "working"
          : `${turn.task}: ${turn.role} at work with ${turn.model} · ${turn.outputTokens} token${turn.outputTokens === 1 ? "" : "s"}`;
      process.stderr.write(`${ERASE_LINE}${FRAMES[frame]} ${what} · ${seconds(performance.now() - since)}`);
      drawn = true;
    },
    clear: () => {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}
