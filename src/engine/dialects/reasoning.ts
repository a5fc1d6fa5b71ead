import type { Source } from "./source.ts";
import { matchAt } from "./white-space.ts";

const OPEN = /<think(?:ing)?>|\[THINK\]/iy;
const CLOSE = /<\/think(?:ing)?>|\[\/THINK\]/iy;
const END_MARKS =
  "<\\|(?:im_end|eot_id|eom_id|endoftext|end_of_turn|return)\\|>|</s>|<end_of_turn>|<[|｜]end[_▁]of[_▁]sentence[|｜]>";
const END = new RegExp(END_MARKS, "y");
const END_ANYWHERE = new RegExp(END_MARKS);
const ANALYSIS = /(?:<\|start\|>assistant)?<\|channel\|>analysis[^<\n]{0,40}<\|message\|>/y;
const ANALYSIS_ENDS = ["<|end|>", "<|start|>", "<|channel|>", "<|return|>", "<|call|>"];

/** A block of reasoning: where it starts and ends, and the reasoning within it. */
export type ReasoningBlock = {
  readonly end: number;
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
};

/** The block of reasoning that opens at `at`. One that never closes swallows the rest. */
export function readReasoning(source: Source, at: number): ReasoningBlock | undefined {
  const { text } = source;
  const open = matchAt(OPEN, text, at)?.[0];
  if (open !== undefined) {
    const from = at + open.length;
    const close = open.startsWith("[") ? "[/THINK]" : `</${open.slice(1)}`;
    const to = source.find(close, from);
    return to < 0
      ? { from, to: text.length, end: text.length, open: true }
      : { from, to, end: to + close.length, open: false };
  }
  const analysis = matchAt(ANALYSIS, text, at)?.[0];
  if (analysis === undefined) return undefined;
  const from = at + analysis.length;
  const ends = ANALYSIS_ENDS.map((mark) => source.find(mark, from)).filter((end) => end >= 0);
  if (ends.length === 0) return { from, to: text.length, end: text.length, open: true };
  const to = Math.min(...ends);
  return { from, to, end: text.startsWith("<|end|>", to) ? to + "<|end|>".length : to, open: false };
}

/** Behind a closing mark at `at` that no opening mark belongs to. */
export function loneReasoningEnd(text: string, at: number): number | undefined {
  const close = matchAt(CLOSE, text, at)?.[0];
  return close === undefined ? undefined : at + close.length;
}

/** Whether the turn ends here: a token that ends a message. */
export function endsTurn(text: string, at: number): boolean {
  return matchAt(END, text, at) !== undefined;
}

/** Whether such a token stands somewhere in a text. */
export function holdsTurnEnd(text: string): boolean {
  return END_ANYWHERE.test(text);
}
