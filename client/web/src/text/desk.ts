/** The words of the desk's queue, of what stands beside a session, and of the lead's pages. */

import type { Act, Clock, Kappa, Look, MarkGiven, MarkingRow, Message, Unavailable } from "../api";
import type { Badge } from "../console/evidence-badge";
import type { Failure, Told } from "../console/looks";
import { counted } from "./when";

const WHATS: Readonly<Record<string, string>> = {
  snapshot: "snapshots",
  document: "the picture of the ID document",
  face: "the picture of the face",
  room: "pictures of the second camera",
  thumbnails: "small pictures",
  "live stills": "live pictures",
  file: "a file",
  bundle: "the whole evidence",
  reading: "what was read on the ID document",
};

const WHYS: Readonly<Record<string, string>> = {
  review: "review",
  "check-in": "ID check",
  help: "help",
  contest: "the learner's answer",
  audit: "audit",
  watching: "watching the exam",
  marking: "marking an answer",
};

const TOPICS: Readonly<Record<string, string>> = {
  question: "The learner asks",
  hand: "The learner raises a hand",
  fault: "The learner reports a fault",
};

const CLOSED: Readonly<Record<string, string>> = {
  "handed-in": "handed in",
  "time-up": "the time was up",
  cut: "the exam ended first",
};

const ACTS: Readonly<Record<string, string>> = {
  message: "wrote",
  "ask-still": "asked for a new still",
  "ask-id": "asked for the pictures of the ID check again",
  pause: "paused the exam",
  resume: "let the exam go on",
  "extra-time": "gave extra time",
  "lift-rule": "lifted a rule",
  "restore-rule": "restored a rule",
  "admit-device": "admitted another device",
  "refuse-device": "refused another device",
  terminate: "proposed to end the exam",
  "confirm-terminate": "ended the exam",
  "withdraw-terminate": "took back the proposal to end the exam",
  irregularity: "noted an irregularity",
  answer: "answered",
  undo: "took an act back",
};

const LEFT: Readonly<Record<string, string>> = {
  "not-decided-yet": "a person has to decide there first.",
  "not-looked-at-yet": "the machine still looks at pictures. Try again in a minute.",
  "results-held": "the policy keeps results back until the days to answer are over.",
};

/** The name of a file that is an answer. */
export function fileName(response: unknown): string {
  const named = typeof response === "object" && response !== null && "name" in response;
  return named && typeof response.name === "string" ? response.name : "without a name";
}

export const desk = {
  title: (learner: string | null) =>
    learner === null ? "Reviews · Proctor" : `${learner} · Reviews · Proctor`,

  budget: {
    label: "I have",
    any: "all the time",
    minutes: (minutes: number) => counted(minutes, "minute"),
    fits: (count: number, minutes: number) =>
      count === 0
        ? `The first one alone takes longer than ${counted(minutes, "minute")}.`
        : `${counted(count, "session")} ${count === 1 ? "fits" : "fit"} in ${counted(minutes, "minute")}.`,
    inside: "fits",
  },

  queue: {
    exam: "Exam",
    everyExam: "All exams",
    whose: "Whose",
    whoseWords: { all: "everybody's", mine: "mine", nobody: "nobody's yet" },
    none: "Nothing here with this choice.",
    doneLastDay: (count: number) => `${count} done in the last 24 hours`,
    more: "There are more sessions than one list holds: the oldest are missing here. Choose one exam to see its own.",
    unjudged: "Results released: nobody had to look",
    contested: "the learner answered",
    conduct: "Conduct",
    conductHint: "A rule about conduct raised a flag, or proctors ended the exam. The overdue and the gravest come first.",
    reach: (count: number) => counted(count, "section"),
    severity: (severity: number) => `severity ${Math.round(severity * 10) / 10}`,
    irregularities: (count: number) =>
      `${count} ${count === 1 ? "irregularity" : "irregularities"} noted`,
    mine: "yours",
    heldBy: (name: string) => `with ${name}`,
  },

  due: (clock: Clock, when: string, length: string): string =>
    clock === "over" ? `overdue for ${length}` : `due in ${length} (${when})`,

  assign: {
    choose: (learner: string) => `Choose ${learner}`,
    chosen: (count: number) => `${counted(count, "session")} chosen`,
    take: "Take",
    putBack: "Put back",
    give: "Give to",
    name: "Name of a proctor",
    due: "Due",
    dueHint: "Leave empty to keep the date",
    submit: "Give",
    clear: "Choose none",
    needName: "Type whom to give these to.",
    done: (count: number, to: string | null) =>
      to === null ? `${counted(count, "session")} put back.` : `${counted(count, "session")} given to ${to}.`,
    failed: (learner: string, why: string) => `Not ${learner}: ${why}`,
    /** Why somebody can't be given a session; null for any other reason. */
    cannot: (code: string, to: string | null): string | null => {
      if (code === "another-person-needed") return `${to} has given a verdict there already.`;
      if (code === "nothing-to-decide" || code === "released-unjudged")
        return "Nobody has to judge that session any more.";
      if (code === "acted-alone")
        return `${to} is the only proctor who acted in that session. Another person judges it.`;
      return null;
    },
    with: (name: string) => `With ${name}`,
    withYou: "With you",
    withNobody: "With nobody yet",
    wait: "the sessions to be given",
  },

  badge: {
    label: "Evidence",
    words: (badge: Badge): string => {
      switch (badge.is) {
        case "not-yet":
          return "Evidence: verified when the session has ended";
        case "fetching":
          return badge.share === null
            ? `Evidence: fetching, ${Math.round(badge.bytes / 1e5) / 10} MB`
            : `Evidence: fetching, ${Math.round(badge.share * 100)} %`;
        case "verifying":
          return `Evidence: verifying, step ${badge.step} of ${badge.of}`;
        case "verified":
          return "Evidence verified";
        case "refuted":
          return "Evidence does not verify";
        case "unavailable":
          return "Evidence not verified";
      }
    },
    inPage: "This page fetched all evidence of the session and verified it by itself, against the server's published key.",
    failedStep: (number: number, title: string, detail: string) =>
      `Step ${number} does not hold: ${title}. ${detail}.`,
    where: (device: string, record: number | null) =>
      record === null ? `In the log of ${device}.` : `In the log of ${device}, record ${record}.`,
    refutedNext: "Decide nothing on it before somebody has looked into this. Download the evidence and show it to an administrator.",
    unreachable: "The evidence could not be fetched. The session can be read and judged all the same.",
    noEd25519: "This browser can't verify signatures of this kind. The session can be read and judged all the same; download the evidence and verify it with another browser or with proctor verify.",
    again: "Verify again",
    close: "Close",
    steps: "What was verified",
    held: "holds",
    failed: "does not hold",
    notTried: "not tried",
    notProven: "What this can't show",
    took: (seconds: number) => `It took ${Math.max(0.1, Math.round(seconds * 10) / 10)} s.`,
  },

  picture: {
    coming: "Fetching the picture …",
    failed: {
      gone: "This picture can't be shown just now.",
      forbidden: "Your login may not see this picture. That it was asked for is written down.",
      unreachable: "The server can't be reached, so this picture did not come.",
      late: "The picture did not come in time.",
    } satisfies Record<Failure, string>,
    strip: {
      coming: "Fetching the small pictures …",
      failed: {
        gone: "The small pictures can't be shown just now.",
        forbidden: "Your login may not see these pictures. That they were asked for is written down.",
        unreachable: "The server can't be reached: the small pictures are missing.",
        late: "The small pictures did not come in time. The large ones come all the same.",
      } satisfies Record<Failure, string>,
    },
    again: "Try again",
    stripKeys: "Arrows step",
  },

  unavailable: {
    heading: "What the machine could not see",
    words: ({ why, snapshots }: Unavailable) => `${why} (in ${counted(snapshots, "snapshot")})`,
    nothing: "It is no sign of anything: look at these pictures yourself.",
    notYet: "The machine has not looked at every picture yet. Flags may still come.",
    models: "For want of a model, the machine does not look at all that it should:",
    modelsNext: "An administrator can fetch it with: proctor models fetch.",
  },

  lanes: {
    sections: "Sections",
    conduct: "Conduct",
    quality: "Quality",
    time: "Gaps, time",
    talk: "Words, acts",
    answers: "Answers",
    faces: "Faces seen",
  },

  chart: {
    whole: "Show the whole session",
    zoomHint: "Drag over a part to see it larger",
    ledger: (seconds: number, cause: string) =>
      `${seconds < 0 ? "Time taken" : "Time given"}: ${counted(Math.round(Math.abs(seconds)), "second")}, ${cause}`,
    opened: (title: string) => `${title} opened`,
    closed: (title: string, by: string) =>
      `${title} closed${by === "" ? "" : `: ${CLOSED[by] ?? by.replaceAll("-", " ")}`}`,
    answer: (item: string) => `Answer saved: ${item}`,
    answers: (count: number) => `${counted(count, "answer")} saved`,
    message: ({ topic, text }: Message) => `${TOPICS[topic] ?? topic}${text === "" ? "" : `: ${text}`}`,
    handDown: "The learner takes the hand down",
    act: ({ act, by, why = "", note, undone, to_all = false, lapsed = false }: Act) =>
      [
        `${by || "A proctor"} ${to_all ? "wrote to everybody" : (ACTS[act] ?? act)}`,
        why === "" ? "" : `, ${why}`,
        note === "" ? "" : `: ${note}`,
        undone ? " (taken back)" : "",
        lapsed ? " (it lapsed: nobody confirmed it in time)" : "",
      ].join(""),
    comment: (by: string, text: string) => `${by} marked: ${text}`,
    flag: (kind: string, of: "conduct" | "quality") => `${of === "conduct" ? "Conduct" : "Quality"} flag: ${kind}`,
    after: (time: string) => `After the end, at ${time}`,
    happened: "All that happened, in words",
    go: "Show",
  },

  comment: {
    open: "Mark this moment",
    heading: (time: string) => `Mark ${time}`,
    label: "What is there to see?",
    hint: "Other reviewers read it. The learner does not.",
    empty: "Look at this.",
    save: "Save the mark",
    back: "Go back",
    wait: "your mark to be saved",
    longest: 1000,
    tooLong: "Shorten it to 1,000 characters.",
    list: "Marks",
    by: (name: string) => `${name}:`,
  },

  answer: {
    heading: "What the learner says to this flag",
    whole: "What the learner says",
    at: (when: string) => `Written ${when}`,
    attachments: "Attached",
    open: (name: string, size: string) => `Open ${name} (${size})`,
    none: "The learner answered, but said nothing to this flag.",
    wait: "the file",
  },

  looks: {
    heading: "Who looked at pictures of this session",
    none: "Nobody has looked yet.",
    words: ({ by, what, why, count, allowed }: Look) =>
      allowed
        ? `${by} looked at ${WHATS[what] ?? what}${count > 1 ? ` (${count} times)` : ""}, for ${WHYS[why] ?? why}`
        : `${by} asked for ${WHATS[what] ?? what} and was refused`,
    hint: {
      whole: "The learner reads this list, too.",
      untilDecided:
        "The learner reads the whole list. Here, looks of other reviewers for a review are left out until the session is decided or you have given your verdict.",
      sinceAnswer:
        "The learner reads the whole list. Here, looks of other reviewers since the learner's answer are left out until that is decided or you have given your verdict.",
    } satisfies Record<Told, string>,
    wait: "the list of looks",
  },

  acts: { permitted: "Allowed to this learner" },

  report: {
    link: "Report to print",
    title: (learner: string) => `Report: ${learner} · Proctor`,
    heading: "Report of a session",
    print: "Print",
    signIn: "Sign in to see the report",
    back: "Back to the session",
    missing: "Which session? Open this page from a session's own page.",
    made: (when: string, by: string, zone: string) => `Made ${when} by ${by}. Times are in ${zone}.`,
    facts: "The session",
    exam: "Exam",
    learner: "Learner",
    session: "Session",
    state: "State",
    idCheck: "ID check",
    policy: "Policy digest",
    evidence: "Evidence",
    sections: "Sections",
    section: (title: string, from: string, to: string) => `${title}: ${from} to ${to}`,
    notOpened: (title: string) => `${title}: not opened`,
    flags: "Flags",
    noFlags: "No rule raised a flag.",
    verdicts: "Verdicts",
    noVerdicts: "There is no verdict to show.",
    learnerSays: "What the learner says",
    ledger: "Time given and taken",
    happened: "All that happened",
    looks: "Who looked at pictures",
    pictures: (shown: number, of: number) => `${shown} of ${counted(of, "picture")}`,
  },

  agreement: {
    title: "Agreement · Proctor",
    signIn: "Sign in to see the agreement",
    heading: "How far reviewers agree",
    ofCourseTeam: "Marks, results and tables",
    what: "Some clear sessions are looked at twice, and every breach is. Neither person sees the other's verdict before. Kappa tells how far they agree beyond chance: 1 is always, 0 is as often as chance would have it. The interval tells how sure that is.",
    exam: "Exam",
    choose: "Choose an exam",
    noExams: "No exam is published yet.",
    counted: (decided: number, sessions: number) =>
      `${decided.toLocaleString("en")} of the exam's ${sessions.toLocaleString("en")} ${sessions === 1 ? "session is" : "sessions are"} decided. Only what is decided counts here.`,
    pairs: "Pairs of reviewers",
    rules: "Rules",
    pair: (one: string, other: string) => `${one} and ${other}`,
    columns: { pair: "Who", rule: "Rule", n: "Judged twice", agree: "Same verdict", kappa: "Kappa", interval: "95 % interval", means: "In words" },
    none: "Nothing was judged twice and decided yet.",
    share: (share: number) => `${Math.round(share * 100)} %`,
    number: (value: number | null) => (value === null ? "–" : value.toFixed(2)),
    interval: (low: number | null, high: number | null) =>
      low === null || high === null ? "–" : `${low.toFixed(2)} to ${high.toFixed(2)}`,
    flags: {
      heading: "What became of flags",
      what: "Of the flags that people judged, how many were not upheld: how often each rule raises a false alarm. Flags that nobody could tell count as judged. The interval tells how sure the share is.",
      columns: { rule: "Rule", n: "Judged", upheld: "Upheld", notUpheld: "Not upheld", cannotTell: "Can't tell", share: "Not upheld, share", interval: "95 % interval" },
      none: "No flag was judged and decided yet.",
      interval: (low: number, high: number) =>
        `${Math.round(low * 100)} % to ${Math.round(high * 100)} %`,
    },
    means: ({ n, kappa, low, high }: Kappa): string => {
      if (kappa === null || low === null || high === null)
        return n === 0 ? "nothing to compare" : "all verdicts alike: chance can't be told apart";
      if (high - low > 0.8) return "too few to tell";
      if (low > 0.6) return "they agree";
      if (high < 0.4) return "they often differ: talk the rule over";
      return "in between";
    },
    forbidden: "Agreement and its tables are for the lead of the proctors.",
    wait: "the agreement",
    keys: [
      ["Tab", "from one to the next"],
      ["Escape", "close what is open"],
      ["?", "this list"],
    ] as const,
  },

  /** Tables of an exam, as the server writes them. */
  exports: {
    open: "Export",
    heading: "Tables to download (CSV, or JSON for programs)",
    json: (what: string) => `JSON of ${what}`,
    names: {
      sessions: "Sessions",
      flags: "Flags",
      irregularities: "Irregularities",
      verdicts: "Verdicts",
    },
    holds: {
      sessions:
        "a line for each session, with its state, ID check, times, time given, how many flags and irregularities, and how it was decided.",
      flags:
        "a line for each flag, with its rule, when it was, what was measured against which limit, and how it was judged.",
      irregularities: "a line for each that a proctor noted, with the reason, the note, by whom and when.",
      verdicts: "a line for each verdict on a session or a flag, with its reasons, by whom and when.",
    },
    hint: "Of a review that is not decided, nothing that was said in it is in the tables.",
    none: "No session of any exam is in your list yet.",
    close: "Close",
  },

  /** Answers that no machine can score. */
  marks: {
    heading: "Answers that people score",
    what: "Give each answer its points. Until the result is released a mark can be corrected: the one before stays on record beside it. Once the learner has read a mark, it stays.",
    nobody: "Nobody has handed this exam in yet.",
    whose: "Whose answers",
    choose: "Choose a learner",
    row: ({ learner, group, released, marked }: MarkingRow) =>
      `${learner}${group === "" ? "" : `, ${group}`}: ${marked} marked${released ? ", released" : ""}`,
    soFar: (points: number, possible: number) => `${points} of ${possible} points so far.`,
    none: "No answer of this learner needs a person.",
    question: (item: string) => `Answer to ${item}`,
    file: (response: unknown) => `Open ${fileName(response)}`,
    waitFile: "the file",
    mark: ({ points, by }: MarkGiven, before: MarkGiven | null) =>
      before === null ? `${points}, by ${by}` : `was ${before.points}, now ${points}, by ${by}`,
    points: (item: string, possible: number) => `Points for ${item}, 0 to ${possible}`,
    give: "Give the points",
    correct: "Correct the points",
    stays: "The result is released, and the learner has read this mark: it stays.",
    atOnce: "The result is released: the learner reads this mark at once, and it stays.",
    lacks: (possible: number) => `Write a number from 0 to ${possible}, with at most three decimals.`,
    done: (item: string, was: number | null, now: number) =>
      was === null ? `Recorded for ${item}: ${now}.` : `Recorded for ${item}: was ${was}, now ${now}.`,
    wait: "the answers",
    waitGiven: "the mark to be recorded",
    unsure: "No answer came, so it's not known whether the mark was recorded. Look what stands there now; given again, it counts once.",
  },

  /** What the course team does with the results of an exam. */
  results: {
    heading: "Results",
    what: "Lets learners see their results: of sessions that are decided, and of those in which nothing waits for a person, which need no verdict. Those learners read that nobody had to judge their exam. From then on no verdict can be given on these.",
    submit: "Release what can be released",
    sureHeading: (exam: string) => `Release the results of ${exam}?`,
    sure: "Learners see them at once, and no result can be taken back. On sessions that nobody judged, no verdict can be given any more.",
    yes: "Release the results",
    no: "Go back",
    wait: "the results to be released",
    unsure: "No answer came, so it's not known which results were released. Do it again: what is released stays so.",
    done: (count: number) =>
      count === 0 ? "No result was released just now." : `${counted(count, "result")} released.`,
    left: (code: string, count: number): string =>
      `${counted(count, "result")} not released: ${LEFT[code] ?? "the exam server could not do it. Try again."}`,
  },
};
