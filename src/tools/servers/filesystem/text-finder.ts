/** Up to here the engine's own search is fast whatever the text; a longer one can take it the product of both lengths. */
const MAX_PLAIN = 250;

/**
 * Finds `search` as `text.indexOf(search, from)` does, in time in proportion to the text's length also where both were
 * made to be slow (Knuth, Morris and Pratt, 1977). Pure.
 */
export function textFinder(search: string): (text: string, from: number) => number {
  if (search.length <= MAX_PLAIN) return (text, from) => text.indexOf(search, from);
  const borders = bordersOf(search);
  return (text, from) => {
    let known = 0;
    for (let at = from; at < text.length; at++) {
      known = extended(search, borders, { known, code: text.charCodeAt(at) });
      if (known === search.length) return at + 1 - known;
    }
    return -1;
  };
}

type Step = { readonly known: number; readonly code: number };

/** How many characters of `search` end the text that was seen, once `code` follows it. */
function extended(search: string, borders: Int32Array, { known, code }: Step): number {
  let length = known;
  while (length > 0 && search.charCodeAt(length) !== code) length = borders[length - 1] ?? 0;
  return search.charCodeAt(length) === code ? length + 1 : 0;
}

/** For each beginning of `search` its longest end, other than itself, that is a beginning too. */
function bordersOf(search: string): Int32Array {
  const borders = new Int32Array(search.length);
  for (let at = 1; at < search.length; at++)
    borders[at] = extended(search, borders, { known: borders[at - 1] ?? 0, code: search.charCodeAt(at) });
  return borders;
}
