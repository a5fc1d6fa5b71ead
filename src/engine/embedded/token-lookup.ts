const SHORTEST_MATCH = 2;
const LONGEST_MATCH = 8;

/**
 * Guesses the next tokens: where the last ones stood before, what followed them there. Takes the longest
 * match of two to eight tokens, the latest among equals, and at most `count` tokens of what follows.
 */
export function lookUp<Token>(history: readonly Token[], count: number): readonly Token[] {
  const end = history.length;
  let best = { length: SHORTEST_MATCH - 1, follows: end };
  for (let follows = end - 1; follows >= SHORTEST_MATCH && best.length < LONGEST_MATCH; follows--) {
    const length = matchLength(history, follows);
    if (length > best.length) best = { length, follows };
  }
  return history.slice(best.follows, best.follows + count);
}

/** How many tokens before `follows` are the same as those at the end. */
function matchLength<Token>(history: readonly Token[], follows: number): number {
  const most = Math.min(follows, LONGEST_MATCH);
  let length = 0;
  while (length < most && history[follows - 1 - length] === history[history.length - 1 - length]) length++;
  return length;
}
