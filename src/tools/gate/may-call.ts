import { matchCommand } from "./match-command.ts";
import { matchPath, type PathsInCommand, type PathUse, pathsInCommand, touchesPath } from "./match-path.ts";
import { type Match, matchWildcard } from "./match-wildcard.ts";
import { plainPath } from "./plain-path.ts";
import { type Policy, type PolicyQuestion, type PolicyRule, stricterVerdict, type Verdict } from "./policy.ts";
import type { SimpleCommand } from "./shell-command.ts";
import { parseCommand } from "./shell-words.ts";

/** What is judged by itself. A call has as many as it has paths and commands, and the strictest verdict counts. */
type Subject =
  | { readonly kind: "call" }
  | { readonly kind: "path"; readonly path: string }
  | {
      readonly kind: "command";
      readonly command: SimpleCommand;
      readonly paths: PathsInCommand;
      readonly altered: boolean;
    }
  | { readonly kind: "unparsed"; readonly why: string };

const MAX_SHOWN = 80;
const NO_RULE: Verdict = { decision: "ask", because: "no rule is about it" };

/**
 * What a policy says of a call. The last rule that matches decides; where it can't be known whether one matches, the
 * strictest of what may be. Of several paths and commands the strictest verdict counts, and a path that is not plain
 * is denied. `because` names the rule as a person would write it.
 *
 * Pure; linear in the length of the command for any one policy.
 */
export function mayCall(policy: Policy, question: PolicyQuestion): Verdict {
  const subjects: Subject[] = [];
  for (const path of question.paths) {
    const plain = plainPath(path);
    if (!plain.ok)
      return { decision: "deny", because: `the path ${JSON.stringify(cut(path))} is not plain: ${plain.why}` };
    subjects.push({ kind: "path", path: plain.path });
  }
  if (question.walks === true && subjects.length === 0) subjects.push({ kind: "path", path: "" });
  if (question.command !== undefined) subjects.push(...subjectsOfCommand(question.command));
  const verdicts = subjects.flatMap((subject) => judge(policy, question, subject) ?? []);
  return strictest(verdicts) ?? judge(policy, question, { kind: "call" }) ?? NO_RULE;
}

function subjectsOfCommand(text: string): readonly Subject[] {
  const parsed = parseCommand(text);
  if (parsed.kind === "unparsed") return [parsed];
  return parsed.commands.map((command) => ({
    kind: "command",
    command,
    paths: pathsInCommand(command),
    altered: parsed.altered,
  }));
}

function judge(policy: Policy, question: PolicyQuestion, subject: Subject): Verdict | undefined {
  const isWrapper = subject.kind === "command" && subject.command.wrapper;
  const own = isWrapper ? { rules: rulesForWrapper(policy.rules) } : { rules: policy.rules, otherwise: NO_RULE };
  const verdicts = [own, { rules: policy.stricter ?? [] }].flatMap((layer) => judgeBy(layer, question, subject) ?? []);
  if (subject.kind === "unparsed")
    verdicts.unshift({ decision: policy.unparsed, because: `the command can't be read for certain: ${subject.why}` });
  return strictest(verdicts);
}

/** What only runs another command is judged by rules that name it; the other command is judged by all. */
function rulesForWrapper(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  return rules.filter(({ command, path }) => path !== undefined || (command !== undefined && !command.startsWith("*")));
}

type Layer = { readonly rules: readonly PolicyRule[]; readonly otherwise?: Verdict };

/** Where it can't be known whether a rule matches, those before it count as well. Undefined: nothing is said of it. */
function judgeBy({ rules, otherwise }: Layer, question: PolicyQuestion, subject: Subject): Verdict | undefined {
  const possible: Verdict[] = [];
  for (const rule of rules.toReversed()) {
    const match = matchRule(rule, question, subject);
    if (match === "no") continue;
    possible.push({ decision: rule.decide, because: becauseOf(rule, match, { question, subject }) });
    if (match === "yes") return strictest(possible);
  }
  return strictest(otherwise === undefined ? possible : [...possible, otherwise]);
}

function strictest(verdicts: readonly Verdict[]): Verdict | undefined {
  const [first, ...others] = verdicts;
  return first && others.reduce(stricterVerdict, first);
}

function matchRule(rule: PolicyRule, question: PolicyQuestion, subject: Subject): Match {
  if (rule.tool !== undefined && !matchTool(rule.tool, question)) return "no";
  const path = rule.path === undefined ? "yes" : matchRulePath(rule.path, question, subject);
  if (path === "no" || rule.command === undefined) return path;
  if (subject.kind !== "command") return "no";
  const command = matchCommand(rule.command, subject.command.words);
  // Variables may change which program a word means.
  return command === "yes" && path === "yes" && !subject.altered ? "yes" : command === "no" ? "no" : "maybe";
}

function matchTool(pattern: string, { tool, server, own }: PolicyQuestion): boolean {
  const full = `${own === false ? "mcp/" : ""}${server}/${tool}`;
  return matchWildcard(pattern, pattern.includes("/") ? full : tool);
}

function matchRulePath(pattern: string, question: PolicyQuestion, subject: Subject): Match {
  if (subject.kind === "path") return matchPath(pattern, subject.path, useOf(question));
  return subject.kind === "command" ? touchesPath(pattern, subject.paths) : "no";
}

function useOf({ effect, walks }: PolicyQuestion): PathUse {
  if (walks === true) return "walk";
  return effect === "none" ? "read" : "change";
}

type Asked = { readonly question: PolicyQuestion; readonly subject: Subject };

function becauseOf(rule: PolicyRule, match: Match, { question, subject }: Asked): string {
  const parts = [
    ...(rule.tool === undefined ? [] : [`tool ${JSON.stringify(rule.tool)}`]),
    ...(rule.path === undefined ? [] : [`path ${JSON.stringify(rule.path)}`]),
    ...(rule.command === undefined ? [] : [`command ${JSON.stringify(rule.command)}`]),
  ];
  const named = rule.path !== undefined || rule.command !== undefined;
  const what = named && subject.kind === "command" ? `, by ${JSON.stringify(commandText(subject.command))}` : "";
  const isBelow = rule.path !== undefined && subject.kind === "path" && question.walks === true;
  const perhaps =
    match !== "maybe" ? "" : what !== "" ? ", which may come to it" : isBelow ? ", which is or may be below it" : "";
  const from = rule.from === undefined ? "" : ` (${rule.from})`;
  const why = rule.why === undefined ? "" : `: ${rule.why}`;
  return `${rule.decide} ${parts.length === 0 ? "everything" : parts.join(", ")}${from}${what}${perhaps}${why}`;
}

function commandText({ words }: SimpleCommand): string {
  return cut(words.map(({ text, dynamic }) => (dynamic ? `${text}…` : text)).join(" "));
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
