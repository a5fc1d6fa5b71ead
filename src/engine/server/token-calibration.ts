/** Reports before a bound is believed to be too high. One says little of other texts. */
const REPORTS_TO_LOWER = 3;
/** Shorter prompts are mostly template, and say nothing of the text. */
const MIN_BOUND = 200;
/** What the next text may need beyond the worst that was seen. */
const MARGIN = 1.25;

/**
 * Corrects the bound on a prompt's tokens by what a server reported of earlier prompts.
 *
 * The bound is made for no tokenizer in particular and mostly about twice too high, so that half the
 * context would never be used. The correction is the largest part of the bound that was ever
 * reported, and a quarter more: it never falls below what was seen, and it rises above 1 at once when
 * the bound was too low. It holds for one model as long as it is open, and is forgotten with it.
 */
export class TokenCalibration {
  #reports = 0;
  #largest = 0;

  /** `bound` is the uncorrected one. */
  note(bound: number, reported: number): void {
    if (bound < MIN_BOUND && reported <= bound) return;
    this.#reports += 1;
    this.#largest = Math.max(this.#largest, reported / bound);
  }

  correct(bound: number): number {
    const factor = this.#largest * MARGIN;
    return factor > 1 || this.#reports >= REPORTS_TO_LOWER ? Math.ceil(bound * factor) : bound;
  }
}
