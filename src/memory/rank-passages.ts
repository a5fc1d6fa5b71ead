/** What a search looks through: `text` is ranked, whatever else a passage carries is handed back. */
export type Passage = { readonly text: string };

export type RankedPassage<Kind extends Passage> = {
  readonly passage: Kind;
  /** BM25, above 0; comparable within one ranking only. */
  readonly score: number;
  /** The share of the query's weight whose words are in the passage, 0 to 1; comparable between rankings. */
  readonly covered: number;
};

/** How much one more occurrence of a word counts, and how much a long passage is held against it. */
const SATURATION = 1.2;
const LENGTH_PENALTY = 0.75;

/**
 * The passages that share words with `query`, the best first, at most `limit`; equals keep their order. Pure.
 *
 * Okapi BM25 (Robertson and Zaragoza, 2009) with the inverse document frequency kept above zero.
 */
export function rankPassages<Kind extends Passage>(
  query: string,
  passages: readonly Kind[],
  limit: number,
): RankedPassage<Kind>[] {
  const terms = [...new Set(wordsOf(query))];
  const counted = passages.map((passage) => ({ passage, ...countWords(passage.text) }));
  const averageLength = counted.reduce((sum, { length }) => sum + length, 0) / (counted.length || 1);
  const weights = new Map(
    terms.map((term) => [term, rarity(counted.length, counted.filter(({ counts }) => counts.has(term)).length)]),
  );
  const all = [...weights.values()].reduce((sum, weight) => sum + 1 + weight, 0);
  const ranked = counted.map(({ passage, counts, length }) => {
    let score = 0;
    let found = 0;
    for (const [term, weight] of weights) {
      const count = counts.get(term);
      if (count === undefined) continue;
      const norm = 1 - LENGTH_PENALTY + (LENGTH_PENALTY * length) / averageLength;
      score += (weight * count * (SATURATION + 1)) / (count + SATURATION * norm);
      found += 1 + weight;
    }
    return { passage, score, covered: all === 0 ? 0 : found / all };
  });
  return ranked
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, limit);
}

/**
 * The words that a text is found by: lower case, without those that say nothing and without a plural's ending. A name
 * such as `maxRetries` or `max_retries` is found by itself and by its parts. Pure.
 */
export function wordsOf(text: string): string[] {
  const names = text.normalize("NFKC").match(/[\p{L}\p{N}_]+/gu) ?? [];
  return names.flatMap((name) => {
    const parts = name
      .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2")
      .split("_")
      .filter((part) => part !== "");
    const words = parts.length > 1 ? [parts.join(""), ...parts] : parts;
    return words.map((word) => singular(word.toLowerCase())).filter((word) => !EMPTY_WORDS.has(word));
  });
}

function countWords(text: string): { readonly counts: ReadonlyMap<string, number>; readonly length: number } {
  const words = wordsOf(text);
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return { counts, length: words.length };
}

function rarity(passages: number, having: number): number {
  return Math.log(1 + (passages - having + 0.5) / (having + 0.5));
}

function singular(word: string): string {
  return word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

const EMPTY_WORDS = new Set(
  (
    "a about an and are as at be by can do does for from how i if in into is it its me my of on or our should so that " +
    "the their then there thi to use using we what when where which why will with you your"
  ).split(" "),
);
