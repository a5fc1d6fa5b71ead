import { type CodeFamily, type CodeToken, codeTokens } from "./code-tokens.ts";

export type MutationKind = "comparison" | "arithmetic" | "logic" | "constant" | "return" | "condition" | "text";

/** One small change of a source file that leaves it code and should make a test fail. */
export type MutationSite = {
  readonly kind: MutationKind;
  readonly at: number;
  readonly length: number;
  readonly replacement: string;
  readonly line: number;
  /** The how manieth function of the file it stands in; 0 before the first. */
  readonly functionIndex: number;
};

type Change = Omit<MutationSite, "line" | "functionIndex">;
type Place = { readonly tokens: readonly CodeToken[]; readonly index: number; readonly family: CodeFamily };

const COMPARED: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "!=",
  "!=": "==",
  "===": "!==",
  "!==": "===",
};
const COMPUTED: Readonly<Record<string, string>> = { "+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=" };
const JOINED: Readonly<Record<string, string>> = { and: "or", or: "and", "&&": "||", "||": "&&" };
const SWITCHED: Readonly<Record<string, string>> = { true: "false", false: "true", True: "False", False: "True" };
const FUNCTION_WORDS = new Set(["def", "function", "func", "class"]);
/** Words that end no value: an operator behind one has only one side. */
const NOT_VALUES = new Set([
  "return",
  "in",
  "and",
  "or",
  "not",
  "if",
  "elif",
  "else",
  "case",
  "typeof",
  "yield",
  "await",
]);
const NOTHING: Readonly<Record<CodeFamily, string | undefined>> = {
  python: "None",
  javascript: "undefined",
  go: undefined,
};
/** Tokens of one statement or condition: a bracket that nothing closes would else be followed to the end each time. */
const MAX_AHEAD = 2000;
const MESSAGE_OF = /(?:Error|Errorf|Exception|Warning|panic)$/;
const BEFORE_PATH = new Set(["import", "from", "require", "export"]);

/**
 * Every place of `code` that can be changed, in order. Strings and comments are not looked into; a string is a place
 * itself where it is a value: what documents, names a module or words an error is not. Pure.
 */
export function mutationSites(code: string, family: CodeFamily): readonly MutationSite[] {
  const tokens = codeTokens(code, family);
  const sites: MutationSite[] = [];
  let functionIndex = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "word" && FUNCTION_WORDS.has(token.text)) functionIndex++;
    for (const change of changesAt(code, { tokens, index, family }))
      sites.push({ ...change, line: token.line, functionIndex });
  }
  return sites;
}

function changesAt(code: string, place: Place): readonly Change[] {
  const { tokens, index, family } = place;
  const token = tokens[index];
  if (token === undefined || isScriptGuard(place)) return [];
  const { at, text } = token;
  const swap = (kind: MutationKind, replacement: string | undefined): readonly Change[] =>
    replacement === undefined ? [] : [{ kind, at, length: text.length, replacement }];
  switch (token.kind) {
    case "operator":
      if (!isBinary(place)) return [];
      return [
        ...swap("comparison", ownOf(COMPARED, text)),
        ...swap("arithmetic", ownOf(COMPUTED, text)),
        ...swap("logic", ownOf(JOINED, text)),
      ];
    case "number":
      return swap("constant", /^\d+(?:\.\d+)?$/.test(text) ? String(Number(text) + 1) : undefined);
    case "string":
      return isValue(place) ? swap("text", emptied(text, family)) : [];
    case "word": {
      // What comes behind a dot is a name, whatever it is called.
      if (tokens[index - 1]?.text === ".") return [];
      if (text === "return") return returnChange(code, place);
      if (text === "if" || text === "elif") return conditionChange(code, place);
      return [...swap("constant", ownOf(SWITCHED, text)), ...swap("logic", ownOf(JOINED, text))];
    }
    case "line-end":
      return [];
  }
}

function ownOf(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Whether a value stands before the operator, so that it has two sides. */
function isBinary({ tokens, index }: Place): boolean {
  const [before, after] = [tokens[index - 1], tokens[index + 1]];
  if (before === undefined || after === undefined || after.text === ")" || after.text === ",") return false;
  if (before.kind === "number" || before.kind === "string") return true;
  if (before.kind === "word") return !NOT_VALUES.has(before.text);
  return before.text === ")" || before.text === "]";
}

/** `if __name__ == "__main__":` is of a script that no test runs. */
function isScriptGuard({ tokens, index }: Place): boolean {
  const line = tokens[index]?.line;
  for (let other = Math.max(0, index - 4); other <= index + 1; other++)
    if (tokens[other]?.text === "__name__" && tokens[other]?.line === line) return true;
  return false;
}

function isValue({ tokens, index, family }: Place): boolean {
  const [caller, before, after] = [tokens[index - 2], tokens[index - 1], tokens[index + 1]];
  const begins = before === undefined || before.kind === "line-end" || before.text === "{" || before.text === ";";
  const ends = after === undefined || after.kind === "line-end" || after.text === ";";
  if (begins && ends) return false;
  // Another string before or behind is the same text in two parts, and one of them is often not needed.
  if (before?.kind === "string" || after?.kind === "string") return false;
  if (before === undefined || BEFORE_PATH.has(before.text) || before.text === "->") return false;
  if (before.text === "(" && caller !== undefined && (BEFORE_PATH.has(caller.text) || MESSAGE_OF.test(caller.text)))
    return false;
  if (family === "go" && tokens.slice(Math.max(0, index - 60), index).some(({ text }) => text === "import"))
    return false;
  return true;
}

/** The same string without its content; undefined for one that has none, and for what is no text. */
function emptied(text: string, family: CodeFamily): string | undefined {
  const form = /^(?<prefix>[A-Za-z]*)(?<quote>"""|'''|["'`])(?<content>[^]*)\k<quote>$/.exec(text)?.groups;
  const { prefix = "", quote = "", content = "" } = form ?? {};
  if (content === "" || (family === "go" && quote === "'")) return undefined;
  return `${prefix}${quote}${quote}`;
}

function returnChange(code: string, { tokens, index, family }: Place): readonly Change[] {
  const nothing = NOTHING[family];
  const first = tokens[index + 1];
  const last = tokens[endOf(tokens, index + 1, (token) => token.kind === "line-end" || token.text === ";") - 1];
  if (nothing === undefined || first === undefined || last === undefined || last.at < first.at) return [];
  const length = last.at + last.text.length - first.at;
  if (["None", "undefined", "null"].includes(code.slice(first.at, first.at + length))) return [];
  return [{ kind: "return", at: first.at, length, replacement: nothing }];
}

function conditionChange(code: string, place: Place): readonly Change[] {
  const { tokens, index, family } = place;
  const before = tokens[index - 1];
  const isStatement =
    before === undefined || before.kind === "line-end" || ["{", "}", ";", ")", "else", ":"].includes(before.text);
  if (!isStatement) return [];
  const [opens, closes] = { python: ["", ":"], javascript: ["(", ")"], go: ["", "{"] }[family];
  const from = opens === "" ? index + 1 : index + 2;
  if (opens !== "" && tokens[index + 1]?.text !== opens) return [];
  const [first, last] = [tokens[from], tokens[endOf(tokens, from, (token) => token.text === closes) - 1]];
  if (first === undefined || last === undefined || last.at < first.at) return [];
  const length = last.at + last.text.length - first.at;
  const condition = code.slice(first.at, first.at + length);
  // In Go a statement may come before the condition.
  if (family === "go" && condition.includes(";")) return [];
  const replacement = family === "python" ? `not (${condition})` : `!(${condition})`;
  return [{ kind: "condition", at: first.at, length, replacement }];
}

/** The index of the first token from `from` on that ends it, outside of brackets opened since; or of a bracket closed that was not. 0 where it is too far away. */
function endOf(tokens: readonly CodeToken[], from: number, ends: (token: CodeToken) => boolean): number {
  let depth = 0;
  const until = Math.min(tokens.length, from + MAX_AHEAD);
  for (let index = from; index < until; index++) {
    const token = tokens[index];
    if (token === undefined) break;
    if (depth === 0 && ends(token)) return index;
    if (token.kind !== "operator") continue;
    if (["(", "[", "{"].includes(token.text)) depth++;
    else if ([")", "]", "}"].includes(token.text) && --depth < 0) return index;
  }
  return until === tokens.length ? until : 0;
}
