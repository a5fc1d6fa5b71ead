import type { ShellWord } from "./shell-command.ts";
import { programName } from "./shell-wrappers.ts";
import { type Match, matchWildcard } from "./match-wildcard.ts";

/** How far a reading of the words has come along the pattern. Behind an option any words may be its values. */
type State = { readonly token: number; readonly afterOption: boolean };

/**
 * Whether the words of one command are those of `pattern`. `yes`: word for word. `maybe`: with words that are only
 * known when it runs, by another path of the program, or with options that the pattern does not name, so that
 * `git push **` is also `/usr/bin/git -C x push`. Pure; linear in the number of words.
 */
export function matchCommand(pattern: string, words: readonly ShellWord[]): Match {
  const tokens = pattern.split(" ").filter((token) => token !== "");
  const [program, ...rest] = words;
  if (tokens[0] === "**") return "yes";
  if (program === undefined) return "no";
  if (isExact(tokens, words)) return "yes";
  if (program.dynamic) return "maybe";
  const name = tokens[0] ?? "";
  const isProgram = [program.text, programName(program.text)].some((text) =>
    matchWildcard(name.toLowerCase(), text.toLowerCase()),
  );
  return isProgram && mayFollow(tokens, rest) ? "maybe" : "no";
}

function isExact(tokens: readonly string[], words: readonly ShellWord[]): boolean {
  const isOpen = tokens.at(-1) === "**";
  const fixed = isOpen ? tokens.slice(0, -1) : tokens;
  if (words.length < fixed.length || (!isOpen && words.length > fixed.length)) return false;
  return fixed.every((token, index) => isWord(token, words[index]));
}

function isWord(token: string, word: ShellWord | undefined): boolean {
  return word !== undefined && !word.dynamic && matchWildcard(token, word.text);
}

function mayFollow(tokens: readonly string[], words: readonly ShellWord[]): boolean {
  const isEnd = ({ token }: State): boolean => token === tokens.length || tokens[token] === "**";
  let states: readonly State[] = [{ token: 1, afterOption: false }];
  for (const word of words) {
    if (states.some(({ token }) => tokens[token] === "**")) return true;
    if (word.dynamic && states.some((state) => mayBecome(word, tokens[state.token]) || state.afterOption)) return true;
    states = states.flatMap((state) => stepsOf(state, tokens[state.token], word));
    if (states.length === 0) return false;
    states = states.filter((state, index) => states.findIndex((other) => isSame(state, other)) === index);
  }
  return states.some(isEnd);
}

function stepsOf(state: State, token: string | undefined, word: ShellWord): readonly State[] {
  const steps: State[] = [];
  if (token !== undefined && isWord(token, word)) steps.push({ token: state.token + 1, afterOption: false });
  if (state.afterOption || (!word.dynamic && word.text.startsWith("-"))) steps.push({ ...state, afterOption: true });
  return steps;
}

function isSame(one: State, other: State): boolean {
  return one.token === other.token && one.afterOption === other.afterOption;
}

/** It may become several words, an option among them, or none. */
function mayBecome({ text }: ShellWord, token: string | undefined): boolean {
  if (text === "" || text.startsWith("-")) return true;
  const start = token?.split("*", 1)[0];
  return start !== undefined && (start.startsWith(text) || (text.startsWith(start) && start !== token));
}
