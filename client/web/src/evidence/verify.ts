/**
 * Verifies a bundle, step by step, with nothing but its bytes and the server's public key.
 *
 * The steps stand in `STEPS`, in order; the first that does not hold is the last one tried. What no
 * step can show stands in `NOT_PROVEN`. The twin of `proctor/evidence/verify.py`.
 */

import type { Bytes } from "./bytes";
import { EvidenceError } from "./errors";
import type { VerifierKey } from "./key";
import { Known, Refuted } from "./known";
import { STEPS } from "./steps";

export const NOT_PROVEN: readonly string[] = [
  "That the camera was real: a device's key shows that nothing was changed or left out after it " +
    "was recorded, not what stood before the lens.",
  "That the device's clock was right: times inside a log are its own, and the server's times " +
    "only bracket them.",
  "That nothing is missing at a log's end: a log cut back to an earlier receipt verifies too, if " +
    "the server seals it so. The learner's own last receipt, if longer, shows it.",
  "That the server showed everyone the same log: that takes an outside witness's cosignature.",
];

/** One numbered step and what came of it. */
export interface Step {
  readonly number: number;
  readonly title: string;
  readonly held: boolean;
  /** What held, in words; or why it did not. */
  readonly detail: string;
  /** Of a failure: whose log. */
  readonly device: string | null;
  /** Of a failure: which record, by its seq. */
  readonly record: number | null;
}

/** What verifying a bundle showed, in the form that `proctor verify --json` writes. */
export interface Report {
  readonly holds: boolean;
  /** The key everything rests on; "" when the bundle was not even readable. */
  readonly server_key: string;
  /** false: it was taken from the bundle, so compare it with the published one. */
  readonly key_was_given: boolean;
  readonly steps: readonly Step[];
  /** Titles of the steps after the one that failed. */
  readonly not_tried: readonly string[];
  readonly not_proven: readonly string[];
}

/** How far verification is: the step being taken, from 1, and how much of it is done, 0 to 1. */
export interface Progress {
  readonly step: number;
  readonly done: number;
}

/**
 * Verifies a bundle. It never rejects because of what the bytes are; it does where the browser
 * can't: `NotSupportedError`, when it has no Ed25519.
 *
 * `serverKey` is the server's published key, from /.well-known/proctor-keys.json. Without it the
 * bundle's own is taken, and all that is shown is that the bundle is of one piece. The bytes must
 * not change meanwhile.
 */
export async function verify(
  data: Bytes,
  given: { serverKey?: VerifierKey | null; onProgress?: (progress: Progress) => void } = {},
): Promise<Report> {
  const { serverKey = null, onProgress } = given;
  const known = new Known(data, serverKey);
  const steps: Step[] = [];
  for (const [index, [title, run]] of STEPS.entries()) {
    const step = { number: index + 1, title, device: null, record: null };
    const share = (done: number): void => onProgress?.({ step: step.number, done });
    share(0);
    try {
      steps.push({ ...step, held: true, detail: await run(known, share) });
    } catch (error) {
      steps.push({ ...step, held: false, ...failure(error) });
      break;
    }
    share(1);
  }
  return {
    holds: steps.length === STEPS.length && steps.every(({ held }) => held),
    server_key: known.serverKey?.encode() ?? "",
    key_was_given: serverKey !== null,
    steps,
    not_tried: STEPS.slice(steps.length).map(([title]) => title),
    not_proven: NOT_PROVEN,
  };
}

function failure(error: unknown): Partial<Step> & { detail: string } {
  if (error instanceof Refuted) {
    return { detail: error.message, device: error.device, record: error.record };
  }
  if (error instanceof EvidenceError) return { detail: error.message };
  throw error;
}
