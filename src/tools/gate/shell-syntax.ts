// oxlint-disable max-lines -- one pass over the text, with one method for each construct; it need not be chopped
import { refuseRunner } from "./refuse-runner.ts";
import type { Redirection, ShellWord, SimpleCommand } from "./shell-command.ts";
import { Unreadable } from "./unreadable.ts";

/** What a command line says, before wrappers are looked through. */
export type ShellSyntax = { readonly commands: readonly SimpleCommand[]; readonly altered: boolean };

const MAX_DEPTH = 24;
const MAX_COMMANDS = 2000;
const NAME = /^[A-Za-z_]\w*$/;
const ADDS = /^[A-Za-z_]\w*\+=/;
/** Read differently, or not at all, by one of the shells that `/bin/sh` may be. */
const FOREIGN = new Set(["[[", "function", "select", "coproc", "let"]);
const RESERVED = new Set(["if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for"]);
const META = new Set([" ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")"]);
/** What `$((…))` may hold without running anything. */
const ARITHMETIC = /[\w \t\n+\-*/%<>=!&|^~?:,()]/;

/** A word with what only the grammar asks: is it quoted, is it an assignment? */
type Read = ShellWord & { readonly quoted: boolean; readonly assigns: boolean };

type HereDocument = { readonly mark: string; readonly literal: boolean; readonly tabs: boolean };

/**
 * Reads a POSIX shell command line into its simple commands, in one pass: what quotes, comments, here-documents,
 * substitutions and compound commands come to. What shells disagree about is not read.
 *
 * @throws {Unreadable}
 */
export function readShellSyntax(text: string, depth: number): ShellSyntax {
  const reader = new ShellReader(text, depth);
  reader.readAll();
  return { commands: reader.commands, altered: reader.altered };
}

class ShellReader {
  readonly commands: SimpleCommand[] = [];
  altered = false;
  readonly #text: string;
  #depth: number;
  #at = 0;
  #hereDocuments: HereDocument[] = [];

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  readAll(): void {
    this.#list(new Set());
    if (this.#at < this.#text.length) throw new Unreadable(`"${this.#text[this.#at]}" stands where no command is`);
    this.#noHereDocuments();
  }

  /** Commands until one of the words `ends`, a `)`, a `;;` or the end; that is left to be read. */
  #list(ends: ReadonlySet<string>): void {
    this.#deeper();
    for (;;) {
      this.#skipBlankLines();
      const at = this.#at;
      if (this.#isOver() || this.#keyword(ends) !== undefined) break;
      this.#pipeline();
      this.#skipBlanks();
      if (this.#take("&&") || this.#take("||")) continue;
      // `|&` and `&>` are one operator in some shells and two in others.
      if (this.#text.startsWith("|&", this.#at) || this.#text.startsWith("&>", this.#at))
        throw new Unreadable(
          `"${this.#text.slice(this.#at, this.#at + 2)}" means different things to different shells`,
        );
      if (this.#take("|") || this.#take("&")) continue;
      if (!this.#text.startsWith(";;", this.#at) && this.#take(";")) continue;
      if (this.#text[this.#at] === "\n") continue;
      if (this.#isOver() || this.#at === at) break;
      throw new Unreadable(`"${this.#text[this.#at]}" stands where a command ends`);
    }
    this.#depth--;
  }

  /** One command with its `!`; what joins it to the next is read by the list. */
  #pipeline(): void {
    while (this.#takeKeyword("!")) this.#skipBlanks();
    const char = this.#text[this.#at];
    if (char === "(") {
      if (this.#text[this.#at + 1] === "(") throw new Unreadable('"((" means different things to different shells');
      this.#at++;
      this.#list(new Set());
      this.#expect(")");
      return this.#compoundEnd();
    }
    if (this.#takeKeyword("{")) {
      this.#list(new Set(["}"]));
      this.#expectKeyword("}");
      return this.#compoundEnd();
    }
    if (this.#takeKeyword("if")) return this.#ifCommand();
    if (this.#takeKeyword("while") || this.#takeKeyword("until")) {
      this.#list(new Set(["do"]));
      return this.#doGroup();
    }
    if (this.#takeKeyword("for")) return this.#forCommand();
    if (this.#takeKeyword("case")) return this.#caseCommand();
    this.#simpleCommand();
  }

  #ifCommand(): void {
    this.#list(new Set(["then"]));
    this.#expectKeyword("then");
    for (;;) {
      this.#list(new Set(["elif", "else", "fi"]));
      if (this.#takeKeyword("elif")) {
        this.#list(new Set(["then"]));
        this.#expectKeyword("then");
      } else if (!this.#takeKeyword("else")) break;
    }
    this.#expectKeyword("fi");
    this.#compoundEnd();
  }

  #forCommand(): void {
    this.#skipBlanks();
    const name = this.#word();
    if (name.dynamic || name.quoted || !NAME.test(name.text)) throw new Unreadable('behind "for" there is no name');
    this.altered = true;
    this.#skipBlankLines();
    if (this.#takeKeyword("in")) {
      for (this.#skipBlanks(); this.#startsWord(); this.#skipBlanks()) this.#word();
      if (this.#text[this.#at] !== "\n") this.#expect(";");
    } else this.#take(";");
    this.#skipBlankLines();
    this.#doGroup();
  }

  #doGroup(): void {
    this.#expectKeyword("do");
    this.#list(new Set(["done"]));
    this.#expectKeyword("done");
    this.#compoundEnd();
  }

  #caseCommand(): void {
    this.#skipBlanks();
    this.#word();
    this.#skipBlankLines();
    this.#expectKeyword("in");
    for (;;) {
      this.#skipBlankLines();
      if (this.#takeKeyword("esac")) break;
      this.#take("(");
      do {
        this.#skipBlanks();
        this.#word();
        this.#skipBlanks();
      } while (this.#take("|"));
      this.#expect(")");
      this.#list(new Set(["esac"]));
      this.#skipBlanks();
      if (this.#take(";;")) {
        // ";;&" falls through in some shells.
        if (this.#text[this.#at] === "&") throw new Unreadable('";;&" means different things to different shells');
        continue;
      }
      this.#expectKeyword("esac");
      break;
    }
    this.#compoundEnd();
  }

  /** Behind a compound command only redirections may stand. */
  #compoundEnd(): void {
    const redirections = this.#redirections();
    if (redirections.length > 0) this.#found({ words: [], redirections, wrapper: false });
    if (this.#startsWord()) throw new Unreadable("words stand behind the end of a compound command");
  }

  #redirections(): Redirection[] {
    const found: Redirection[] = [];
    for (;;) {
      this.#skipBlanks();
      const redirection = this.#redirection();
      if (redirection === undefined) return found;
      if (redirection !== "none") found.push(redirection);
    }
  }

  #simpleCommand(): void {
    const words: ShellWord[] = [];
    const redirections: Redirection[] = [];
    const start = this.#at;
    for (;;) {
      redirections.push(...this.#redirections());
      if (!this.#startsWord()) break;
      const word = this.#word();
      if (words.length === 0 && word.assigns) {
        refuseRunner(word.text);
        this.altered = true;
        continue;
      }
      if (words.length === 0 && ADDS.test(word.text))
        throw new Unreadable('"+=" means different things to different shells');
      if (words.length === 0 && !word.quoted && !word.dynamic) this.#refuseKeyword(word.text);
      words.push({ text: word.text, dynamic: word.dynamic });
    }
    if (this.#text[this.#at] === "(") throw new Unreadable("a function or an array is not read");
    if (this.#at === start) throw new Unreadable(`a command is missing before "${this.#text[start] ?? "the end"}"`);
    if (words.length > 0 || redirections.length > 0) this.#found({ words, redirections, wrapper: false });
  }

  #refuseKeyword(text: string): void {
    if (FOREIGN.has(text)) throw new Unreadable(`"${text}" is not read`);
    if (RESERVED.has(text) || text === "}") throw new Unreadable(`"${text}" stands where no command is open for it`);
  }

  #found(command: SimpleCommand): void {
    this.commands.push(command);
    if (this.commands.length > MAX_COMMANDS) throw new Unreadable(`more than ${MAX_COMMANDS} commands`);
  }

  /** `none`: one that opens no file. */
  #redirection(): Redirection | "none" | undefined {
    const text = this.#text;
    let at = this.#at;
    while (isDigit(text[at])) at++;
    const sign = text[at];
    if (sign !== "<" && sign !== ">") return undefined;
    if (at - this.#at > 1) throw new Unreadable("descriptors above 9 mean different things to different shells");
    this.#at = at + 1;
    if (text[this.#at] === "(") throw new Unreadable("process substitution is not read");
    if (sign === "<" && this.#take("<")) return this.#hereDocument();
    const copies = this.#take("&");
    if (!copies) this.#take(sign === "<" ? ">" : text[this.#at] === "|" ? "|" : ">");
    const mode = sign === "<" && text[this.#at - 1] !== ">" ? "read" : "write";
    this.#skipBlanks();
    if (!this.#startsWord()) throw new Unreadable("a redirection leads nowhere");
    const { text: target, dynamic } = this.#word();
    if (copies && !dynamic && /^(?:\d|-|\d-)$/.test(target)) return "none";
    return { mode: copies ? "write" : mode, path: { text: target, dynamic } };
  }

  #hereDocument(): "none" {
    if (this.#text[this.#at] === "<") throw new Unreadable("here-strings are not read");
    const tabs = this.#take("-");
    this.#skipBlanks();
    if (!this.#startsWord()) throw new Unreadable("a here-document has no end mark");
    const { text, dynamic, quoted } = this.#word();
    if (dynamic || text.includes("\n")) throw new Unreadable("the end mark of a here-document is not plain");
    this.#hereDocuments.push({ mark: text, literal: quoted, tabs });
    return "none";
  }

  /** At a line break: the lines that belong to the here-documents that were opened before it. */
  #hereDocumentBodies(): void {
    const pending = this.#hereDocuments;
    this.#hereDocuments = [];
    for (const { mark, literal, tabs } of pending) {
      const start = this.#at;
      for (;;) {
        if (this.#at >= this.#text.length) throw new Unreadable(`the here-document ${JSON.stringify(mark)} has no end`);
        const from = this.#at;
        const end = this.#text.indexOf("\n", from);
        this.#at = end < 0 ? this.#text.length : end + 1;
        const line = this.#text.slice(from, end < 0 ? undefined : end);
        if ((tabs ? line.replace(/^\t+/, "") : line) === mark) {
          if (!literal) this.#expansionsOf(this.#text.slice(start, from));
          break;
        }
        // Joined with the next line, the end mark would be none.
        if (!literal && line.endsWith("\\"))
          throw new Unreadable("a here-document has a line that ends with a backslash");
      }
    }
  }

  /** What is run inside the text of a here-document. */
  #expansionsOf(body: string): void {
    const inner = new ShellReader(body, this.#depth + 1);
    while (inner.#at < body.length) {
      if (body[inner.#at] === "\\") inner.#at += 2;
      else if (body[inner.#at] === "`") inner.#backquoted();
      else if (body[inner.#at] === "$") inner.#dollar(true);
      else inner.#at++;
    }
    this.#takeOver(inner);
  }

  #takeOver({ commands, altered }: ShellReader): void {
    for (const command of commands) this.#found(command);
    this.altered ||= altered;
  }

  // --- words ---

  #word(): Read {
    const text = this.#text;
    let plain = "";
    let dynamic = false;
    let quoted = false;
    let assigns = false;
    const start = this.#at;
    const add = (piece: string): void => {
      if (!dynamic) plain += piece;
    };
    for (; this.#at < text.length; ) {
      const char = text[this.#at] ?? "";
      if (META.has(char)) break;
      if (char === "\\") {
        if (text[this.#at + 1] === undefined) throw new Unreadable("it ends with a backslash");
        if (text[this.#at + 1] !== "\n") {
          quoted = true;
          add(text[this.#at + 1] ?? "");
        }
        this.#at += 2;
      } else if (char === "'") {
        quoted = true;
        const end = text.indexOf("'", this.#at + 1);
        if (end < 0) throw new Unreadable("a ' is not closed");
        add(text.slice(this.#at + 1, end));
        this.#at = end + 1;
      } else if (char === '"') {
        quoted = true;
        dynamic = this.#doubleQuoted(add) || dynamic;
      } else if (char === "$" || char === "`") {
        const expands = char === "`" ? this.#backquoted() : this.#dollar(false);
        if (expands) dynamic = true;
        else add("$");
      } else {
        if (char === "=" && !quoted && !dynamic && !assigns) assigns = NAME.test(plain);
        // Patterns, braces and home folders become something else. A lone `{}` does not.
        const tilde = char === "~" && (this.#at === start || text[this.#at - 1] === ":" || text[this.#at - 1] === "=");
        const brace = char === "{" && text[this.#at + 1] !== "}";
        const bracket = char === "[" && !this.#isTest(start);
        if (tilde || brace || bracket || char === "*" || char === "?") dynamic = true;
        add(char);
        this.#at++;
      }
    }
    if (this.#at === start) throw new Unreadable(`a word is missing before "${text[start] ?? "the end"}"`);
    return { text: plain, dynamic, quoted, assigns };
  }

  /** Whether the word that begins at `start` is `[` or `[[`, and so no pattern. */
  #isTest(start: number): boolean {
    const end = start + (this.#text[start + 1] === "[" ? 2 : 1);
    return this.#text[start] === "[" && this.#at < end && META.has(this.#text[end] ?? " ");
  }

  /** Whether something in it is put in by the shell. */
  #doubleQuoted(add: (piece: string) => void): boolean {
    const text = this.#text;
    let dynamic = false;
    for (this.#at++; ; ) {
      const char = text[this.#at];
      if (char === undefined) throw new Unreadable('a " is not closed');
      if (char === '"') break;
      if (char === "\\") {
        const next = text[this.#at + 1] ?? "";
        if (next !== "\n" && !dynamic) add('$`"\\'.includes(next) ? next : `\\${next}`);
        this.#at += 2;
      } else if (char === "`" || char === "$") {
        const expands = char === "`" ? this.#backquoted() : this.#dollar(true);
        if (expands && !dynamic) dynamic = true;
        else if (!expands && !dynamic) add("$");
      } else {
        if (!dynamic) add(char);
        this.#at++;
      }
    }
    this.#at++;
    return dynamic;
  }

  /** At a `$`. False: it stands for itself. */
  #dollar(inQuotes: boolean): boolean {
    const text = this.#text;
    const next = text[++this.#at] ?? "";
    if (next === "(") {
      if (text[this.#at + 1] === "(") return this.#arithmetic();
      this.#at++;
      this.#substitution();
      return true;
    }
    if (next === "{") {
      this.#at++;
      this.#parameter();
      return true;
    }
    if (next === "[" || (!inQuotes && (next === "'" || next === '"')))
      throw new Unreadable(`"$${next}" means different things to different shells`);
    if (/[A-Za-z_]/.test(next)) {
      while (/\w/.test(text[this.#at] ?? "")) this.#at++;
      return true;
    }
    if (next !== "" && "0123456789@*#?-$!".includes(next)) {
      this.#at++;
      return true;
    }
    // Joined lines: what follows is found behind them by the shell, and not here.
    if (next === "\\" && text[this.#at + 1] === "\n") throw new Unreadable("a line break stands within an expansion");
    return false;
  }

  #substitution(): void {
    const outer = this.#hereDocuments;
    const start = this.#at;
    this.#hereDocuments = [];
    this.#list(new Set());
    this.#noHereDocuments();
    this.#expect(")");
    this.#hereDocuments = outer;
    // Whether the text of the outer here-document begins inside is for each shell to say.
    if (outer.length > 0 && this.#text.slice(start, this.#at).includes("\n"))
      throw new Unreadable("a line ends within a substitution, and a here-document waits for its text");
  }

  #arithmetic(): true {
    let open = 0;
    for (this.#at += 2; ; this.#at++) {
      const char = this.#text[this.#at] ?? "";
      if (char === "(") open++;
      if (char === ")" && open-- === 0) break;
      if (char === "=") this.altered = true;
      if (!(ARITHMETIC.test(char) || (char === "$" && /\w/.test(this.#text[this.#at + 1] ?? ""))))
        throw new Unreadable("arithmetic that is not plain is not read");
    }
    this.#expect(")");
    this.#expect(")");
    return true;
  }

  /** Behind `${`. */
  #parameter(): void {
    this.#deeper();
    const text = this.#text;
    // `${ …; }` runs commands in some shells, and `${!x}` takes a name from a variable.
    if (!/[\w#*?$-]/.test(text[this.#at] ?? "")) throw new Unreadable('a "${" that is not plain is not read');
    for (;;) {
      const char = text[this.#at];
      if (char === undefined) throw new Unreadable('a "${" is not closed');
      if (char === "}") break;
      if (char === "\\") this.#at += 2;
      else if (char === "`") this.#backquoted();
      else if (char === "$") this.#dollar(true);
      else if (char === '"') this.#doubleQuoted(() => {});
      // Whether a ' quotes in here depends on the shell and on the quotes around it; and `@P` runs what is in a variable.
      else if (char === "'" || char === "@" || char === "[" || char === "{" || char === "\n")
        throw new Unreadable(`"\${…}" with ${JSON.stringify(char)} in it is not read`);
      else {
        // `${X=…}` sets a variable.
        if (char === "=") this.altered = true;
        this.#at++;
      }
    }
    this.#at++;
    this.#depth--;
  }

  #backquoted(): true {
    const end = this.#text.indexOf("`", this.#at + 1);
    if (end < 0) throw new Unreadable("a ` is not closed");
    const inside = this.#text.slice(this.#at + 1, end);
    if (inside.includes("\\")) throw new Unreadable("a backslash stands between backquotes");
    this.#depth++;
    this.#refuseDepth();
    const inner = new ShellReader(inside, this.#depth);
    inner.readAll();
    this.#takeOver(inner);
    this.#depth--;
    this.#at = end + 1;
    return true;
  }

  // --- small steps ---

  #deeper(): void {
    this.#depth++;
    this.#refuseDepth();
  }

  #refuseDepth(): void {
    if (this.#depth > MAX_DEPTH) throw new Unreadable(`nested more than ${MAX_DEPTH} deep`);
  }

  #noHereDocuments(): void {
    if (this.#hereDocuments.length > 0) throw new Unreadable("a here-document has no text");
  }

  /** Blanks, joined lines and a comment. */
  #skipBlanks(): void {
    for (; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === "\\" && this.#text[this.#at + 1] === "\n") this.#at++;
      else if (char !== " " && char !== "\t") break;
    }
    if (this.#text[this.#at] !== "#") return;
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #skipBlankLines(): void {
    for (this.#skipBlanks(); this.#text[this.#at] === "\n"; this.#skipBlanks()) {
      this.#at++;
      this.#hereDocumentBodies();
    }
  }

  #isOver(): boolean {
    const char = this.#text[this.#at];
    return char === undefined || char === ")" || this.#text.startsWith(";;", this.#at);
  }

  #startsWord(): boolean {
    const char = this.#text[this.#at];
    return char !== undefined && !META.has(char);
  }

  #take(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#take(mark)) throw new Unreadable(`"${mark}" is missing`);
  }

  /** The unquoted word of `words` that stands here, joined lines within it included. */
  #keyword(words: ReadonlySet<string>): { readonly text: string; readonly end: number } | undefined {
    let word = "";
    let at = this.#at;
    for (; word.length < 6; at++) {
      const char = this.#text[at];
      if (char === "\\" && this.#text[at + 1] === "\n") at++;
      else if (char === undefined || META.has(char)) break;
      else word += char;
    }
    return words.has(word) && (this.#text[at] === undefined || META.has(this.#text[at] ?? ""))
      ? { text: word, end: at }
      : undefined;
  }

  #takeKeyword(word: string): boolean {
    const found = this.#keyword(new Set([word]));
    if (found === undefined) return false;
    this.#at = found.end;
    return true;
  }

  #expectKeyword(word: string): void {
    this.#skipBlankLines();
    if (!this.#takeKeyword(word)) throw new Unreadable(`"${word}" is missing`);
  }
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}
