import type { Attempt } from "./attempt.ts";
import type { Why } from "./reading.ts";
import type { ToolDefinition } from "./tool-definition.ts";
import { trimSpace } from "./white-space.ts";

const MAX_NAMES = 180;
const MAX_EXCERPT = 60;

/** The names of the tools as a list for the model. */
function namesOf(tools: readonly ToolDefinition[]): string {
  if (tools.length === 0) return "No tool is offered.";
  let list = "";
  for (const { name } of tools) {
    if (list.length + name.length > MAX_NAMES) return `The tools are ${list}, and others.`;
    list += list === "" ? name : `, ${name}`;
  }
  return `The tools are ${list}.`;
}

/** A short piece of what was written, on one line. */
function excerpt(written: string): string {
  const line = trimSpace(written).replaceAll(/\s+/g, " ");
  return JSON.stringify(line.length > MAX_EXCERPT ? `${line.slice(0, MAX_EXCERPT)}…` : line);
}

export function unknownToolMessage(name: string, tools: readonly ToolDefinition[]): string {
  return `There is no tool ${excerpt(name)}. ${namesOf(tools)}`;
}

/** What the model is told when a call, or a whole turn, can't be read. */
export function turnMessage(why: Why, attempt?: Attempt): string {
  const call = attempt?.name === undefined || attempt.name === "" ? "the call" : `the call of ${excerpt(attempt.name)}`;
  switch (why) {
    case "empty":
      return "The reply is empty. Write an answer, or one tool call.";
    case "result-without-call":
      return "The reply shows the result of a tool that was not called. Write the tool call itself and wait for its result.";
    case "truncated":
      return attempt === undefined
        ? "The reply was cut off at the token limit. Answer more briefly."
        : `The reply was cut off at the token limit before ${call} was complete. Write it again, shorter.`;
    case "ambiguous":
      return `It is not clear what ${call} means: it can be read in more than one way. Write one call in one form, with each argument named.`;
    case "not-literal":
      return `Write all values in ${call} as literals; nothing is evaluated.`;
    case "unparsable":
    case "unknown-tool":
    case "nul-in-argument":
    case "conflicting-arguments":
    case "unknown-argument":
    case "missing-argument":
    case "bad-type":
    case "bad-value":
      return `${call.replace("t", "T")} can't be read: ${attempt?.state === "open" ? "a value in it is not closed" : "its syntax is broken"}. Write it again as one complete call.`;
  }
}
