export type CodeFamily = "python" | "javascript" | "go";

export type CodeToken = {
  /** `line-end` stands for a line break that may end a statement; comments and blanks leave nothing. */
  readonly kind: "word" | "number" | "string" | "operator" | "line-end";
  readonly text: string;
  /** Offset in the code. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
};

type Rules = { readonly blank: RegExp; readonly string: RegExp; readonly number: RegExp; readonly operator: RegExp };

/* A string that is never closed ends where nothing can follow, so none of these goes back to try again. */
const NUMBER = /0[xXoObB][\da-fA-F_]+n?|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?[njJi]?/y;
const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy;
const PYTHON: Rules = {
  blank: /(?:[^\S\n]|#[^\n]*|\\\r?\n)+/y,
  // Between the braces of an f-string may stand the very quote that it is in.
  string:
    /[rRbBuU]{0,2}(?:"""(?:\\[^]|(?!""")[^\\])*(?:""")?|'''(?:\\[^]|(?!''')[^\\])*(?:''')?|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?)|[rR]?[fFtT][rR]?(?:"""(?:\\[^]|(?!""")[^\\])*(?:""")?|'''(?:\\[^]|(?!''')[^\\])*(?:''')?|"(?:\\[^]|\{\{|\{[^{}\n]*\}|[^"\\\n])*"?|'(?:\\[^]|\{\{|\{[^{}\n]*\}|[^'\\\n])*'?)/y,
  number: NUMBER,
  operator: /\*\*=?|\/\/=?|>>=?|<<=?|->|:=|\.\.\.|[-!=<>+*/%&|^@]=|[^\s]/y,
};
const C_BLANK = /(?:[^\S\n]|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?)+/y;
const QUOTED = /"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?/y;
const JAVASCRIPT: Rules = {
  blank: C_BLANK,
  string: QUOTED,
  number: NUMBER,
  operator: />>>=?|[!=]==|\*\*=?|<<=?|>>=?|&&=?|\|\|=?|\?\?=?|\?\.|=>|\+\+|--|\.\.\.|[-!=<>+*/%&|^]=|[^\s]/y,
};
const GO: Rules = {
  blank: C_BLANK,
  string: /"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?|`[^`]*`?/y,
  number: NUMBER,
  operator: /&\^=?|<<=?|>>=?|&&|\|\||<-|:=|\+\+|--|\.\.\.|[-!=<>+*/%&|^]=|[^\s]/y,
};
const RULES: Readonly<Record<CodeFamily, Rules>> = { python: PYTHON, javascript: JAVASCRIPT, go: GO };

// Of the length that patterns have, since one that is not closed is no pattern and was looked through for nothing.
const PATTERN = /\/(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}\]|[^/\\\n[]){1,500}\/[a-z]*/y;
/** After these a slash begins a pattern, after other words it divides. */
const BEFORE_PATTERN = new Set(["return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw"]);
const OPENING = new Set(["(", "[", "{"]);
const CLOSING = new Set([")", "]", "}"]);

/**
 * The tokens of a source file, comments left out and each string, template or pattern one token. Pure; takes time
 * in proportion to the text. Of code that can't be parsed it makes whatever comes of it.
 */
export function codeTokens(code: string, family: CodeFamily): readonly CodeToken[] {
  const rules = RULES[family];
  const tokens: CodeToken[] = [];
  const open: string[] = [];
  let line = 1;
  for (let at = 0; at < code.length; ) {
    const blanks = matchAt(rules.blank, code, at);
    const start = at + blanks.length;
    line += lineBreaks(blanks);
    if (start >= code.length) break;
    if (code[start] === "\n") {
      if (endsStatement(family, open)) tokens.push({ kind: "line-end", text: "\n", at: start, line });
      line++;
      at = start + 1;
      continue;
    }
    const token = { ...tokenAt(code, start, { family, before: tokens.at(-1) }), at: start, line };
    if (token.kind === "operator" && OPENING.has(token.text)) open.push(token.text);
    if (token.kind === "operator" && CLOSING.has(token.text)) open.pop();
    tokens.push(token);
    line += lineBreaks(token.text);
    at = start + token.text.length;
  }
  return tokens;
}

function tokenAt(
  code: string,
  at: number,
  { family, before }: { readonly family: CodeFamily; readonly before: CodeToken | undefined },
): Pick<CodeToken, "kind" | "text"> {
  const rules = RULES[family];
  const string = family === "javascript" && code[at] === "`" ? template(code, at) : matchAt(rules.string, code, at);
  if (string !== "") return { kind: "string", text: string };
  const pattern = family === "javascript" && mayBePattern(before) ? matchAt(PATTERN, code, at) : "";
  // As a string of a kind that nobody empties.
  if (pattern !== "") return { kind: "string", text: pattern };
  const number = matchAt(rules.number, code, at);
  if (number !== "") return { kind: "number", text: number };
  const word = matchAt(WORD, code, at);
  if (word !== "") return { kind: "word", text: word };
  return { kind: "operator", text: matchAt(rules.operator, code, at) || code.charAt(at) };
}

/** Inside brackets a line break means nothing; the braces of C hold statements, those of Python don't. */
function endsStatement(family: CodeFamily, open: readonly string[]): boolean {
  return family === "python" ? open.length === 0 : open.length === 0 || open.at(-1) === "{";
}

function mayBePattern(before: CodeToken | undefined): boolean {
  if (before === undefined || before.kind === "line-end") return true;
  if (before.kind === "word") return BEFORE_PATTERN.has(before.text);
  return before.kind === "operator" && !CLOSING.has(before.text);
}

/** A template with all that stands between its braces, templates among it. */
function template(code: string, start: number): string {
  const open = ["`"];
  let at = start + 1;
  for (; at < code.length && open.length > 0; at++) {
    const character = code.charAt(at);
    if (character === "\\") at++;
    else if (open.at(-1) === "`") {
      if (character === "`") open.pop();
      else if (character === "$" && code[at + 1] === "{") {
        open.push("{");
        at++;
      }
    } else if (character === "`" || character === "{") open.push(character);
    else if (character === "}") open.pop();
    else at += Math.max(0, matchAt(QUOTED, code, at).length - 1);
  }
  return code.slice(start, at);
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

function lineBreaks(text: string): number {
  return text.split("\n").length - 1;
}
