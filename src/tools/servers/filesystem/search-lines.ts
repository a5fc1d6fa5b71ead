import { createContext, Script } from "node:vm";
import { messageOf } from "../../../base/errors.ts";
import { ToolFailure } from "../tool-failure.ts";

/** For all files of one search together. */
const PATTERN_BUDGET_MS = 1000;

/** Finds the lines of a text that match; `most` at most. */
export type LineSearch = (text: string, most: number) => readonly { readonly line: number; readonly text: string }[];

/** Lines that hold `query` as it is written. */
export function searchFixed(query: string): LineSearch {
  return (text, most) => {
    const found: { line: number; text: string }[] = [];
    if (!text.includes(query)) return found;
    for (const [index, line] of text.split("\n").entries()) {
      if (found.length >= most) break;
      if (line.includes(query)) found.push({ line: index + 1, text: line });
    }
    return found;
  };
}

/**
 * Lines that match a regular expression of JavaScript, within a budget of time: an expression that backtracks without
 * end is cut off, where a check of its form would let some through and refuse good ones.
 *
 * @throws {ToolFailure} for an expression that can't be read or took too long.
 */
export function searchPattern(pattern: string): LineSearch {
  try {
    RegExp(pattern);
  } catch (error) {
    throw new ToolFailure(`${messageOf(error)}. Escape characters like ( [ { with a backslash, or leave regex away.`);
  }
  const context = createContext({ pattern, text: "", most: 0 });
  // Only indexes come out, so nothing of the other context is used here.
  const script = new Script(`{
    const expression = new RegExp(pattern);
    const found = [];
    const lines = text.split("\\n");
    for (let i = 0; i < lines.length && found.length < most; i++) if (expression.test(lines[i])) found.push(i);
    found.join(" ");
  }`);
  let budgetMs = PATTERN_BUDGET_MS;
  return (text, most) => {
    Object.assign(context, { text, most });
    const started = performance.now();
    const indexes = runWithin(() =>
      String(script.runInContext(context, { timeout: Math.max(1, Math.ceil(budgetMs)) })),
    );
    budgetMs -= performance.now() - started;
    const lines = text.split("\n");
    return indexes === ""
      ? []
      : indexes.split(" ").map((index) => ({ line: Number(index) + 1, text: lines[Number(index)] ?? "" }));
  };
}

function runWithin(work: () => string): string {
  try {
    return work();
  } catch (error) {
    // It is an error of the other context, and so no `Error` of this one.
    const isLate = typeof error === "object" && error !== null && "code" in error;
    if (!isLate || error.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new ToolFailure(
      `The expression took longer than ${PATTERN_BUDGET_MS} ms; write a simpler one without nested repetitions, or search a folder with path.`,
    );
  }
}
