import { AtosError, EXIT, messageOf } from "../base/errors.ts";
import { isLostConnection } from "./lost-connection.ts";

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

function openOutput(json: boolean): Output {
  return {
    json,
    say: (text) => {
      if (!json) process.stdout.write(`${plainLines(text)}\n`);
    },
    emit: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (text) => void process.stderr.write(`${plainLines(text)}\n`),
  };
}

/** What models, tests and servers said may hold control sequences; a terminal must not obey them. */
export function plainLines(text: string): string {
  return text.replace(/[^\P{Cc}\n]|\p{Cf}/gu, (character) => (character === "\t" ? " " : "�"));
}

/**
 * Runs a command and sets the exit code it returns. An error becomes one message on standard
 * error (and one JSON document with `--json`), and its own exit code.
 */
export async function runCommand(json: boolean, command: (output: Output) => Promise<number>): Promise<void> {
  const output = openOutput(json);
  // Whoever read our output has gone, as `head` does when it has enough: there is nobody left to tell.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(EXIT.failed));
  try {
    process.exitCode = await command(output);
  } catch (thrown) {
    const error = understand(thrown);
    output.emit({ type: "error", code: error.code, message: error.message, exitCode: error.exitCode });
    output.note(`atos: ${error.message}${error.code === "internal" ? "" : ` [${error.code}]`}`);
    // A bug, not a message for people: the place it comes from is what helps.
    if (error.code === "internal" && thrown instanceof Error) output.note(thrown.stack ?? "");
    process.exitCode = error.exitCode;
  }
}

function understand(thrown: unknown): AtosError {
  if (thrown instanceof AtosError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return new AtosError("cli/interrupted", "interrupted", { exitCode: EXIT.interrupted, cause: thrown });
  }
  if (isLostConnection(thrown)) {
    return new AtosError(
      "cli/worker-gone",
      "the worker or its database went away just now; nothing is lost, run the command again",
      { cause: thrown },
    );
  }
  return new AtosError("internal", messageOf(thrown), { cause: thrown });
}
