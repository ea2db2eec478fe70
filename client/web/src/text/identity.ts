/** Every word of the page of ID checks, in English. Another language is another file of this type. */

import type { CheckResult, IdCheckMade, IdDecision, IdDesk, IdReading } from "../api";
import type { Large } from "../console/identity-desk";
import type { Missing } from "../console/id-check";
import { counted } from "./when";

const CHECKS: Readonly<Record<string, string>> = {
  faces: "Faces in the check-in picture",
  digits: "Check digits",
  expiry: "Expiry",
  kind: "Kind of document",
  name: "Name",
  portrait: "Portrait on the document",
  face: "Face and portrait",
  "one-document": "Document on this account alone",
  "one-face": "Face on this account alone",
};

const RESULTS: Readonly<Record<CheckResult, string>> = {
  agrees: "agrees",
  unsure: "unsure",
  differs: "differs",
  unavailable: "not checked",
};

/** Of checks that compare nothing with anything: what was found, in place of "agrees". */
const FOUND: Readonly<Record<string, Readonly<Partial<Record<CheckResult, string>>>>> = {
  faces: { agrees: "one", unsure: "none found", differs: "more than one" },
  expiry: {
    agrees: "valid on the day of the exam",
    differs: "not valid on the day of the exam",
  },
};

const STATES: Readonly<Record<string, string>> = {
  awaited: "nothing shown yet",
  captured: "waits for a person",
  "refusal-proposed": "a refusal waits for a second person",
  retake: "a new picture was asked for",
  accepted: "accepted",
  refused: "refused",
};

const RAISED: Readonly<Record<string, string>> = {
  "same-document": "the same document",
  "same-face": "a face that looks the same",
};

const DIGITS: Readonly<Record<string, string>> = {
  number: "number",
  birth: "date of birth",
  expiry: "date of expiry",
  optional: "optional data",
  composite: "whole zone",
};

export const identity = {
  title: (learner: string | null) =>
    learner === null ? "ID checks · Proctor" : `${learner} · ID checks · Proctor`,
  page: "ID checks",
  signIn: "Sign in to check identities",
  wait: {
    queue: "the list of ID checks",
    check: "the ID check",
    decided: "your decision to be recorded",
  },

  queue: {
    heading: "ID checks",
    sum: (count: number) =>
      count === 0 ? "Nobody waits." : `${counted(count, "learner")} ${count === 1 ? "waits" : "wait"}.`,
    longest: (length: string) => `The longest wait is ${length}.`,
    median: (length: string) => `Half of those decided in the last day waited ${length} or less.`,
    renews: "This list renews itself.",
    exam: "Exam",
    allExams: "All exams",
    elsewhere: (count: number) =>
      `Nobody waits in this exam. In others ${counted(count, "learner")} ${count === 1 ? "waits" : "wait"}.`,
    old: "The server can't be reached, so this list may be old. It is tried again by itself.",
    check: "Check again",
    held: "Can't begin before a person has looked",
    later: "May have begun already",
    laterHint: "The rules of their exam don't hold them for this check.",
    mine: "Waits for another person",
    mineHint: "You proposed to refuse these: a second person must confirm.",
    none: "Nobody waits for an ID check.",
    noneNext:
      "A learner comes here after showing face and document. Leave this page open on the day of an exam: whoever comes is shown by itself.",
    toReviews: "Go to the reviews",
    noConcern: "Nothing stood out",
    proposed: (by: string) => `${by} proposes to refuse`,
    waits: (length: string) => `waits for ${length}`,
    since: (when: string) => `since ${when}`,
    back: "Back to the list",
  },

  check: {
    state: (state: string) => STATES[state] ?? state,
    decidedBy: (by: string, state: string) => `${by}: ${STATES[state] ?? state}.`,
    reads: (reason: string) => `The learner reads: “${reason}”`,
    askedFor: (words: string) => `The exam asks for ${words}.`,
    waits: (length: string, when: string) => `Waits for ${length}, since ${when}.`,
    review: "Open the session in the reviews",
    pictures: "Pictures",
    large: {
      document: "Document",
      portrait: "Portrait on it",
      face: "Face at check-in",
    } satisfies Record<Large, string>,
    alt: {
      document: "The document shown at check-in",
      portrait: "The portrait, cut out of the document",
      face: "The face shown at check-in",
    } satisfies Record<Large, string>,
    before: "Pictures before these",
    beforeWas: (state: string, by: string) =>
      by === "" || state === "captured"
        ? "New ones were asked for before anybody had decided."
        : `${by}: ${STATES[state] ?? state}.`,
    altBefore: {
      document: "The document shown before",
      face: "The face shown before",
    },
    enlarge: (which: string) => `Enlarge: ${which}`,
    outlined: "The outline shows where the portrait was found.",
    noDocument: "No document was asked for.",
    documentOwed: "The document has not arrived.",
    noFace: "No face was captured.",
    noPortrait: "No portrait was found on it. Look for yourself.",
    broken: "This picture can't be shown: it was erased, or has not arrived yet.",
    close: "Close",
  },

  raised: {
    heading: "Look at this first",
    words: (whys: readonly string[], learner: string) => {
      const things = whys.map((why) => RAISED[why] ?? why);
      return `${capital(things.join(" and "))} ${things.length > 1 ? "were" : "was"} shown on this account and on another of this programme: ${learner}.`;
    },
    erased: "a session that is erased by now",
    elsewhere: (exam: string) =>
      `somebody in the exam ${exam}, which is not one of yours. A lead or an administrator can say who`,
    open: (learner: string) => `Open ${learner}`,
    nothing: "Nothing happens by itself. There may be a good reason: ask.",
  },

  checks: {
    heading: "What the machine compared",
    none: "The machine has compared nothing.",
    hint: "It helps you look; it decides nothing.",
    name: (check: string) => CHECKS[check] ?? check,
    result: ({ check, result }: Pick<IdCheckMade, "check" | "result">) =>
      FOUND[check]?.[result] ?? RESULTS[result],
    measured: ({ check, value, threshold }: IdCheckMade): string => {
      if (value === null) return "";
      const likeness = check === "face" ? "Likeness" : "Measured";
      const limit = threshold === null ? "" : `; ${round(threshold)} or more counts as alike`;
      return `${likeness} ${round(value)}${limit}.`;
    },
    how: "How it was compared",
    model: (name: string, version: string, sha256: string) =>
      `${[name, version].filter(Boolean).join(" ")}, ${sha256}`,
  },

  reading: {
    heading: "What was read",
    account: "Name on the account",
    state: (reading: IdReading): string => {
      switch (reading.state) {
        case "waiting":
          return "The document is being read. This page shows it by itself.";
        case "unavailable":
          return `The document could not be read by the machine${reading.unavailable.length > 0 ? `: ${reading.unavailable.join(", ")}` : ""}. Read it yourself.`;
        case "erased":
          return "What was read is erased, as the policy's retention asks.";
        case "read":
          return reading.mrz === null
            ? "It has no machine-readable lines, or none could be found. Read the name yourself."
            : "";
      }
    },
    fields: {
      surname: "Surname",
      given: "Given names",
      birth: "Date of birth",
      expiry: "Valid until",
      number: "Number",
      nationality: "Nationality",
      issuer: "Issued by",
      sex: "Sex",
      format: "Format",
    },
    unread: "not readable",
    /** A date whose century is open; empty where no day is known. */
    either: (days: readonly string[]) =>
      days.length < 2
        ? ""
        : `${days.join(" or ")} (the zone has two digits of the year: see what is printed)`,
    failed: "check digit does not hold",
    failedDigits: (names: readonly string[]) =>
      `Check digits that do not hold: ${names.map((name) => DIGITS[name] ?? name).join(", ")}.`,
    lines: "All text that was found",
    noLines: "No text was found.",
  },

  assurance: {
    heading: "How sure this is",
    none: "No check has been made yet.",
  },

  proposed: {
    heading: (by: string) => `${by} proposes to refuse`,
    words: (reason: string, when: string) => `“${reason}”, ${when}`,
    confirm: "Look for yourself. A refusal counts only if a second person confirms it.",
    own: "You proposed it: a second person must confirm. You can still accept, or ask for a new picture.",
  },

  stale: {
    words: "This changed while you looked. The page shows how it stands now; what you wrote is still here.",
    by: (by: string, state: string) => `${by}: ${state}.`,
  },

  form: {
    heading: "Is this the right person?",
    again: "Change the decision",
    act: "You",
    name: (event: IdDecision, { state }: Pick<IdDesk, "state">) => {
      if (event === "refused" && state === "refusal-proposed") return "Confirm the refusal";
      return {
        accepted: "Accept",
        "asked-again": "Ask for a new picture",
        refused: "Refuse",
        vouched: "Vouch",
        "taken-back": "Take the request back",
      }[event];
    },
    hint: (event: IdDecision, { state }: Pick<IdDesk, "state">) => {
      if (event === "refused" && state === "refusal-proposed")
        return "You are the second person: the learner is refused, and reads your reason.";
      return {
        accepted: "It is the right person.",
        "asked-again": "The learner is told why, and takes new pictures.",
        refused: "It is not the right person. A second person must confirm.",
        vouched: "No document fits, and a member of staff knows the learner.",
        "taken-back": "No new picture is needed: who vouched before still does.",
      }[event];
    },
    code: "Why a new picture?",
    note: (event: IdDecision, { state }: Pick<IdDesk, "state">) =>
      ({
        accepted:
          state === "refused"
            ? "Why accept what two people refused?"
            : state === "retake"
              ? "Why will the pictures before do?"
              : "Note (if you like)",
        "asked-again": "A word more (if you like)",
        refused: "Reason",
        vouched: "Who vouches, and how do they know the learner?",
        "taken-back": "Why is no new picture needed?",
      })[event],
    noteOther: "What should they do?",
    noteHint: (event: IdDecision, { state }: Pick<IdDesk, "state">) => {
      if (event === "refused" && state === "refusal-proposed") return "The learner reads it.";
      return {
        accepted: "Kept in the session's record.",
        "asked-again": "The learner reads it after the words above.",
        refused: "The second person reads it. The learner does once the refusal is confirmed.",
        vouched:
          "Kept in the session's record with your name. Write the name and office of who vouches, and what they know the learner from.",
        "taken-back": "Kept in the session's record with your name.",
      }[event];
    },
    reads: "The learner reads",
    submit: (event: IdDecision | null, { state }: Pick<IdDesk, "state">) => {
      if (event === null) return "Record";
      if (event === "refused")
        return state === "refusal-proposed" ? "Confirm the refusal" : "Propose to refuse";
      return {
        accepted: "Accept",
        "asked-again": "Ask for a new picture",
        vouched: "Vouch and accept",
        "taken-back": "Take the request back",
      }[event];
    },
    lacks: {
      event: "Choose what you do.",
      code: "Choose why a new picture is needed: the learner reads it.",
      note: "Write it in words first.",
      shorter: "Shorten it to 4,000 characters.",
    } satisfies Record<Missing, string>,
    waits: {
      awaited: "The learner has shown nothing yet. Whoever has no document that fits can be vouched for.",
      retake:
        "A new picture was asked for: this page shows it by itself when it comes. Until then you see those before.",
      accepted: "It is decided, and can be mended.",
      refused: "It is decided, and can be mended.",
    } as Readonly<Record<string, string>>,
  },

  done: (event: IdDecision, state: string): string => {
    if (event === "refused")
      return state === "refused"
        ? "Recorded: the ID check is refused. The learner reads your reason."
        : "Recorded: you propose to refuse. It counts only when a second person confirms.";
    return {
      accepted: "Recorded: the ID check is accepted.",
      "asked-again": "Recorded: the learner is asked for a new picture.",
      vouched: "Recorded: the learner is vouched for, and the ID check is accepted.",
      "taken-back": "Recorded: no new picture is wanted. What was decided before stands.",
    }[event];
  },
  next: (learner: string) => `Next: ${learner}`,
  toQueue: "Back to the list",

  trouble: {
    unsure:
      "No answer came, so it's not known whether your decision was recorded. What you wrote is still here. The page looks again by itself.",
  },

  keys: [
    ["j, k", "next and previous learner in the list"],
    ["a", "choose: accept"],
    ["p", "choose: ask for a new picture"],
    ["r", "choose: refuse, or confirm the refusal"],
    ["v", "choose: vouch"],
    ["t", "choose: take back that a new picture was asked for"],
    ["Enter", "record it, or go to what it lacks (while typing: Control and Enter)"],
    ["d, i, f", "enlarge the document, the portrait on it, the face"],
    ["q", "back to the list"],
    ["Escape", "close what is open"],
    ["?", "this list"],
  ] as const,
};

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
