/** Sentences to choose a reason from, by the keys 1 to 9: to the learner, who reads them. */

import type { Judgement } from "../api";
import { type Draft, fits, NONE_UPHELD, type Sentence } from "../console/verdict";

export const FLAG_REASONS: Readonly<Record<Judgement, readonly string[]>> = {
  "not-upheld": [
    "What was seen has an ordinary cause.",
    "The pictures don't show what the rule describes.",
    "It is a poster, a reflection or a screen, not a person.",
    "It was too short to matter.",
    "Something that is allowed explains it.",
    "What was answered to it explains it.",
    "A fault of the computer or the network explains it.",
  ],
  upheld: [
    "The pictures show what the rule describes.",
    "Another person is in the picture and takes part.",
    "Somebody else than the person invited sits at the desk.",
    "Something is used that this exam does not allow.",
    "The exam's page was left for something that is not allowed.",
    "What was answered to it does not explain it.",
  ],
  "cannot-tell": [
    "The pictures are too dark or unclear to tell.",
    "Pictures of this time are missing.",
    "It can be read either way, and nothing else in the session helps.",
  ],
};

export const SESSION_REASONS: readonly Sentence[] = [
  {
    outcome: "clear",
    words: `${NONE_UPHELD} Nothing counts against this exam.`,
    upheld: false,
  },
  { outcome: "clear", words: "I looked at the whole session and saw nothing that breaks a rule." },
  {
    outcome: "clear",
    words: "What was upheld was small and gave no advantage.",
    upheld: true,
  },
  { outcome: "breach", words: "Another person helped during the exam." },
  { outcome: "breach", words: "Somebody else than the person invited sat the exam." },
  { outcome: "breach", words: "Something was used that this exam does not allow." },
  { outcome: "inconclusive", words: "The pictures are too unclear to tell what happened." },
  { outcome: "inconclusive", words: "Too little of the session was recorded to judge it." },
  { outcome: "void", words: "A fault of ours spoiled the session." },
];

/** What pictures show; other kinds of flags come from what a device records. */
const SEEN = ["person-count", "another-person", "looped"];
const PEOPLE = ["person-count", "another-person"];

/** Of sentences that can't be about every rule: the kinds of flags that they can be about. */
const ABOUT: Readonly<Record<string, readonly string[]>> = {
  "The pictures don't show what the rule describes.": SEEN,
  "It is a poster, a reflection or a screen, not a person.": PEOPLE,
  "The pictures show what the rule describes.": SEEN,
  "Another person is in the picture and takes part.": PEOPLE,
  "Somebody else than the person invited sits at the desk.": PEOPLE,
  "The exam's page was left for something that is not allowed.": ["left-page"],
};

/** A sentence with its key, which is the same wherever it is offered. */
export interface Offered {
  number: number;
  words: string;
}

/** The sentences that can be about a flag of this kind, judged so. */
export function offeredFor(judgement: Judgement, kind: string): Offered[] {
  return FLAG_REASONS[judgement]
    .map((words, index) => ({ number: index + 1, words }))
    .filter(({ words }) => ABOUT[words]?.includes(kind) ?? true);
}

/** The sentences that what is said of the flags does not belie. */
export function offeredForSession(draft: Draft): (Offered & Sentence)[] {
  return SESSION_REASONS.map((sentence, index) => ({ ...sentence, number: index + 1 })).filter(
    (sentence) => fits(draft, sentence),
  );
}
