import { usageError } from "../base/errors.ts";
import { BUILT_IN_LANGUAGES } from "./built-in-languages.ts";
import type { Language, LanguageId } from "./language.ts";

/** The language called `name`, in any case and by its common short forms. Pure. */
export function findLanguage(name: string, languages: readonly Language[] = BUILT_IN_LANGUAGES): Language | undefined {
  const asked = name.trim().toLowerCase();
  return (
    languages.find(({ id, name: own }) => id === asked || own.toLowerCase() === asked) ??
    languages.find(({ aliases }) => aliases.includes(asked))
  );
}

/** The languages a spec may name, and the id of whatever it calls one of them. Pure. */
export function knownLanguages(languages: readonly Language[]): {
  readonly names: readonly string[];
  readonly find: (name: string) => LanguageId | undefined;
} {
  return { names: languages.map(({ id }) => id), find: (name) => findLanguage(name, languages)?.id };
}

/** The languages that one of a goal's words is a name of; `except` are words that do not count. Pure. */
export function namedLanguages(
  goal: string,
  languages: readonly Language[],
  except: readonly string[] = [],
): readonly Language[] {
  const words = goal
    .toLowerCase()
    .split(/[^\p{L}\p{N}+#.]+/u)
    .map((word) => word.replace(/\.+$/, ""));
  const counting = new Set(words.filter((word) => !except.includes(word)));
  return languages.filter(({ id, name, aliases }) =>
    [id, name.toLowerCase(), ...aliases].some((word) => counting.has(word)),
  );
}

/** @throws `tools/language` for one that is not among `languages`. */
export function requireLanguage(id: LanguageId, languages: readonly Language[] = BUILT_IN_LANGUAGES): Language {
  const found = findLanguage(id, languages);
  if (found !== undefined) return found;
  throw usageError("tools/language", refuseLanguage(id, languages));
}

/** What is told to whoever asks for a language that nobody has described: which there are, and how to add one. Pure. */
export function refuseLanguage(name: string, languages: readonly Language[] = BUILT_IN_LANGUAGES): string {
  const known = languages.map((language) => language.name).toSorted();
  const list = known.length < 2 ? known.join("") : `${known.slice(0, -1).join(", ")} and ${known.at(-1)}`;
  const asked = JSON.stringify(name.trim().slice(0, 40));
  return (
    `ATOS can't build in ${asked}: it knows ${list}. ` +
    "To add a language, describe it in a file of its own, languages/NAME.yaml in the folder of ATOS's data (ATOS_HOME), as languages/go.yaml of the program does."
  );
}
