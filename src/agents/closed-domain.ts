import { parse } from "yaml";
import { z } from "zod";

const Family = z.strictObject({
  key: z.string(),
  /** The model's own sentence for the family; `{n}` stands for the number of a family that has one. */
  summary: z.string(),
  parameters: z.int().positive(),
  number: z.strictObject({ min: z.int(), max: z.int() }).optional(),
  /** Words that may occur in a goal of this family, beside the frame's. */
  words: z.array(z.string()),
  /** Of each group at least one word or phrase must occur. */
  groups: z.array(z.array(z.string())),
  /** Words and phrases, to the letter, that mean another job. */
  exclude: z.array(z.string()),
});

const Domain = z.strictObject({
  version: z.literal(1),
  languages: z.record(z.string(), z.array(z.string())),
  frame: z.array(z.string()),
  framePhrases: z.array(z.string()),
  numberWords: z.record(z.string(), z.int()),
  families: z.array(Family),
});

type DomainFamily = z.infer<typeof Family>;

export type ClosedDomain = z.infer<typeof Domain>;

/**
 * Parses `domain.yaml`.
 *
 * @throws {z.ZodError} when the text isn't a domain of version 1.
 */
export function readClosedDomain(yamlText: string): ClosedDomain {
  return Domain.parse(parse(yamlText));
}

/**
 * The families whose vocabulary covers every word of `goal`, as the summaries a model should
 * answer with, the number filled in where the family has one. Empty: outside the domain.
 *
 * Pure. A goal belongs to a family when each of its words is a frame word, the name of the
 * function or a word of the family, when every group of the family is met, and when nothing in
 * it is excluded. A goal that is nothing but a name ("is_prime in Python") is judged by the
 * words the name is made of.
 */
export function familiesOf(goal: string, domain: ClosedDomain): readonly string[] {
  const frame = stems(domain.frame);
  const subject = findSubject(goal, frame);
  const found = familiesWith(subject, domain, frame);
  // What only looked like a name may have been the job itself ("FizzBuzz in TypeScript, from 1 to n").
  return found.length > 0 || subject.marked ? found : familiesWith(nameless(goal), domain, frame);
}

function familiesWith(subject: Subject, domain: ClosedDomain, frame: ReadonlySet<string>): readonly string[] {
  const spoken = withoutLanguage(plainWords(withoutPhrases(subject.rest, domain.framePhrases)), domain);
  if (spoken === undefined) return [];
  const wordless = spoken.every((word) => word === NAME || frame.has(stem(word)));
  const words = wordless ? identifierWords(subject.name) : spoken;
  if (words.length === 0) return [];
  return domain.families.flatMap((family) => {
    if (subject.arguments !== undefined && subject.arguments !== family.parameters) return [];
    const number = family.number === undefined ? undefined : onlyNumber(words, domain);
    if (family.number !== undefined) {
      if (number === undefined || number < family.number.min || number > family.number.max) return [];
    }
    return covers(family, words, { frame, number, domain }) ? [family.summary.replace("{n}", String(number))] : [];
  });
}

/** The name that `goal` marks as the function's, and the language it names; each undefined when it leaves that open. */
export function namedIn(
  goal: string,
  domain: ClosedDomain,
): { readonly name: string | undefined; readonly language: string | undefined } {
  const frame = stems(domain.frame);
  const subject = findSubject(goal, frame);
  const words = plainWords(subject.rest);
  const isName = subject.marked || (subject.likely && familiesWith(subject, domain, frame).length > 0);
  const language = Object.entries(domain.languages).find(([, names]) => words.some((word) => names.includes(word)));
  return { name: isName && subject.name !== "" ? subject.name : undefined, language: language?.[0] };
}

/** Whether the `summary` of a model's spec names one of `families`. A `{n}` left in a family stands for any number. */
export function agrees(summary: string, families: readonly string[]): boolean {
  const said = summary.trim().toLowerCase();
  return families.some((family) => {
    const [before = "", after] = family.toLowerCase().split("{n}");
    if (after === undefined) return said === before;
    const number = said.slice(before.length, said.length - after.length);
    return said === `${before}${number}${after}` && /^\d+$/.test(number);
  });
}

/** What to tell a person the domain can do: a line to say so, then a line a family. */
export function describeDomain(domain: ClosedDomain): string {
  const languages = Object.keys(domain.languages).join(" or ");
  const jobs = domain.families.map((family) => `- ${family.summary.replace("{n}", "N")}`);
  return `Functions in ${languages}, one or up to eight in a goal, with their tests; each does one of these:\n${jobs.join("\n")}`;
}

/** Stands where the function's name stood, so that no phrase reaches across it. */
const NAME = "§";

type Subject = {
  readonly name: string;
  /** How many arguments the goal writes after the name, when it does. */
  readonly arguments: number | undefined;
  /** The goal with the name taken out. */
  readonly rest: string;
  /** Whether the goal marks it as a name, rather than it merely standing where a name may stand. */
  readonly marked: boolean;
  /** Whether it stands where hardly anything but a name does: "function total that …". */
  readonly likely: boolean;
};

// In this order: what is marked as a name goes before what merely looks like one.
const NAME_PATTERNS: readonly RegExp[] = [
  /[`"“]([A-Za-z_]\w*)(?:\([^)]*\))?[`"”]/u,
  /\b(?:called|named|with the name|name the function|name it|call the function|call it)\s+([A-Za-z_]\w*)/iu,
  /\b([A-Za-z_]\w*)\([^)]*\)/u,
  /\b([A-Za-z]\w*_\w+)\b/u,
  /\b([a-z][a-z0-9]*[A-Z]\w*)\b/u,
  /\b([a-z]+\d+)\b(?<!python3)/u,
  /\bfunction\s+([A-Za-z]\w*)(?=\s*(?:[,.:;]|$|\s(?:that|which|to|for|in|using|with|and|whose|-|from|[a-z]+(?:ing|s)\b)))/iu,
  /\b(?:implement|define|write|create)\s+([A-Za-z]\w*)(?=\s*(?:[,.:;]|\s(?:that|which|to|for|in|using|with|whose|-)\b))/iu,
  /^\s*([A-Za-z]\w*)(?=\s*:|\s+in\s)/iu,
];

const UNMARKED_FROM = 6;
const UNLIKELY_FROM = 8;

/** `frame`: stems of words that are never a name, unless they are marked as one. */
function findSubject(goal: string, frame: ReadonlySet<string>): Subject {
  for (const [index, pattern] of NAME_PATTERNS.entries()) {
    const name = pattern.exec(goal)?.[1];
    if (name === undefined || /^(?:python3?|py|typescript|ts)$/i.test(name)) continue;
    if (index > 2 && (frame.has(stem(name.toLowerCase())) || name.length < 2)) continue;
    const written = new RegExp(`\\b${name}\\(([^)]*)\\)`, "u").exec(goal)?.[1]?.trim() ?? "";
    return {
      name,
      arguments: written === "" ? undefined : written.split(",").length,
      rest: `${withoutName(goal, name, pattern)} ${strangeTypes(written)}`,
      marked: index < UNMARKED_FROM,
      likely: index < UNLIKELY_FROM,
    };
  }
  return nameless(goal);
}

function nameless(goal: string): Subject {
  return { name: "", arguments: undefined, rest: goal, marked: true, likely: true };
}

/** The types of an argument list that no family has: `file` in `(n: number, to: file)`. */
function strangeTypes(list: string): string {
  const types = list.split(",").map((argument) => argument.split(":")[1]?.trim() ?? "");
  return types.filter((type) => !/^(?:number|string|boolean|int|float|str|list)?\b[[\]]*$/u.test(type)).join(" ");
}

/** A name that is also an ordinary word ("called average") goes only where it is marked as a name. */
function withoutName(goal: string, name: string, pattern: RegExp): string {
  const call = new RegExp(`\\b${name}\\([^)]*\\)(?:\\s*:\\s*(?:number|string|boolean)(?:\\[\\])*(?!\\w))?`, "gu");
  const rest = goal.replace(call, ` ${NAME} `);
  if (/[_\dA-Z]/u.test(name.slice(1))) return rest.replaceAll(new RegExp(`\\b${name}\\b`, "gu"), ` ${NAME} `);
  return rest.replace(pattern, (match) => match.replace(new RegExp(`\\b${name}\\b`, "u"), ` ${NAME} `));
}

function withoutPhrases(text: string, phrases: readonly string[]): string {
  return phrases.reduce(
    (rest, phrase) => rest.replaceAll(new RegExp(`\\b${phrase.replaceAll(" ", "\\s+")}\\b`, "giu"), " "),
    text,
  );
}

/** The words without those that name the language; undefined when two languages are named. */
function withoutLanguage(words: readonly string[], domain: ClosedDomain): readonly string[] | undefined {
  const named = Object.values(domain.languages).filter((names) => words.some((word) => names.includes(word)));
  if (named.length > 1) return undefined;
  return words.filter((word) => !(named[0] ?? []).includes(word));
}

/** Lower-cased words, numbers, and operators that stand alone. */
function plainWords(text: string): readonly string[] {
  const plain = text
    .toLowerCase()
    .replaceAll(/['’]/gu, "")
    .replaceAll(/(?<=[a-z])-(?=[a-z])/gu, " ");
  return (
    plain.match(/§|[a-z]!|-?\d+(?:[.,/]\d+)*(?:[a-z]+)?|[a-z]+\d*|(?<=\s)[-+*/](?=\s)|[^\s\w,.:;!?()"`“”\-[\]]+/gu) ??
    []
  );
}

/** `isPrime`, `is_prime` and `add5` as words. */
function identifierWords(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1 $2")
    .replaceAll(/([A-Za-z])(\d)/gu, "$1 $2")
    .toLowerCase()
    .split(/[\s_]+/u)
    .filter((word) => word !== "");
}

/** A crude stem, the same for "square", "squares", "squared" and "squaring"; only equality counts. */
function stem(word: string): string {
  if (word.length <= 3) return word.replace(/([a-z])\1$/u, "$1");
  let base = word.endsWith("ss") ? word : word.replace(/s$/u, "");
  base = base.replace(/ie[sd]?$/u, "y");
  if (base.length > 5) base = base.replace(/ing$/u, "");
  if (base.length > 4) base = base.replace(/ed$/u, "");
  base = base.replace(/e$/u, "").replace(/([a-z])\1$/u, "$1");
  return base.replace(/is$/u, "iz");
}

function stems(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map(stem));
}

/** The number of a goal that holds just one, in digits or as a word. */
function onlyNumber(words: readonly string[], domain: ClosedDomain): number | undefined {
  const numbers = new Set(
    words.flatMap((word) => (isNumber(word, domain) ? [domain.numberWords[word] ?? Number(word)] : [])),
  );
  return numbers.size === 1 ? [...numbers][0] : undefined;
}

function isNumber(word: string, domain: ClosedDomain): boolean {
  return /^\d+$/u.test(word) || Object.hasOwn(domain.numberWords, word);
}

type Vocabulary = {
  readonly frame: ReadonlySet<string>;
  readonly number: number | undefined;
  readonly domain: ClosedDomain;
};

function covers(family: DomainFamily, words: readonly string[], vocabulary: Vocabulary): boolean {
  const own = stems(family.words);
  const known = (word: string): boolean =>
    word === NAME ||
    vocabulary.frame.has(stem(word)) ||
    own.has(stem(word)) ||
    (vocabulary.number !== undefined && isNumber(word, vocabulary.domain));
  if (!words.every(known)) return false;
  const literal = ` ${words.join(" ")} `;
  if (family.exclude.some((phrase) => literal.includes(` ${spaced(phrase)} `))) return false;
  const stemmed = ` ${words.map(stem).join(" ")} `;
  const occurs = (phrase: string): boolean => stemmed.includes(` ${spaced(phrase).split(" ").map(stem).join(" ")} `);
  return family.groups.every((group) => group.some(occurs));
}

/** A phrase as {@link plainWords} splits a goal: hyphens between letters are spaces. */
function spaced(phrase: string): string {
  return phrase.replaceAll(/(?<=[a-z])-(?=[a-z])/gu, " ");
}
