/** What a timer says, and when it speaks. All lengths are milliseconds. */

import type { LedgerEntry } from "../api";

const MINUTE = 60_000;

/** How much is left of a section when it is announced: half, 10, 5 and 1 minutes. */
export function marksOf(length_ms: number): number[] {
  const fixed = [10, 5, 1].map((minutes) => minutes * MINUTE);
  // Half of a short section is so near to a mark of its own that it would speak twice.
  const half = length_ms / 2;
  const marks = fixed.filter((mark) => mark < length_ms);
  const near = marks.some((mark) => Math.abs(mark - half) < MINUTE);
  return (near ? marks : [half, ...marks]).sort((a, b) => b - a);
}

/**
 * The mark that was passed between two looks at the clock, the last one if several were.
 *
 * A computer that slept passes many: the one that is true now is enough. Time that was given back
 * may pass a mark twice; then it is said twice.
 */
export function passed(before_ms: number, left_ms: number, marks: readonly number[]): number | null {
  return marks.filter((mark) => mark < before_ms && left_ms <= mark && left_ms > 0).at(-1) ?? null;
}

/**
 * What is left, in steps that do not draw the eye: minutes, rounded up. In the last one each second
 * counts, and whoever does not want to see them hides the timer.
 *
 * A second is left out, so that an offset of the clocks makes no 21 minutes of 20.
 */
export function rounded(left_ms: number): number {
  const certain_ms = left_ms - 1000;
  const step = certain_ms > MINUTE ? MINUTE : 1000;
  return Math.max(0, Math.ceil(certain_ms / step) * step);
}

/** What was added to a section since it began, whole s; `back` if it was all lost before. */
export function given(
  ledger: readonly LedgerEntry[],
  section: string,
): { length_ms: number; back: boolean } {
  const mine = ledger.filter((entry) => entry.section === section);
  const sum = mine.reduce((seconds, entry) => seconds + entry.seconds, 0);
  // What a proctor gives need not be for anything that was lost.
  const back = mine.every(({ cause }) => cause !== "proctor");
  return { length_ms: Math.max(0, Math.floor(sum)) * 1000, back };
}
