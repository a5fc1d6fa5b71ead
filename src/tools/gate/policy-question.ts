import type { PolicyQuestion } from "./policy.ts";

/** What the gate knows of a tool beside its arguments. */
export type QuestionedTool = Pick<PolicyQuestion, "tool" | "server" | "own" | "effect" | "walks"> & {
  readonly pathArguments: readonly string[];
  readonly commandArgument?: string | undefined;
};

/** What a policy is asked about a call with arguments that were found good. Pure. */
export function policyQuestion(
  { pathArguments, commandArgument, ...tool }: QuestionedTool,
  value: Readonly<Record<string, unknown>>,
): PolicyQuestion {
  const text = (name: string): readonly string[] => (typeof value[name] === "string" ? [value[name]] : []);
  const command = commandArgument === undefined ? undefined : text(commandArgument)[0];
  return { ...tool, paths: pathArguments.flatMap(text), ...(command === undefined ? {} : { command }) };
}
