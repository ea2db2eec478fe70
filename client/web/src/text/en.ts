/** Every word of the pages, in English. Another language is another file of this type. */

import type { Flag, Judgement, LedgerEntry, Observation, Outcome, PicturesWaiting, ReviewState } from "../api";
import type { Speed } from "../console/desk";
import type { Effect, Missing } from "../console/verdict";
import { counted } from "./when";

/** Measurements whose numbers mean something to a reader; any other is said as the server names it. */
const MEASURED: Readonly<Record<string, (value: number) => string>> = {
  faces: (n) => counted(n, "face"),
  light_mean: (n) => `light ${round(n)} of 255`,
  contrast: (n) => `contrast ${round(n)} of 128`,
  change: (n) => `change ${round(n)} of 255 to the snapshot before`,
  gap_s: (n) => counted(round(n), "second"),
  away_s: (n) => `${counted(round(n), "second")} away`,
  displays: (n) => counted(n, "display"),
};

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const KINDS: Readonly<Record<string, string>> = {
  "person-count": "More than one person",
  "no-face": "Face not found",
  dark: "Too little light",
  covered: "Camera covered",
  frozen: "Picture did not change",
  "camera-lost": "Camera lost",
  "network-gap": "Network lost",
  "capture-gap": "No snapshots taken",
  "second-display": "More displays than one",
  "left-page": "Left the exam's page",
  program: "Program not allowed",
  "log-fork": "Two histories from one device",
  "another-person": "Another person",
  looped: "Pictures repeat themselves",
};

const CAUSES: Readonly<Record<string, string>> = {
  network: "network",
  camera: "camera",
  "client-stopped": "exam program stopped",
  "spool-full": "no room left for pictures",
  "disk-full": "disk full",
  suspended: "computer asleep",
};

const ID_CHECKS: Readonly<Record<string, string>> = {
  awaited: "nothing shown yet",
  captured: "waits for a person",
  retake: "a new picture was asked for",
  "refusal-proposed": "a refusal waits for a second person",
};

export const en = {
  title: (learner: string | null) =>
    learner === null ? "Reviews · Proctor" : `${learner} · Reviews · Proctor`,
  product: "Proctor",
  pages: {
    label: "Pages",
    wall: "Wall",
    reviews: "Reviews",
    identity: "ID checks",
    agreement: "Results and agreement",
  },

  signIn: {
    heading: "Sign in to review",
    name: "Name",
    password: "Password",
    submit: "Sign in",
    needBoth: "Type your name and your password.",
    refused: "That name and password don't belong together. Check both; capitals count.",
    over: "Your login has ended. Sign in again; what you typed is still here.",
    out: "You are signed out.",
  },
  signOut: "Sign out",
  signedInAs: (name: string) => `Signed in as ${name}`,

  wait: { queue: "the list of reviews", session: "the session", verdict: "your verdict to be recorded", login: "the server" },

  queue: {
    heading: "Reviews",
    sum: (count: number, minutes: number) =>
      count === 0
        ? "Nobody waits for you."
        : `${counted(count, "session")} to look at, about ${counted(minutes, "minute")}.`,
    waiting: "ID check",
    waitingHint: "These learners can't start before a person has looked.",
    held: "the learner waits",
    look: "To look at",
    quiet: "No conduct flagged",
    quietHint: "A look is enough, at what a proctor noted too. Where nothing waits for a person, results can be released without one.",
    decided: "Decided",
    none: "Nothing waits for a review.",
    noneNext:
      "A session comes here when its learner opens the first section, or waits for an ID check. Check again on the day of an exam.",
    check: "Check again",
    pictures: ({ waiting }: PicturesWaiting, length: string) =>
      `${counted(waiting, "picture")} ${waiting === 1 ? "waits" : "wait"} to be looked at by the machine, the oldest for ${length}. Flags may still come.`,
    minutes: (minutes: number) => `about ${Math.max(1, Math.round(minutes))} min`,
    since: (when: string, length: string) => `since ${when} (${length})`,
    others: "Waits for another person",
    othersHint: "You can give no verdict on these now. Each says why.",
    running: "Still going on",
    runningHint: "You can look already. A verdict waits for the session's end.",
    back: "Back to the list",
    counts: (conduct: number, quality: number) => {
      const words = [];
      if (conduct > 0) words.push(`${conduct} conduct`);
      if (quality > 0) words.push(`${quality} quality`);
      return words.join(", ") || "no flags";
    },
  },

  state: {
    awaiting: "needs a look",
    "second-needed": "needs a second person",
    "third-needed": "needs a third person",
    decided: "decided",
    contested: "the learner answered",
    final: "decided for good",
  } satisfies Record<ReviewState, string>,

  session: {
    idCheck: (state: string) => `ID check: ${ID_CHECKS[state] ?? state}`,
    notBegun: "The learner has not opened a section yet.",
    ended: "Proctors ended the exam",
    snapshots: (count: number) => counted(count, "snapshot"),
    bundle: "Download the evidence",
    times: (zone: string) => `Times are in your zone, ${zone}.`,
    mayNot: (why: string) => `You can't give a verdict now. ${why}`,
    earlier: "Verdicts so far",
    lookFirst: "Look for yourself first. The reasons are folded away until you want them.",
    said: (by: string, outcome: string, when: string) => `${by} said ${outcome.toLowerCase()}, ${when}`,
    reasonsOf: (by: string) => `Reasons given by ${by}`,
    decided: (outcome: string) => `Decided: ${outcome.toLowerCase()}.`,
    more: "Time given back, and answers saved",
    ledgerEmpty: "No time was given or taken.",
    ledger: ({ seconds, cause, reason }: LedgerEntry, section: string) =>
      `${counted(round(Math.abs(seconds)), "second")} ${seconds < 0 ? "taken" : "given"}, ${section}: ${[cause, reason].filter(Boolean).join(", ")}`,
    answersEmpty: "No answers were saved.",
    answers: (saved: number, items: number) =>
      `${counted(saved, "answer")} saved for ${counted(items, "question")}.`,
    answersLate: (count: number) => `${counted(count, "answer")} arrived after the deadline.`,
  },

  idCheck: {
    waits: "This learner waits for an ID check",
    open: "Open the ID check",
    assurance: "Who it is: the checks that were made",
    checked: (assurance: readonly string[]) =>
      assurance.length === 0 ? "No check has been made yet." : `${assurance.join(". ")}.`,
  },

  timeline: {
    label: "Timeline of snapshots",
    lanes: { sections: "Sections", conduct: "Conduct", quality: "Quality", gaps: "Gaps", snapshots: "Snapshots" },
    at: (time: string, number: number, of: number) => `${time}, snapshot ${number} of ${of}`,
    pause: "break",
    gap: (cause: string, length: string) => `Gap: ${CAUSES[cause] ?? cause}, ${length}`,
    none: "No snapshots were received in this session.",
  },

  snapshot: {
    of: (number: number, of: number) => `Snapshot ${number} of ${of}`,
    alt: (time: string) => `Snapshot taken at ${time}`,
    checkIn: "Check-in face",
    checkInAlt: "The face shown at check-in",
    room: "Second camera",
    roomAlt: (time: string) => `The room, as the second camera showed it at ${time}`,
    noCheckIn: "No face was captured at check-in.",
    owed: "This picture has not arrived yet. Its record has.",
    erased: "This picture was erased, as the policy's retention asks. Its record still verifies.",
    broken: "This picture can't be shown just now.",
    previous: "Previous",
    next: "Next",
    play: "Play",
    pause: "Pause",
    speed: "Speed",
    speeds: { 0.5: "½ ×", 1: "1 ×", 2: "2 ×", 4: "4 ×" } satisfies Record<Speed, string>,
    strip: "Snapshots around this one",
    thumb: (time: string, flags: readonly string[]) =>
      flags.length === 0 ? time : `${time}, flagged: ${flags.join(", ")}`,
    observed: (seen: Observation | null): string => {
      if (seen === null) return "Not looked at by a machine yet.";
      const words: string[] = [];
      if (seen.faces !== null) words.push(seen.faces.length === 0 ? "no face found" : `${counted(seen.faces.length, "face")} found`);
      if (seen.light_mean !== null) words.push(`light ${round(seen.light_mean)} of 255`);
      if (seen.dark === true) words.push("too dark");
      if (seen.covered === true) words.push("covered");
      if (seen.frozen === true) words.push("did not change");
      for (const cause of seen.unavailable) words.push(`not measured: ${cause}`);
      return words.length === 0 ? "Nothing could be measured." : capital(`${words.join(", ")}.`);
    },
  },

  flags: {
    heading: "Flags",
    none: "No rule raised a flag in this session.",
    conduct: "Conduct",
    conductHint: "may ask for a review",
    conductNone: "None.",
    quality: "Quality",
    qualityHint: "asks for help; never counted",
    number: (number: number, of: number) => `Flag ${number} of ${of}`,
    kind: (kind: string, rule: string) => KINDS[kind] ?? capital(rule),
    when: (from: string, to: string, length: string) =>
      from === to ? `At ${from}` : `${from} to ${to} (${length})`,
    rule: "Rule",
    measured: "Measured",
    measure: (flag: Pick<Flag, "measurement" | "value" | "threshold">): string => {
      if (flag.value === null) return flag.measurement.replaceAll("_", " ");
      const say = MEASURED[flag.measurement] ?? ((n: number) => `${flag.measurement} ${round(n)}`);
      return flag.threshold === null ? say(flag.value) : `${say(flag.value)}; the rule's limit is ${round(flag.threshold)}`;
    },
    seenIn: "Seen in",
    noSnapshots: "no snapshot; other records name it",
    more: (count: number) => `and ${count} more`,
    reads: "Learner reads",
    how: "How it was measured",
    policy: "Policy digest",
    policyShort: "Policy",
    model: "Model",
    noModel: "No model: read from the device's records.",
    id: "Flag's name",
    judge: "Your judgement of this flag",
    judgedNot: "A quality flag asks for help. It is never counted, so there is nothing to uphold.",
  },

  judgement: { upheld: "Upheld", "not-upheld": "Not upheld", "cannot-tell": "Can't tell" } satisfies Record<Judgement, string>,

  outcome: {
    clear: "Clear",
    breach: "Breach",
    void: "Void",
    inconclusive: "Inconclusive",
  } satisfies Record<Outcome, string>,

  outcomeHint: {
    clear: "Nothing is held against the learner.",
    breach: "A rule of the exam was broken.",
    void: "A fault of ours spoiled the session. The learner may sit it again.",
    inconclusive: "The evidence doesn't tell. Nothing is held against the learner.",
  } satisfies Record<Outcome, string>,

  verdict: {
    heading: "Your verdict",
    outcome: "This session is",
    reasons: "Reasons",
    reasonsHint: "What did you see, and which rule does it touch? The learner reads these words.",
    idCheckOpen: "No person has decided this session's ID check. Your verdict doesn't decide it.",
    submit: "Record the verdict",
    missingHeading: "Not recorded yet.",
    missing: (lack: Missing, number: number): string => {
      switch (lack.what) {
        case "judgement":
          return `Judge flag ${number}: upheld, not upheld or can't tell.`;
        case "flag-reason":
          return `Give your reason for flag ${number}.`;
        case "flag-shorter":
          return `Shorten your reason for flag ${number} to 500 characters.`;
        case "outcome":
          return "Choose what this session is.";
        case "reasons":
          return "Write your reasons. A verdict without reasons can't be recorded.";
        case "shorter":
          return "Shorten your reasons to 4,000 characters.";
        case "untrue":
          return "Your reasons say that no flag was upheld, and you upheld one. Change one of them.";
        case "own-words":
          return "You upheld no flag. Write in your own words what the breach was: a sentence from the list is not enough.";
      }
    },
    judgeFirst: "Judge the flag first: upheld, not upheld or can't tell. Then give the reason.",
    reason: "Your reason",
    reasonHint: "Choose a sentence by its number, or write your own. The learner reads it.",
    sentences: "Sentences to choose from",
    onward: "Next",
    toVerdict: "To the verdict",
    effect: {
      counts:
        "Some sessions are looked at by a second person, who does not see your verdict. Whether this is one, nobody is told.",
      "needs-two":
        "A breach counts only when two people have found one, each without seeing the other's verdict.",
      "counts-alone": "This decides the session.",
      settles: "You are the person who looks after the learner's answer: this settles the case.",
    } satisfies Record<Effect, string>,
    doubt: {
      "breach-without-upheld": "You upheld no flag. Say in words of your own what the breach was.",
      "clear-with-upheld": "You upheld a flag. Say in your reasons why nothing is held against the learner.",
    },
    confirmHeading: "Record a breach?",
    confirmBody:
      "It is signed into the session's record under your name and can't be taken back.",
    confirm: "Record the breach",
    goBack: "Go back",
    recorded: (outcome: string) => `Recorded: ${outcome.toLowerCase()}.`,
    after: {
      awaiting: "It still needs a look.",
      "second-needed": "It does not count yet: a second person looks, without seeing your verdict.",
      "third-needed": "The two of you differ: a third person decides.",
      decided: "The session is decided.",
      contested: "Another person is needed after the learner's answer.",
      final: "The case is settled.",
    } satisfies Record<ReviewState, string>,
    next: (learner: string) => `Next: ${learner}`,
    toQueue: "Back to the list",
  },

  keys: {
    open: "Keys",
    heading: "Keys of this page",
    close: "Close",
    letters: "Use single letters as keys",
    list: [
      ["j, k", "next and previous flag; behind the last one stands the verdict"],
      ["← →", "previous and next snapshot"],
      ["Home, End, Page Up, Page Down", "on the timeline: first, last, ten on, ten back"],
      ["Space", "play and pause"],
      ["[, ]", "play slower, faster: half, once, twice, four times as fast"],
      ["u, d, c", "flag upheld, not upheld, can't tell"],
      ["1 to 9", "the reason with that number; then the next flag comes"],
      ["Enter", "record the verdict, or go to what it lacks (while typing: Control and Enter)"],
      ["m", "mark this moment, with a comment"],
      ["+, −, 0", "show the timeline larger, smaller, whole"],
      ["j, k, Enter", "in the list: next, previous, open"],
      ["x, t", "in the list: choose, take"],
      ["q", "back to the list"],
      ["Escape", "close what is open; leave the field you write in"],
      ["?", "this list"],
    ] as const,
  },

  trouble: {
    unreachable: "The server can't be reached. What you typed is still on this page. Check the network, then try again.",
    verdictUnsure:
      "No answer came, so it's not known whether your verdict was recorded. Your words are still here. Record it again: it is never recorded twice.",
    forbidden: "Your login does not allow this. Reviews are for proctors; an administrator can change that.",
    unknown: (status: number) => `The server could not do this (${status}). What you typed is still here. Try again, or tell an administrator.`,
    codes: {
      "reasons-missing": "Write your reasons. A verdict without reasons can't be recorded.",
      "id-reason-missing": "Write a reason first.",
      "id-check-changed": "Other pictures came meanwhile. Look at them first.",
      "another-person-needed": "You have given a verdict here already. Another person is needed now.",
      "session-goes-on": "The session still goes on. A verdict waits for its end.",
      "illegal-move": "Somebody decided this session meanwhile. Load it again to see.",
      "not-found": "There is no such session. The link may be cut short.",
      "not-your-exam": "There is no such session or exam among yours. An administrator can add an exam to them.",
      "not-looked-at-yet":
        "The machine is still looking at this session's pictures. Wait a minute, then record the verdict again.",
      "stale-page": "More was flagged while you looked. It is shown now: judge it, too. What you wrote is still here.",
      "acted-alone":
        "You are the only proctor who acted in this session. Another person judges it.",
      "flags-not-judged": "Each flag of conduct is judged. All of them are shown now: judge those that are left.",
      "quality-judged": "A quality flag is never counted, so there is nothing to judge in it.",
      "own-words-missing":
        "No flag is upheld. Write in your own words what the breach was: a sentence from the list is not enough.",
      "released-unjudged": "Nobody had to judge it, and the results were released meanwhile without a verdict.",
      "unknown-flag": "The flags have changed meanwhile. Load the session again to see.",
    } as Readonly<Record<string, string>>,
  },
};

export type Catalogue = typeof en;

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
