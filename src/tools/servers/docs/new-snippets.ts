import { wordsOf } from "../../../memory/rank-passages.ts";
import type { Snippet } from "./documentation-server.ts";

/** From this share of common words on, two texts say the same. */
const SAME = 0.8;

/** The snippets that say something which neither `known` nor one before them says, at most `limit`. Pure. */
export function newSnippets(snippets: readonly Snippet[], known: readonly string[], limit: number): Snippet[] {
  const seen = known.map((text) => new Set(wordsOf(text)));
  const fresh: Snippet[] = [];
  for (const snippet of snippets) {
    if (fresh.length === limit) break;
    const words = new Set(wordsOf(snippet.text));
    if (words.size === 0 || seen.some((other) => share(words, other) >= SAME)) continue;
    seen.push(words);
    fresh.push(snippet);
  }
  return fresh;
}

/** How much of the shorter text is in the other, 0 to 1. */
function share(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shorter = Math.min(one.size, other.size);
  // A few words are in any long text.
  if (shorter < 4) return one.size === other.size && one.isSubsetOf(other) ? 1 : 0;
  return one.intersection(other).size / shorter;
}
