/** Sentences to choose a reason from, by the keys 1 to 9. The learner reads them. */

import type { Judgement } from "../api";
import { NONE_UPHELD, type Sentence } from "../console/verdict";

export const FLAG_REASONS: Readonly<Record<Judgement, readonly string[]>> = {
  "not-upheld": [
    "What was seen has an ordinary cause.",
    "The pictures don't show what the rule describes.",
    "It is a poster, a reflection or a screen, not a person.",
    "It was too short to matter.",
    "Something the learner is allowed explains it.",
    "The learner's answer explains it.",
    "A fault of the computer or the network explains it.",
  ],
  upheld: [
    "The pictures show what the rule describes.",
    "Another person is in the picture and takes part.",
    "Somebody else than the learner sits at the desk.",
    "Something is used that this exam does not allow.",
    "The learner left the exam's page for something that is not allowed.",
    "The learner's answer does not explain it.",
  ],
  "cannot-tell": [
    "The pictures are too dark or unclear to tell.",
    "Pictures of this time are missing.",
    "It can be read either way, and nothing else in the session helps.",
  ],
};

export const SESSION_REASONS: readonly Sentence[] = [
  { outcome: "clear", words: `${NONE_UPHELD} Nothing is held against the learner.` },
  { outcome: "clear", words: "I looked at the whole session and saw nothing that breaks a rule." },
  { outcome: "clear", words: "What was upheld was small and gave no advantage." },
  { outcome: "breach", words: "Another person helped the learner." },
  { outcome: "breach", words: "Somebody else than the learner sat the exam." },
  { outcome: "breach", words: "Something was used that this exam does not allow." },
  { outcome: "inconclusive", words: "The pictures are too unclear to tell what happened." },
  { outcome: "inconclusive", words: "Too little of the session was recorded to judge it." },
  { outcome: "void", words: "A fault of ours spoiled the session." },
];
