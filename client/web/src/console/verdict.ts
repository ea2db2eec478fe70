/** What a proctor has filled in, what is still missing, and what a verdict will do. */

import type { Flag, FlagJudgement, Judgement, Outcome, Review, VerdictGiven } from "../api";

export const OUTCOMES: readonly Outcome[] = ["clear", "breach", "inconclusive", "void"];
export const JUDGEMENTS: readonly Judgement[] = ["upheld", "not-upheld", "cannot-tell"];
export const REASONS_MOST = 4000;

export interface Draft {
  outcome: Outcome | null;
  reasons: string;
  judged: Readonly<Record<string, Judgement>>;
}

export const EMPTY: Draft = { outcome: null, reasons: "", judged: {} };

/** What a form lacks, in the order in which it stands on the page. */
export type Missing = { what: "judgement"; flag: string } | { what: "outcome" | "reasons" | "shorter" };

/** The flags a verdict speaks about. Quality is never counted, so there is nothing to uphold. */
export function judgeable(flags: readonly Flag[]): Flag[] {
  return flags.filter((flag) => flag.flag_class === "conduct");
}

/** Judges one flag; the same judgement again takes it back. */
export function judge(draft: Draft, flag: string, judgement: Judgement): Draft {
  const { [flag]: before, ...others } = draft.judged;
  return { ...draft, judged: before === judgement ? others : { ...others, [flag]: judgement } };
}

export function missing(draft: Draft, flags: readonly Flag[]): Missing[] {
  const out: Missing[] = judgeable(flags)
    .filter(({ flag }) => draft.judged[flag] === undefined)
    .map(({ flag }) => ({ what: "judgement", flag }));
  if (draft.outcome === null) out.push({ what: "outcome" });
  if (draft.reasons.trim() === "") out.push({ what: "reasons" });
  // The server counts characters as Python does: code points, not UTF-16 units.
  else if ([...draft.reasons.trim()].length > REASONS_MOST) out.push({ what: "shorter" });
  return out;
}

/** The verdict to send, or null while something is missing. */
export function given(draft: Draft, flags: readonly Flag[]): VerdictGiven | null {
  if (draft.outcome === null || missing(draft, flags).length > 0) return null;
  const judged: FlagJudgement[] = judgeable(flags).flatMap(({ flag }) => {
    const outcome = draft.judged[flag];
    return outcome === undefined ? [] : [{ flag, outcome }];
  });
  return { outcome: draft.outcome, reasons: draft.reasons.trim(), flags: judged };
}

/** What giving this verdict does next. The server decides; this is what the page promises. */
export type Effect = "decides" | "asks-second" | "confirms" | "asks-third" | "settles";

export function effectOf(review: Review, outcome: Outcome): Effect {
  switch (review.state) {
    case "second-needed":
      return outcome === "breach" ? "confirms" : "asks-third";
    case "third-needed":
      return "settles";
    default:
      return outcome === "breach" && (review.adverse_needs ?? 2) > 1 ? "asks-second" : "decides";
  }
}

/** A breach stays with a person: it is asked for once more before it is sent. */
export function needsConfirming(outcome: Outcome): boolean {
  return outcome === "breach";
}

/** Whether the draft says something that its flags do not carry: asked, never refused. */
export function doubt(draft: Draft): "breach-without-upheld" | "clear-with-upheld" | null {
  const upheld = Object.values(draft.judged).includes("upheld");
  if (draft.outcome === "breach" && !upheld) return "breach-without-upheld";
  if (draft.outcome === "clear" && upheld) return "clear-with-upheld";
  return null;
}
