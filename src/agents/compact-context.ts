import type { Context, ContextMessage, ContextPart, Segment } from "./context.ts";

/** How much of a stretch is left: the beginning and the end, which say most of a command's output or of a file. */
const SUMMARY_CHARACTERS = 320;
const HEAD_SHARE = 2 / 3;
/** A stretch that would give back less than this stays whole. */
const WORTH_CHARACTERS = 64;

/** One stretch that was shortened, in characters. */
export type Shortened = { readonly part: ContextPart; readonly from: number; readonly to: number };

/**
 * Shortens the next stretch of a context that has to become smaller; undefined when nothing is left that
 * may be. Pure. The order is the rule:
 *
 * 1. observations and recalled notes, oldest first, but for those of the last message;
 * 2. the model's own replies, oldest first, but for the last one;
 * 3. the observations of the last message;
 * 4. the last reply.
 *
 * Role, tools, rules, goal, frozen tests, the work to be judged and corrections are never touched.
 */
export function compactNext(
  context: Context,
  limit: number = SUMMARY_CHARACTERS,
): { readonly context: Context; readonly shortened: Shortened } | undefined {
  const place = nextPlace(context, limit);
  if (place === undefined) return undefined;
  const segment = summarised(place.segment, limit);
  return {
    context: replaced(context, place, segment),
    shortened: { part: segment.part, from: place.segment.text.length, to: segment.text.length },
  };
}

type Place = { readonly message: number; readonly index: number; readonly segment: Segment };

function nextPlace(context: Context, limit: number): Place | undefined {
  const last = context.length - 1;
  const lastReply = context.findLastIndex(({ role }) => role === "assistant");
  const places = context.flatMap(({ segments }, message) =>
    segments.map((segment, index): Place => ({ message, index, segment })),
  );
  const rounds: readonly ((place: Place) => boolean)[] = [
    ({ message, segment }) => message < last && isGiven(segment),
    ({ message, segment }) => message < lastReply && segment.part === "reply",
    ({ message, segment }) => message === last && isGiven(segment),
    ({ segment }) => segment.part === "reply",
  ];
  for (const chosen of rounds) {
    const found = places.find((place) => chosen(place) && summarised(place.segment, limit) !== place.segment);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isGiven({ part }: Segment): boolean {
  return part === "observation" || part === "recall";
}

/** The same segment when it is short enough, as one that was shortened before is. */
function summarised(segment: Segment, limit: number): Segment {
  const text = summaryOf(segment.text, limit);
  return text.length < segment.text.length ? { ...segment, text } : segment;
}

/**
 * Beginning and end of a text, and how much is missing between them; at most `limit` characters and the note.
 * A summary of a summary is that summary.
 */
export function summaryOf(text: string, limit: number = SUMMARY_CHARACTERS): string {
  const head = whole(text.slice(0, Math.ceil(limit * HEAD_SHARE)));
  const tail = whole(text.slice(text.length - Math.floor(limit * (1 - HEAD_SHARE))));
  const missing = text.length - head.length - tail.length;
  const note = `\n[… ${missing} characters left out …]\n`;
  return missing - note.length < WORTH_CHARACTERS ? text : head + note + tail;
}

/** Without half a character at either end. */
function whole(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]/, "").replace(/[\uD800-\uDBFF]$/, "");
}

function replaced(context: Context, { message, index }: Place, segment: Segment): Context {
  return context.map((one, position): ContextMessage => {
    if (position !== message) return one;
    return { ...one, segments: one.segments.with(index, segment) };
  });
}
