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
  /** The task's turn is over. */
  readonly rest: (task: string) => void;
  readonly draw: () => void;
  readonly clear: () => void;
};

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ERASE_LINE = "\r\u001b[2K";

/** More are counted. */
const MAX_NAMED = 2;

/** Draws on standard error, and only on a terminal: elsewhere the finished turns tell enough. */
export function openStatusLine(visible: boolean): StatusLine {
  const turns = new Map<string, TurnStatus>();
  let since = performance.now();
  let frame = 0;
  let drawn = false;
  return {
    set: (next) => {
      const turn = turns.get(next.task);
      if (turn?.role !== next.role || next.outputTokens < turn.outputTokens) since = performance.now();
      turns.set(next.task, next);
    },
    rest: (task) => {
      turns.delete(task);
      since = performance.now();
    },
    draw: () => {
      if (!visible) return;
      frame = (frame + 1) % FRAMES.length;
      process.stderr.write(
        `${ERASE_LINE}${FRAMES[frame]} ${atWork([...turns.values()])} · ${seconds(performance.now() - since)}`,
      );
      drawn = true;
    },
    clear: () => {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}

/** Who is at work: in full when it is one, else up to two tasks and how many more. Pure. */
export function atWork(turns: readonly TurnStatus[]): string {
  const [first, ...others] = turns;
  if (first === undefined) return "working";
  const tokens = (count: number): string => `${count} token${count === 1 ? "" : "s"}`;
  if (others.length === 0)
    return `${first.task}: ${first.role} at work with ${first.model} · ${tokens(first.outputTokens)}`;
  const named = turns.slice(0, MAX_NAMED);
  const more = turns.length > MAX_NAMED ? ` · +${turns.length - MAX_NAMED}` : "";
  return `${named.map((turn) => `${turn.task}: ${turn.role} · ${turn.model} · ${tokens(turn.outputTokens)}`).join("  |  ")}${more}`;
}
