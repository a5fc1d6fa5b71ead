const MAX_SIGNATURE = 160;
/** What is larger was made by a program, not for readers; and the patterns below take the square of a line's length. */
const MAX_FILE = 256 * 1024;
const MAX_LINE = 2000;
/** A signature that is longer is cut anyway. */
const MAX_JOINED = 12;

/** A line that may begin a declaration, and its text, joined into one line, as it is told; "" for one that is none. */
type Scanner = { readonly begins: RegExp; readonly told: (line: string) => string };

const PYTHON: Scanner = {
  begins: /^(?:async\s+def|def|class)\s+\w/,
  told: (line) =>
    line
      .replace(/:\s*(?:#.*)?$/, "")
      .replace(/^((?:async\s+)?def .*?\)(?:\s*->\s*[^:]+)?|class\s+\w+(?:\(.*?\))?):.*$/, "$1"),
};

const SCRIPT: Scanner = {
  begins: /^(?:export\b|(?:declare\s+|abstract\s+|async\s+)*(?:function|class|interface|enum)\b)/,
  told: (line) => {
    if (/^export\s*(?:type\s*)?[*{]/.test(line)) return line.replace(/;$/, "");
    if (/\b(?:class|interface|enum)\s/.test(line)) return line.replace(/\s*\{.*$/, "");
    const value =
      /^(export\s+(?:default\s+)?(?:declare\s+)?(?:type|const|let|var)\s+[\w$]+(?![\w$])[^=]*)=(?!>)\s*(.*)$/.exec(
        line,
      );
    if (value === null) return withoutBody(line);
    const named = (value[1] ?? "").trimEnd();
    const right = value[2] ?? "";
    const arrow = /^((?:async\s*)?(?:<[^>]*>\s*)?(?:\(.*?\)(?:\s*:\s*[^=]+)?|\w+))\s*=>/.exec(right);
    return arrow === null || /^export\s+type\b/.test(line) ? named : `${named} = ${arrow[1]}`;
  },
};

const GO: Scanner = {
  begins: /^(?:func|type|var|const)\s+[\w(]/,
  told: (line) => {
    if (line.startsWith("func")) return withoutBody(line);
    if (/^(?:var|const)\s*\(/.test(line) || /^type\s*\(/.test(line)) return "";
    return line.replace(/\s*(?:\{.*|=.*)$/, "");
  },
};

/** By the endings of names. */
const SCANNERS: readonly (readonly [RegExp, Scanner])[] = [
  [/\.py$/, PYTHON],
  [/\.[cm]?[jt]sx?$/, SCRIPT],
  [/\.go$/, GO],
];

/**
 * The top-level declarations of a file in Python, TypeScript, JavaScript or Go, each with its signature on one line;
 * none for other files, and for one over 256 KiB or a line over 2,000 characters. Found line by line, not parsed: what
 * stands in a long string may be taken for one. Pure.
 */
export function declarationsOf(path: string, content: string): readonly string[] {
  const scanner = SCANNERS.find(([ending]) => ending.test(path))?.[1];
  if (scanner === undefined || content.length > MAX_FILE) return [];
  const lines = content.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.length > MAX_LINE || !scanner.begins.test(line)) return [];
    const told = scanner.told(joined(lines, index)).trim();
    return told === "" ? [] : [told.length <= MAX_SIGNATURE ? told : `${told.slice(0, MAX_SIGNATURE - 1)}…`];
  });
}

/** A declaration's name, for where its signature has no room. Pure. */
export function nameOf(declaration: string): string {
  const words =
    /^(?:(?:export|default|declare|abstract|async)\s+)*(?:def|class|function\*?|interface|enum|type|const|let|var|func)\s+(?:\([^)]*\)\s*)?([\w$]+)/;
  return words.exec(declaration)?.[1] ?? declaration;
}

/** The line with those after it until its parentheses are closed, cut where it gets too long. */
function joined(lines: readonly string[], index: number): string {
  let text = "";
  for (const line of lines.slice(index, index + MAX_JOINED)) {
    const next = line.slice(0, MAX_LINE);
    text = (text === "" ? next.trimEnd() : `${text} ${next.trim()}`).slice(0, MAX_LINE);
    if (open(text) <= 0 || text.length === MAX_LINE) break;
  }
  return text.replace(/([([])\s+/g, "$1").replace(/,?\s+([)\]])/g, "$1");
}

function open(text: string): number {
  return (text.match(/[([]/g)?.length ?? 0) - (text.match(/[)\]]/g)?.length ?? 0);
}

/** A function without its body: up to the brace that ends the line, else to the first after its parameters. */
function withoutBody(line: string): string {
  if (line.endsWith("{")) return line.slice(0, -1);
  return line.replace(/(\)[^{]*?)\s*\{.*\}\s*$/, "$1").replace(/;$/, "");
}
