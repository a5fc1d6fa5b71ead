import type { z } from "zod";

const MAX_PROBLEMS = 3;
const MAX_PROBLEM_CHARS = 200;
const MAX_NAME_CHARS = 40;

/**
 * What is wrong with a call's arguments, for the model that wrote it: each problem names the argument, what is
 * wrong with it and what is allowed; at most three. Pure.
 */
export function argumentProblem(input: z.ZodObject, issues: readonly z.core.$ZodIssue[]): string {
  const names = Object.keys(input.shape);
  const problems = issues.slice(0, MAX_PROBLEMS).map((issue) => cut(problemOf(issue, names)));
  const more = issues.length > MAX_PROBLEMS ? ` (and ${issues.length - MAX_PROBLEMS} more)` : "";
  return `${problems.join(" ")}${more}`;
}

function problemOf(issue: z.core.$ZodIssue, names: readonly string[]): string {
  const place = issue.path.map(String).map(shortName).join(".");
  if (issue.code === "unrecognized_keys") return unknownText(place, issue.keys.map(shortName), names);
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined"))
    return `the argument ${place} is missing; it must be ${kindText(issue.expected)}.`;
  const what = issue.message.replace(/^Invalid (?:input|option): /, "");
  return place === "" ? `${what}.` : `${place}: ${what.charAt(0).toLowerCase()}${what.slice(1)}.`;
}

function unknownText(place: string, keys: readonly string[], names: readonly string[]): string {
  const given = keys.map((key) => JSON.stringify(key)).join(", ");
  if (place !== "") return `${place} has no ${given}; leave it out.`;
  return names.length === 0
    ? `it takes no arguments; leave out ${given}.`
    : `it has no argument ${given}; its arguments are ${names.join(", ")}.`;
}

function kindText(expected: string): string {
  if (expected === "int") return "a whole number";
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function shortName(key: string): string {
  return key.slice(0, MAX_NAME_CHARS);
}

function cut(text: string): string {
  return text.length <= MAX_PROBLEM_CHARS ? text : `${text.slice(0, MAX_PROBLEM_CHARS - 1)}…`;
}
