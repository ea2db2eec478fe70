/** What a proctor has filled in, what is still missing, and what a verdict will do. */

import type { Flag, FlagJudgement, Judgement, Outcome, Review } from "../api";

export const OUTCOMES: readonly Outcome[] = ["clear", "breach", "inconclusive", "void"];
export const JUDGEMENTS: readonly Judgement[] = ["upheld", "not-upheld", "cannot-tell"];
export const REASONS_MOST = 4000;
/** Of one flag's reason, in code points. */
export const REASON_MOST = 500;

/** What a person says of one flag. */
export interface Judged {
  outcome: Judgement;
  reason: string;
}

export interface Draft {
  outcome: Outcome | null;
  reasons: string;
  judged: Readonly<Record<string, Judged>>;
}

/** A sentence to choose begins with it; untrue beside a flag that was upheld. */
export const NONE_UPHELD = "No flag was upheld.";

export const EMPTY: Draft = { outcome: null, reasons: "", judged: {} };

/** A sentence to choose for a session, and what it says the session is. */
export interface Sentence {
  outcome: Outcome;
  words: string;
  /** Only true where a flag is upheld, or where none is; undefined: either way. */
  upheld?: boolean;
}

/** What a form lacks, in the order in which it stands on the page. */
export type Missing =
  | { what: "judgement" | "flag-reason" | "flag-shorter"; flag: string }
  | { what: "outcome" | "reasons" | "shorter" | "untrue" | "own-words" };

/** The verdict's own part of what is sent. */
export interface Given {
  outcome: Outcome;
  reasons: string;
  flags: FlagJudgement[];
}

/** The flags a verdict speaks about. Quality is never counted, so there is nothing to uphold. */
export function judgeable(flags: readonly Flag[]): Flag[] {
  return flags.filter((flag) => flag.flag_class === "conduct");
}

/** Judges one flag; the same judgement again takes it back. A reason of one's own stays. */
export function judge(
  draft: Draft,
  flag: string,
  outcome: Judgement,
  sentences: readonly string[] = [],
): Draft {
  const { [flag]: before, ...others } = draft.judged;
  if (before?.outcome === outcome) return { ...draft, judged: others };
  const own = before !== undefined && !sentences.includes(before.reason) ? before.reason : "";
  return { ...draft, judged: { ...others, [flag]: { outcome, reason: own } } };
}

/** Gives a judged flag its reason. */
export function because(draft: Draft, flag: string, reason: string): Draft {
  const before = draft.judged[flag];
  if (before === undefined) return draft;
  return { ...draft, judged: { ...draft.judged, [flag]: { ...before, reason } } };
}

/** Takes a sentence for the session; words of one's own stay, and the sentence goes below them. */
export function sentence(draft: Draft, chosen: Sentence, all: readonly Sentence[]): Draft {
  const own = ownWords(draft, all);
  return {
    ...draft,
    outcome: chosen.outcome,
    reasons: own === "" ? chosen.words : `${own}\n${chosen.words}`,
  };
}

/** Whether what is said of the flags does not belie a sentence. */
export function fits(draft: Draft, { upheld }: Sentence): boolean {
  return upheld === undefined || upheld === anyUpheld(draft);
}

/** The reasons without the sentences that are not true any more. */
export function trueStill(draft: Draft, all: readonly Sentence[]): Draft {
  const untrue = new Set(all.filter((each) => !fits(draft, each)).map(({ words }) => words));
  const lines = draft.reasons.split("\n");
  const kept = lines.filter((line) => !untrue.has(line.trim()));
  return kept.length === lines.length ? draft : { ...draft, reasons: kept.join("\n") };
}

/** What of the reasons was written, not chosen. */
function ownWords({ reasons }: Draft, all: readonly Sentence[]): string {
  const known = new Set(all.map(({ words }) => words));
  const own = reasons.split("\n").filter((line) => line.trim() !== "" && !known.has(line.trim()));
  return own.join("\n");
}

/** What one flag lacks; null when nothing. */
function lackOf(draft: Draft, { flag }: Flag): Missing | null {
  const judged = draft.judged[flag];
  if (judged === undefined) return { what: "judgement", flag };
  if (judged.reason.trim() === "") return { what: "flag-reason", flag };
  return length(judged.reason) > REASON_MOST ? { what: "flag-shorter", flag } : null;
}

/** @param sentences Those that can be chosen for a session: alone, some say too little. */
export function missing(
  draft: Draft,
  flags: readonly Flag[],
  sentences: readonly Sentence[] = [],
): Missing[] {
  const out = judgeable(flags)
    .map((flag) => lackOf(draft, flag))
    .filter((lack) => lack !== null);
  if (draft.outcome === null) out.push({ what: "outcome" });
  if (draft.reasons.trim() === "") out.push({ what: "reasons" });
  else if (length(draft.reasons) > REASONS_MOST) out.push({ what: "shorter" });
  // It is signed: the sentence to choose must not deny what stands above it.
  else if (anyUpheld(draft) && draft.reasons.includes(NONE_UPHELD)) out.push({ what: "untrue" });
  // No flag says what happened, and a sentence that fits every session doesn't either.
  else if (doubt(draft) === "breach-without-upheld" && ownWords(draft, sentences) === "")
    out.push({ what: "own-words" });
  return out;
}

/** The server counts characters as Python does: code points, not UTF-16 units. */
function length(words: string): number {
  return [...words.trim()].length;
}

/** Index of the next flag that lacks something, from `from` on and around; -1 when none does. */
export function nextLacking(draft: Draft, flags: readonly Flag[], from: number): number {
  const places = flags.map((_, step) => (from + step) % flags.length);
  return (
    places.find((place) => {
      const flag = flags[place];
      return flag?.flag_class === "conduct" && lackOf(draft, flag) !== null;
    }) ?? -1
  );
}

/** The verdict to send, or null while something is missing. */
export function given(
  draft: Draft,
  flags: readonly Flag[],
  sentences: readonly Sentence[] = [],
): Given | null {
  if (draft.outcome === null || missing(draft, flags, sentences).length > 0) return null;
  const judged = judgeable(flags).flatMap(({ flag }): FlagJudgement[] => {
    const said = draft.judged[flag];
    return said === undefined ? [] : [{ flag, outcome: said.outcome, reason: said.reason.trim() }];
  });
  return { outcome: draft.outcome, reasons: draft.reasons.trim(), flags: judged };
}

/**
 * What giving this verdict does next. The server decides; this is what the page promises.
 *
 * Nobody learns here whether they are the first or the second person: a page that knew would tell
 * what the first one said. Only whoever may see the verdicts before is told what theirs does.
 */
export type Effect = "counts" | "needs-two" | "counts-alone" | "settles";

export function effectOf(review: Review, outcome: Outcome): Effect {
  if (review.state === "contested") return "settles";
  if (outcome !== "breach") return "counts";
  return (review.adverse_needs ?? 2) > 1 ? "needs-two" : "counts-alone";
}

/** A breach stays with a person: it is asked for once more before it is sent. */
export function needsConfirming(outcome: Outcome): boolean {
  return outcome === "breach";
}

/** Whether the draft says something that its flags do not carry: then words of one's own do. */
export function doubt(draft: Draft): "breach-without-upheld" | "clear-with-upheld" | null {
  const upheld = anyUpheld(draft);
  if (draft.outcome === "breach" && !upheld) return "breach-without-upheld";
  if (draft.outcome === "clear" && upheld) return "clear-with-upheld";
  return null;
}

function anyUpheld({ judged }: Draft): boolean {
  return Object.values(judged).some(({ outcome }) => outcome === "upheld");
}
