import type { SimpleCommand } from "./shell-command.ts";
import { type Match, matchWildcard } from "./match-wildcard.ts";

const MAX_WORD_CHARS = 4096;

/** What a call does with a path: it reads it alone, or all that is below it too, or changes it. */
export type PathUse = "read" | "walk" | "change";

/**
 * Whether a plain path is one of those that `pattern` means. `maybe`: but for upper and lower case, or it is the
 * folder of them; or it is a folder above, which can't be moved, removed or read through without them. Pure.
 */
export function matchPath(pattern: string, path: string, use: PathUse): Match {
  if (pattern === "**") return "yes";
  const [wanted, parts] = [pattern.split("/"), partsOf(path)];
  if (goOver(wanted, parts) === "whole") return "yes";
  const end = goOver(fold(wanted), fold(parts));
  if (end === "whole" || end === "folder") return "maybe";
  if (end === "above") return use === "read" ? "no" : "maybe";
  return end === "anywhere" && use === "walk" ? "maybe" : "no";
}

/** What of a command may be a path, made ready to be compared. */
export type PathsInCommand = {
  /** Some of it is only known when it runs. */
  readonly anything: boolean;
  /** Some of it is the whole workspace, or a folder above it. */
  readonly everything: boolean;
  readonly paths: readonly { readonly parts: readonly string[]; readonly elsewhere: boolean }[];
};

/** The words and redirections of a command as paths: `a/b`, `--file=a/b`, `if=a/b`, `@a/b`, `-Ca/b`, `HEAD:a/b`. Pure. */
export function pathsInCommand({ words, redirections }: SimpleCommand): PathsInCommand {
  const all = [...words.slice(1), ...redirections.map(({ path }) => path)];
  const texts = [
    ...new Set(all.flatMap(({ text }) => (text.length > MAX_WORD_CHARS ? [] : partsThatMayBePaths(text)))),
  ];
  return {
    // What is put in may begin with `..`: what stands before it says nothing.
    anything: all.some(({ dynamic }) => dynamic),
    everything: texts.some(isEverything),
    paths: texts.flatMap((text) => {
      const parts = fold(partsOf(text)).filter((part) => part !== "..");
      // From the root, or from wherever the command stands by then.
      return parts.length === 0 ? [] : [{ parts, elsewhere: text.startsWith("/") || text.includes("..") }];
    }),
  };
}

function partsThatMayBePaths(text: string): readonly string[] {
  const joined = text.split(/[=:,@]/).filter((part) => !part.startsWith("//"));
  return [text, text.slice(text.indexOf("=") + 1), text.replace(/^-[A-Za-z]/, ""), ...joined];
}

/** The workspace, what is above it, and what goes up from where the command stands by then. */
function isEverything(text: string): boolean {
  if (text === "") return false;
  const parts = partsOf(text);
  return parts.length === 0 || parts.at(-1) === ".." || (text.startsWith("/") && parts.join("/") === "workspace");
}

/**
 * Whether some of them may be, or hold, a path that `pattern` means, or be a folder above; what a program does beyond
 * its words is not known. Pure.
 */
export function touchesPath(pattern: string, { anything, everything, paths }: PathsInCommand): Match {
  const wanted = fold(pattern.split("/"));
  const anywhere = ["**", ...wanted];
  const isTouched = paths.some(({ parts, elsewhere }) => {
    const end = goOver(elsewhere ? anywhere : wanted, parts);
    return end !== "none" && end !== "anywhere";
  });
  return anything || everything || isTouched ? "maybe" : "no";
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function fold(parts: readonly string[]): readonly string[] {
  return parts.map((part) => part.normalize("NFKC").toLowerCase());
}

/**
 * How far a path goes along a pattern: to its end, to the folder of what it means, to a folder above that, or nowhere.
 * Any folder at all may be above what begins with `**`: that is `anywhere`.
 */
function goOver(
  wanted: readonly string[],
  parts: readonly string[],
): "whole" | "folder" | "above" | "anywhere" | "none" {
  let states = open(new Set([0]), wanted);
  for (const part of parts) {
    const next = new Set<number>();
    for (const state of states) {
      const name = wanted[state];
      if (name === "**") next.add(state);
      if (name === "**" && state === wanted.length - 1) next.add(wanted.length);
      else if (name !== undefined && matchWildcard(name, part)) next.add(state + 1);
    }
    if (next.size === 0) return "none";
    states = open(next, wanted);
  }
  if (states.has(wanted.length)) return "whole";
  if (wanted.at(-1) === "**" && states.has(wanted.length - 1)) return "folder";
  return [...states].some((state) => wanted[state] !== "**" && wanted[state - 1] !== "**") ? "above" : "anywhere";
}

/** `**` stands for any number of folders, and for none unless it is the last. */
function open(states: ReadonlySet<number>, wanted: readonly string[]): ReadonlySet<number> {
  const all = new Set(states);
  for (const state of all) {
    if (wanted[state] !== "**") continue;
    if (state + 1 < wanted.length) all.add(state + 1);
  }
  return all;
}
