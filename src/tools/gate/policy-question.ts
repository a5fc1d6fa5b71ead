import type { PolicyQuestion } from "./policy.ts";

/** What the gate knows of a tool before a call. */
export type QuestionedTool = Pick<PolicyQuestion, "server" | "own" | "effect" | "walks"> & {
  readonly name: string;
  readonly pathArguments?: readonly string[];
  readonly commandArgument?: string;
};

/** What a policy is asked about a call whose arguments are valid. Pure. */
export function policyQuestion(tool: QuestionedTool, value: Readonly<Record<string, unknown>>): PolicyQuestion {
  const { name, server, own, effect, walks, pathArguments = [], commandArgument } = tool;
  const text = (argument: string): readonly string[] => (typeof value[argument] === "string" ? [value[argument]] : []);
  const command = commandArgument === undefined ? undefined : text(commandArgument)[0];
  return {
    tool: name,
    server,
    ...(own === undefined ? {} : { own }),
    effect,
    paths: pathArguments.flatMap(text),
    ...(walks === undefined ? {} : { walks }),
    ...(command === undefined ? {} : { command }),
  };
}
