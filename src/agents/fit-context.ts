import { compactNext, type Shortened } from "./compact-context.ts";
import type { Context } from "./context.ts";

/** After a compaction so much of the room is to be free, or each further turn would compact again and lose the cache. */
const AIM = 3 / 4;

export type Fitted = {
  readonly context: Context;
  readonly tokens: number;
  /** What was shortened, in order; empty when the context fitted as it was. */
  readonly shortened: readonly Shortened[];
  /** Tokens before anything was shortened. */
  readonly tokensBefore: number;
};

/**
 * Makes a context fit into `roomTokens`, by the rule of `compactNext`, and says what it did. What comes out
 * may still be larger than the room, when nothing more may be shortened: then `tokens` says so.
 *
 * `count` tells the tokens of a whole prompt. A context that fits is given back as it is.
 */
export async function fitContext(
  context: Context,
  roomTokens: number,
  count: (context: Context) => Promise<number>,
): Promise<Fitted> {
  const tokensBefore = await count(context);
  if (tokensBefore <= roomTokens) return { context, tokens: tokensBefore, shortened: [], tokensBefore };
  const shortened: Shortened[] = [];
  let fitted = context;
  let tokens = tokensBefore;
  // Each step shortens a stretch that was not shortened before, so the context itself is the bound.
  while (tokens > roomTokens * AIM) {
    const next = compactNext(fitted);
    if (next === undefined) break;
    fitted = next.context;
    shortened.push(next.shortened);
    tokens = await count(fitted);
  }
  return { context: fitted, tokens, shortened, tokensBefore };
}
