import { AtosError, EXIT, messageOf } from "../base/errors.ts";

/**
 * Where a command says things. With `--json` standard output carries JSON and nothing else;
 * progress and notes go to standard error either way.
 */
export type Output = {
  readonly json: boolean;
  /** The command's result for a reader; nothing with `--json`. */
  readonly say: (text: string) => void;
  /** The command's result, or one event of it, for a program; nothing without `--json`. */
  readonly emit: (value: unknown) => void;
  readonly note: (text: string) => void;
};

export function openOutput(json: boolean): Output {
  return {
    json,
    say: (text) => {
      if (!json) process.stdout.write(`${text}\n`);
    },
    emit: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/**
 * Runs a command and sets the exit code it returns. An error becomes one message on standard
 * error (and one JSON document with `--json`), and its own exit code.
 */
export async function runCommand(json: boolean, command: (output: Output) => Promise<number>): Promise<void> {
  const output = openOutput(json);
  try {
    process.exitCode = await command(output);
  } catch (error) {
    const code = error instanceof AtosError ? error.code : "internal";
    const exitCode = error instanceof AtosError ? error.exitCode : EXIT.failed;
    output.emit({ type: "error", code, message: messageOf(error), exitCode });
    output.note(`atos: ${messageOf(error)}`);
    // A bug, not a message for people: the place it comes from is what helps.
    if (!(error instanceof AtosError) && error instanceof Error) output.note(error.stack ?? "");
    process.exitCode = exitCode;
  }
}
