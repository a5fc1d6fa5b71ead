import { usageError } from "../base/errors.ts";

const MAX_BYTES = 16_384;

/**
 * The goal as it will be used: trimmed, line ends made plain.
 *
 * @throws {AtosError} `workflows/bad-goal` for an empty or oversized goal, or one with control characters.
 */
export function checkGoal(text: string): string {
  const goal = text.replaceAll("\r\n", "\n").trim();
  if (goal === "")
    throw usageError(
      "workflows/bad-goal",
      'the goal is empty; say what to build: atos build "Write a Python function …" --out DIR',
    );
  const bytes = Buffer.byteLength(goal);
  if (bytes > MAX_BYTES)
    throw usageError(
      "workflows/bad-goal",
      `the goal is ${bytes} bytes; at most ${MAX_BYTES} are taken. Put long material into files and name them in the goal`,
    );
  const control = /[\p{Cc}\p{Cs}]/u.exec(goal.replace(/[\n\t]/g, ""));
  if (control !== null) {
    const code = control[0].codePointAt(0) ?? 0;
    throw usageError(
      "workflows/bad-goal",
      `the goal holds the control character U+${code.toString(16).toUpperCase().padStart(4, "0")}; write it in plain text`,
    );
  }
  return goal;
}
