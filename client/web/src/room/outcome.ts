/** What became of a session, as its learner is told: GET /api/v1/session/outcome. */

import { fieldsOf } from "./items";

export interface JudgedFlag {
  words: string;
  /** upheld, not-upheld or cannot-tell; null where nobody judged it by itself. */
  outcome: string | null;
}

export interface Result {
  points: number;
  possible: number;
  /** Null while answers that a person must score could change it. */
  passed: boolean | null;
  /** How many answers a person must score. */
  awaiting: number;
}

export interface Outcome {
  /** State of the review. */
  review: string;
  /** Once decided. */
  flags: JudgedFlag[];
  /** Once released. */
  result: Result | null;
  /** Results were released without a verdict: nobody had to judge it. */
  releasedUnjudged: boolean;
  /** The policy keeps results back for now. */
  held: boolean;
  /** A mail server took a copy of the receipt. */
  mailed: boolean;
}

export function outcomeOf(told: unknown): Outcome {
  const { review, flags, released_unjudged, results, results_held, receipt_mailed } = fieldsOf(told);
  return {
    review: typeof review === "string" ? review : "awaiting",
    flags: (Array.isArray(flags) ? flags : []).flatMap(flagOf),
    result: resultOf(results),
    releasedUnjudged: released_unjudged === true,
    held: results_held === true,
    mailed: receipt_mailed === true,
  };
}

function flagOf(flag: unknown): JudgedFlag[] {
  const { words, outcome } = fieldsOf(flag);
  if (typeof words !== "string") return [];
  return [{ words, outcome: typeof outcome === "string" ? outcome : null }];
}

function resultOf(results: unknown): Result | null {
  const { points, possible, passed, awaiting } = fieldsOf(results);
  if (typeof points !== "number" || typeof possible !== "number") return null;
  return {
    points,
    possible,
    passed: typeof passed === "boolean" ? passed : null,
    awaiting: Array.isArray(awaiting) ? awaiting.length : 0,
  };
}
