import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Where a person is asked. */
export type PlanTerminal = {
  readonly say: (text: string) => void;
  /** One line of the person's; undefined when there will be no more. Throws the signal's reason. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<string | undefined>;
  /** Lines that can be seen at once. */
  readonly rows: number;
  /** Opens files in the person's editor and waits until it is closed; undefined where none is set. */
  readonly edit: ((files: readonly string[]) => Promise<{ readonly ok: boolean; readonly how: string }>) | undefined;
};

const USUAL_ROWS = 24;

/** The terminal of this process; the editor is `VISUAL`, or else `EDITOR`. */
export function openPlanTerminal(
  say: (text: string) => void,
  env: Readonly<Record<string, string | undefined>>,
): PlanTerminal {
  const editor = env["VISUAL"] || env["EDITOR"];
  return {
    say,
    ask: askLine,
    // A terminal that does not say how large it is says 0.
    rows: process.stdout.rows || USUAL_ROWS,
    edit: editor === undefined ? undefined : (files) => runEditor(editor, files),
  };
}

function askLine(question: string, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  // The terminal itself edits the line, and Ctrl-C stays a signal: the build's follower listens for that.
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stdout.write(question);
  return new Promise<string | undefined>((resolve, reject) => {
    const abort = (): void => {
      process.stdout.write("\n");
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    lines.once("line", resolve);
    lines.once("close", () => {
      signal.removeEventListener("abort", abort);
      resolve(undefined);
    });
  }).finally(() => lines.close());
}

/** What a person writes is theirs: the editor is waited for, and not ended from here. */
function runEditor(editor: string, files: readonly string[]): Promise<{ readonly ok: boolean; readonly how: string }> {
  // Like git: the setting may have arguments, as in `code --wait`.
  const child = spawn("sh", ["-c", `${editor} "$@"`, editor, ...files], { stdio: "inherit" });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ ok: false, how: `can't be started: ${error.message}` }));
    child.once("close", (code, signal) => resolve({ ok: code === 0, how: `ended with ${signal ?? code}` }));
  });
}
