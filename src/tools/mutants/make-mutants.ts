import type { CodeFamily } from "./code-tokens.ts";
import { type MutationKind, type MutationSite, mutationSites } from "./mutation-sites.ts";

export type MutantSource = {
  readonly path: string;
  readonly text: string;
  /** The text with everything blanked out that is no code at run time, such as types: as long as the text. Default: the text. */
  readonly code?: string;
};

export type Mutant = {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly kind: MutationKind;
  /** The line as it is, and as the mutant has it. */
  readonly before: string;
  readonly after: string;
  /** The whole file of the mutant. */
  readonly text: string;
};

const FAMILIES: Readonly<Record<string, CodeFamily>> = {
  python: "python",
  typescript: "javascript",
  javascript: "javascript",
  go: "go",
};

/** How code of the language is read, or undefined where no mutants can be made of it. */
export function codeFamily(language: string): CodeFamily | undefined {
  return Object.hasOwn(FAMILIES, language) ? FAMILIES[language] : undefined;
}

/**
 * At most `most` mutants of the files, each with one small change: in turn of each file, in each of its functions in
 * turn, of the kinds and lines used least so far. The best come first. Pure, and the same for the same files.
 */
export function makeMutants(files: readonly MutantSource[], language: string, most: number): readonly Mutant[] {
  const family = codeFamily(language);
  if (family === undefined) return [];
  const groups = inTurn(files.map((file) => functionsOf(file, family)));
  const uses = new Map<string, number>();
  const chosen: Mutant[] = [];
  for (let round = 0; chosen.length < most && groups.some(({ sites }) => sites.length > 0); round++) {
    for (const { file, sites } of groups) {
      if (chosen.length >= most) break;
      const site = takeLeastUsed(file, sites, uses);
      if (site !== undefined) chosen.push(mutantOf(file, site));
    }
  }
  return chosen;
}

type Group = { readonly file: MutantSource; readonly sites: MutationSite[] };

function functionsOf(file: MutantSource, family: CodeFamily): readonly Group[] {
  const { text, code = text } = file;
  if (code.length !== text.length) return [];
  const groups = new Map<number, MutationSite[]>();
  for (const site of mutationSites(code, family)) {
    const sites = groups.get(site.functionIndex);
    if (sites === undefined) groups.set(site.functionIndex, [site]);
    else sites.push(site);
  }
  return spread([...groups.values()]).map((sites) => ({ file, sites: spread(sites) }));
}

/** The first of each list, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

/** The same items in an order whose beginnings lie evenly over the whole: the middle, the middles of the halves, and so on. */
function spread<T>(items: readonly T[]): T[] {
  const ordered: T[] = [];
  let ranges = [items];
  while (ranges.length > 0) {
    const next: (readonly T[])[] = [];
    for (const range of ranges) {
      const middle = Math.floor(range.length / 2);
      ordered.push(...range.slice(middle, middle + 1));
      next.push(range.slice(0, middle), range.slice(middle + 1));
    }
    ranges = next.filter(({ length }) => length > 0);
  }
  return ordered;
}

/** Takes a site out of `sites`: of a line nothing was changed in yet before all others, then of the rarest kind. */
function takeLeastUsed(file: MutantSource, sites: MutationSite[], uses: Map<string, number>): MutationSite | undefined {
  const used = (key: string): number => uses.get(key) ?? 0;
  const placeOf = (site: MutationSite): string => `${file.path}:${site.line}`;
  const costs = sites.map((site) => used(placeOf(site)) * 1000 + used(site.kind));
  const [site] = sites.splice(costs.indexOf(Math.min(...costs)), 1);
  if (site !== undefined) for (const key of [placeOf(site), site.kind]) uses.set(key, used(key) + 1);
  return site;
}

function mutantOf({ path, text }: MutantSource, { at, length, replacement, line, kind }: MutationSite): Mutant {
  const changed = text.slice(0, at) + replacement + text.slice(at + length);
  return { path, line, kind, before: lineOf(text, line), after: lineOf(changed, line), text: changed };
}

function lineOf(text: string, line: number): string {
  return text.split("\n")[line - 1]?.trim() ?? "";
}
