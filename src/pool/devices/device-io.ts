import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { arch, platform } from "node:os";

/** How a command ended. `missing`: there is no such program. */
export type CommandOutcome =
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly why: string };

/** What devices are read through; tests hand in recordings. */
export type DeviceIo = {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, or undefined when it can't be read. */
  readFile(path: string): Promise<string | undefined>;
  /** Ends within seconds, whatever the command does. An abort throws the signal's reason. */
  run(command: string, args: readonly string[], signal: AbortSignal): Promise<CommandOutcome>;
};

/** nvidia-smi wakes a sleeping driver, which takes up to two seconds; one that hangs is killed. */
const COMMAND_MS = 5000;
const MAX_OUTPUT_BYTES = 4 * 2 ** 20;

/** This machine. */
export const machineIo: DeviceIo = {
  platform: platform(),
  arch: arch(),
  env: process.env,
  readFile: async (path) => {
    try {
      return await readFile(path, "utf8");
    } catch {
      // Not there, or not for us: either way it says nothing.
      return undefined;
    }
  },
  run: runCommand,
};

/** Runs a program, kills it after `limitMs`, and says how it ended. */
async function runCommand(command: string, args: readonly string[], signal: AbortSignal): Promise<CommandOutcome> {
  return await runWithin(COMMAND_MS, [command, ...args], signal);
}

/** As `runCommand`, with a time limit of its own. */
export async function runWithin(
  limitMs: number,
  [command = "", ...args]: readonly string[],
  signal: AbortSignal,
): Promise<CommandOutcome> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<CommandOutcome>();
  const options = {
    timeout: limitMs,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
    signal,
    // Decimal points and words as documented, whatever the person's language.
    env: { ...process.env, LC_ALL: "C" },
  } as const;
  const child = execFile(command, args, options, (error, stdout) => {
    if (error === null) resolve({ kind: "output", text: stdout });
    else if (error.code === "ENOENT") resolve({ kind: "missing" });
    else if (error.killed === true) resolve({ kind: "failed", why: `gave no answer within ${limitMs} ms` });
    else
      resolve({ kind: "failed", why: firstLine(stdout) ?? `ended with ${error.code ?? error.signal ?? "an error"}` });
  });
  child.stdin?.end();
  // A process that can't be killed (it waits for a driver) must not hold up its reader.
  const gaveUp = setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
    resolve({ kind: "failed", why: `gave no answer within ${limitMs} ms` });
  }, limitMs + 500);
  try {
    const outcome = await promise;
    signal.throwIfAborted();
    return outcome;
  } finally {
    clearTimeout(gaveUp);
  }
}

function firstLine(text: string): string | undefined {
  const line = text.trim().split("\n")[0]?.trim() ?? "";
  return line === "" ? undefined : `said: ${line.slice(0, 200)}`;
}
