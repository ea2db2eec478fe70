/** Every word of the wall, in English. Another language is another file of this type. */

import type { AskingAct, Lack, Left, Unfit } from "../console/acts";
import { MINUTES_MOST, needsNote } from "../console/acts";
import type { Filter, Sort } from "../console/tiles";
import { type ActKind, type Interrupted, NOTE_MOST, type Tile } from "../console/wall-api";
import { counted, lengthWords } from "./when";

const STATES: Readonly<Record<string, string>> = {
  invited: "not here yet",
  "check-in": "at check-in",
  ready: "ready to begin",
  running: "working",
  paused: "paused",
  submitted: "handed in",
  terminated: "ended by proctors",
  expired: "time is over",
};

const QUALITY: Readonly<Record<string, string>> = {
  dark: "too dark",
  covered: "camera covered",
  "no-face": "face not found",
  "camera-lost": "pictures can't be read",
  frozen: "picture stands still",
};

const TOPICS: Readonly<Record<string, string>> = {
  question: "has a question",
  hand: "raises a hand",
  fault: "reports a fault",
};

const RULES: Readonly<Record<string, string>> = {
  "person-count": "More than one person",
  "another-person": "Another person",
  looped: "Pictures repeat themselves",
  frozen: "Picture did not change",
  covered: "Camera covered",
  dark: "Too little light",
  "no-face": "Face not found",
  "camera-lost": "Camera lost",
  "network-gap": "Network lost",
  "capture-gap": "No snapshots taken",
  "second-display": "More displays than one",
  "left-page": "Left the exam's page",
  program: "Program not allowed",
};

const CHECKS: Readonly<Record<string, string>> = {
  awaited: "nothing shown yet",
  captured: "waits for a person",
  "refusal-proposed": "a refusal waits for a second person",
  retake: "a new picture was asked for",
  accepted: "accepted",
  refused: "refused",
};

const CAUSES: Readonly<Record<string, string>> = {
  outage: "no contact with the server",
  pause: "pause",
  proctor: "given by a proctor",
  correction: "taken back",
};

/** What a flag of conduct is about, in two or three words. */
const FLAGGED: Readonly<Record<string, string>> = {
  "person-count": "more people",
  "another-person": "face may differ",
  looped: "pictures repeat",
  "left-page": "left the page",
  program: "a program",
  "log-fork": "two histories",
};

/** Ready sentences: by the act they are for, … */
const READY: Partial<Readonly<Record<AskingAct, readonly string[]>>> = {
  message: [
    "We can't see your face well. Is the light behind you?",
    "Something seems to be in front of your camera. Please have a look at it when you can.",
    "Please stay on the exam's page. Ask us if you need something else.",
    "Please tell us when you can go on. There is no hurry.",
  ],
  pause: [
    "The clock stands still while your exam is paused. You lose no time.",
    "We are looking into something and will be back soon. You did nothing wrong.",
  ],
  resume: ["You can go on now. The time of the pause is given back to you."],
  "extra-time": ["You get this time because something took it from you. You did nothing wrong."],
  "ask-still": [
    "Please take a new picture once you have finished what you are writing.",
    "Please turn on a light, or move so that it is in front of you, and take a new picture.",
  ],
  "ask-id": [
    "Your document can't be read in the picture. Please show it again, flat and in good light.",
    "Your face can't be seen well in the picture. Please take it again, with light from the front.",
  ],
  "lift-rule": ["You need not mind this rule for the rest of your exam."],
  "restore-rule": ["From now on this rule holds for you again."],
  irregularity: ["This says what happened. It says nothing against you."],
  terminate: ["Your exam ends here. What you have answered until now is kept."],
  "admit-device": ["You can go on at this computer now."],
  "refuse-device": ["Please go on at the computer that you began with."],
};

/** … by the category of the reason that is given, … */
const READY_FOR: Readonly<Record<string, readonly string[]>> = {
  environment: [
    "We have noticed what goes on around you. You did nothing wrong.",
    "If something disturbs you, tell us, and we can pause your exam.",
  ],
  learner: [
    "Take the time that you need, and tell us when you are ready to go on.",
    "Tell us if you don't find your way through the exam. We can help with that.",
  ],
  staff: ["This was a mistake of ours. You did nothing wrong.", "We are late. Thank you for waiting."],
  technical: [
    "Something technical went wrong. You did nothing wrong.",
    "Just carry on: what you answer is kept on your computer until it has reached us.",
    "Please load the exam's page again. Your answers are kept.",
  ],
  other: ["Thank you for telling us. We are looking into it."],
};

/** … for a whole exam, and by what a learner called for. */
const READY_FOR_ALL: readonly string[] = [
  "We have a technical problem. Just carry on: what you answer is kept on your computer.",
  "The problem is solved. Thank you for your patience.",
];
const READY_ANSWERS: Readonly<Record<string, readonly string[]>> = {
  question: [
    "I can't help with what a question is about. Write down what you assume, and go on.",
    "Yes, you may use that.",
    "No, that may not be used in this exam.",
  ],
  hand: ["I am here. What can I help you with?"],
  fault: [
    "Thank you for telling us. We are looking into it.",
    "Please load the exam's page again. Your answers are kept.",
  ],
};

/** Why an act is not for somebody as their session stands. */
const UNFIT_WHY: Readonly<Record<Unfit, string>> = {
  over: "The exam is over.",
  refused:
    "Two people refused the ID check: the learner is not let in. The ID check can still be decided otherwise.",
  gone: "The session is not on the wall: it ended a while ago, or is not yours.",
  paused: "The exam is paused already.",
  "not-running": "The exam has not begun.",
  "not-paused": "The exam is not paused.",
  "no-section": "No section is open: time can be given in an open one only.",
  "no-camera": "The camera is asked for a picture only while somebody is ready or works.",
  "nothing-shown": "Nothing was shown for the ID check yet.",
  "asked-already": "The ID check was asked for again already.",
  proposed: "Somebody proposes to end the exam already: confirm it, or withdraw it.",
  "not-proposed": "Nobody proposes to end the exam.",
  "none-lifted": "No rule is lifted.",
};

/** … of one or several: "3 are over". */
const LEFT_OUT: Readonly<Record<Unfit, readonly [one: string, more: string]>> = {
  over: ["is over", "are over"],
  refused: ["was refused at the ID check", "were refused at the ID check"],
  gone: ["is not on the wall any more", "are not on the wall any more"],
  paused: ["is paused already", "are paused already"],
  "not-running": ["has not begun", "have not begun"],
  "not-paused": ["is not paused", "are not paused"],
  "no-section": ["has no section open", "have no section open"],
  "no-camera": ["is neither ready nor at work", "are neither ready nor at work"],
  "nothing-shown": ["has shown nothing yet", "have shown nothing yet"],
  "asked-already": ["was asked already", "were asked already"],
  proposed: ["has an end proposed already", "have an end proposed already"],
  "not-proposed": ["has no end proposed", "have no end proposed"],
  "none-lifted": ["has no rule lifted", "have no rule lifted"],
};

const CALL_MOST = 40;
/** Learners that are named of many. */
const NAMED_MOST = 20;
/** Said at once of those who begin to need someone; of more, how many. */
const BEGUN_MOST = 3;

/** What the words of an act depend on, beside its kind and reason. */
interface Said {
  seconds: number | null;
  rule: string;
  of: string;
  answers?: boolean;
  /** An announcement. */
  toAll?: boolean;
}

export const wall = {
  title: (needs: number | null) => (needs === null || needs === 0 ? "Wall · Proctor" : `(${needs}) Wall · Proctor`),
  heading: "Wall",
  signIn: "Sign in to watch",
  wait: {
    wall: "the sessions",
    session: "the session",
    act: "the server to do it",
    announce: "the announcement to be sent",
  },

  filter: {
    label: "Show",
    folded: (filter: string, count: number) => `Filters and search (${filter}: ${count})`,
    names: {
      needs: "Needs someone",
      mine: "Mine",
      working: "Working",
      offline: "Offline",
      paused: "Paused",
      ready: "Ready",
      "check-in": "Check-in",
      invited: "Not here yet",
      done: "Done",
      all: "All",
    } satisfies Record<Filter, string>,
    search: "Search",
    searchHint: "Name or group",
    group: "Group",
    allGroups: "All groups",
    exam: "Exam",
    allExams: "All exams",
    sort: "Order",
    sorts: { need: "By need", name: "By name" } satisfies Record<Sort, string>,
  },

  order: {
    changed: "Order changed:",
    update: "update",
    why: "Nothing moves while you move the pointer over the tiles or press keys there, and for 5 seconds after.",
    justNow: "Nothing was opened: the order had just changed. See which tile is there now, and click again.",
  },

  line: {
    cut: (when: string | null) =>
      when === null
        ? "The server can't be reached. It is tried again by itself."
        : `The server can't be reached. What you see is from ${when}. It is tried again by itself; learners' exams go on.`,
    again: "Try now",
    notSent: "Not done: there is no connection to the server. Try again once there is.",
  },

  none: {
    all: "No session is here yet.",
    allNext: "A tile comes here by itself when a learner is invited and joins.",
    filter: (filter: string) => `Nobody is listed under “${filter}”.`,
    search: "Nobody fits what you search for.",
    exam: (exam: string) => `There is no exam “${exam}” with sessions that are yours to see.`,
    showAll: "Show all",
  },

  needSomeone: (count: number) =>
    count === 0 ? "Nobody needs anyone now." : `${counted(count, "learner")} ${count === 1 ? "needs" : "need"} someone.`,
  /** Of each, who it is and why. */
  begun: (each: readonly string[]) => {
    const more = each.length - BEGUN_MOST;
    const said = each.slice(0, BEGUN_MOST).map((one) => `${one}.`);
    if (more > 0) said.push(`${counted(more, "more learner")} ${more === 1 ? "needs" : "need"} someone.`);
    return said.join(" ");
  },

  tile: {
    list: "Sessions",
    select: (learner: string) => `Select ${learner}`,
    still: (learner: string) => `Camera of ${learner}`,
    noStill: {
      off: "No picture yet",
      over: "No picture after the end",
      broken: "Picture can't be shown",
      wait: "Picture follows",
    },
    state: (state: string) => STATES[state] ?? state,
    refused: "ID check refused",
    opened: "has opened the link",
    between: "between sections",
    left: (ms: number) => (ms <= 0 ? "time is over" : `${short(ms)} left`),
    pausedFor: (ms: number) => `paused for ${short(ms)}`,
    mine: "taken by you",
    taken: (by: string) => `taken by ${by}`,
    looks: (names: readonly string[]) =>
      names.length === 1 ? `${names[0]} looks` : `${names.length} others look`,
    heard: (ms: number) => `heard ${short(ms)} ago`,
    conduct: (tile: Tile) => `conduct: ${flagged(tile)}`,
    stillOld: (ms: number) => `picture is ${short(ms)} old`,
    quality: (kind: string) => QUALITY[kind] ?? kind.replaceAll("-", " "),
    devices: (count: number) => (count === 1 ? "another device asks" : `${count} devices ask`),
    extra: (seconds: number) => `+${short(seconds * 1000)}`,
  },

  /** Why somebody comes first, in two or three words; `since_ms` and `lapses_ms` are lengths. */
  why: (need: string, tile: Tile, lapses_ms: number | null): string => {
    switch (need) {
      case "terminate-proposed":
        return tile.termination === null
          ? "end proposed"
          : `${tile.termination.by}: end it? ${Math.max(0, Math.ceil((lapses_ms ?? 0) / 1000))} s`;
      case "help-fault":
        return asked("fault", tile);
      case "help-question":
        return asked("asks", tile);
      case "help-hand":
        return asked("hand", tile);
      case "device-asks":
        return "another device asks";
      case "id-check":
      case "id-check-later":
        return "ID check waits";
      case "offline":
        return "offline";
      case "conduct":
        return flagged(tile);
      case "quality":
        return QUALITY[tile.quality[0] ?? ""] ?? "can't be seen well";
      default:
        return need.replaceAll("-", " ");
    }
  },
  /** What somebody needs beside what the tile names first. */
  also: (others: readonly string[]) => `Also: ${others.join(", ")}`,
  /** Its unit stays on the line of its number. */
  since: (ms: number) => short(ms).replaceAll(" ", "\u00a0"),
  /** Of something that was seen once: it need not go on. */
  ago: (ms: number) => `${short(ms)} ago`.replaceAll(" ", "\u00a0"),

  session: {
    notHere: "This session is not on the wall: it ended a while ago, or is not yours.",
    close: "Close",
    ends: (when: string, length: string) => `Ends at ${when} (in ${length})`,
    over: "This exam is over.",
    refused:
      "Two people refused the ID check: the exam has not begun, and the learner is not let in. The ID check can still be decided otherwise.",
    old: (when: string) =>
      `This is from ${when}: it can't be fetched anew just now. It is tried again by itself.`,
    pausedSince: (when: string, length: string) => `Paused since ${when} (${length}).`,
    still: (when: string, length: string) => `Picture of ${when}, ${length} ago`,
    stillOld: "It shows how it was then, not how it is now. That says nothing about the learner.",
    earlier: "Pictures before",
    taken: "Who looks after this one",
    nobody: "Nobody has taken this session.",
    mine: "You have taken this session.",
    takenBy: (by: string) => `${by} has taken this session.`,
    take: "Take",
    release: "Release",
    acts: "What you can do",
    permitted: "Permitted for this learner",
    permittedNone: "Nothing beyond the exam's rules.",
    policy: (title: string) => `The rules of this exam: ${title}`,
    lifted: (rule: string) => `Rule lifted: ${RULES[rule] ?? rule}`,
    messages: "Messages",
    messagesNone: "No messages yet.",
    fromLearner: (learner: string, topic: string, raised: boolean) =>
      `${learner} ${raised ? (TOPICS[topic] ?? "writes") : "takes the hand down"}`,
    fromProctor: (by: string, toAll = false) => `${by} to ${toAll ? "everybody" : "the learner"}`,
    asksFor: (learner: string, topic: string, since: string) =>
      `${learner} ${TOPICS[topic] ?? "asks for help"}, since ${since}.`,
    noWords: "No words came with it.",
    moreWords: (count: number) =>
      `${counted(count, "earlier message")} ${count === 1 ? "is" : "are"} not shown here yet: wait a moment, or open the whole timeline. Your answer closes ${count === 1 ? "it" : "them"}, too.`,
    answer: "Your answer",
    send: "Send the answer",
    answerMissing: "Write your answer first.",
    answerLong: `Shorten your answer to ${NOTE_MOST.toLocaleString("en")} characters.`,
    device: (kind: string, when: string, over: boolean) =>
      over
        ? `This exam is over. At ${when} another device (${kind}) asked to look at it.`
        : `Another device (${kind}) asks to go on with this exam, since ${when}. The first one then stops.`,
    admit: "Let it in",
    refuse: "Refuse it",
    happened: "What happened",
    happenedNone: "Nothing yet.",
    opened: (title: string) => `${title} opened`,
    closed: (title: string, by: string | null) => `${title} closed${by === "time-up" ? ": time was up" : by === "cut" ? " with the session" : ": handed in"}`,
    qualityAsk: (kind: string, length: string, on: boolean) => `Asked for help with the picture: ${QUALITY[kind] ?? kind}, ${on ? "for" : "lasted"} ${length}`,
    called: (topic: string, raised: boolean) =>
      `The learner ${raised ? (TOPICS[topic] ?? "writes") : "takes the hand down"}`,
    flag: (kind: string, of: "conduct" | "quality", measured: string, length: string) =>
      `${of === "conduct" ? "Conduct flag" : "Quality, never counted"}: ${kind} (${measured}), ${length}`,
    flagged: (time: string) => `What was flagged at ${time}`,
    gap: (of: "capture" | "contact", gap: string) =>
      `${of === "contact" ? "No contact with the server" : "No pictures"}. ${gap}`,
    cut: "What was before that stands in the whole timeline.",
    by: (by: string) => (by === "" ? "" : `by ${by}`),
    undo: "Undo",
    undoOf: (words: string) => `Undo: ${words}`,
    undone: "undone",
    ledger: "Time given and taken",
    ledgerNone: "No time was given or taken.",
    ledgerLine: (seconds: number, cause: string, reason: string, section: string) =>
      `${lengthWords(Math.abs(seconds) * 1000)} ${seconds < 0 ? "taken" : "given"}, ${section}: ${[CAUSES[cause] ?? cause, reason].filter(Boolean).join(", ")}`,
    idCheck: (state: string) => `ID check: ${CHECKS[state] ?? state}`,
    toIdCheck: "Open the ID check",
    toReview: "Open the whole timeline",
    group: (group: string) => `Group ${group}`,
    flags: (count: number) => `${counted(count, "flag")} of conduct: see “What happened”.`,
    leftAtPause: (length: string) => `Left of the section then: ${length}.`,
    contact: (connected: boolean, silent_ms: number | null) => {
      if (silent_ms === null) return connected ? "Connected." : "Not connected.";
      return connected
        ? `Connected: heard ${short(silent_ms)} ago.`
        : `Offline: last heard ${lengthWords(silent_ms)} ago.`;
    },
  },

  termination: {
    mine: (length: string) =>
      `You propose to end this exam. Another proctor must confirm within ${length}, or nothing happens.`,
    other: (by: string, length: string) =>
      `${by} proposes to end this exam. It ends only if you or another proctor confirm within ${length}.`,
    note: (reason: string, note: string) =>
      `What the learner would read: “A proctor ended your exam${reason === "" ? "" : `: ${reason}`}. ${note}”`,
    proposedFor: (by: string, learners: readonly string[]) => {
      const more = learners.length - NAMED_MOST;
      const named = learners.slice(0, NAMED_MOST).join(", ");
      return `${by} proposes to end the exam of ${named}${more > 0 ? ` and ${more} more` : ""}.`;
    },
    confirm: "Confirm the end",
    withdraw: "Withdraw",
    stale: (proposedBy: unknown, became: unknown, by: unknown) =>
      `Not done: the proposal that you read ${became === "withdrawn" ? `was withdrawn by ${String(by)}` : "stands no more"}, and ${typeof proposedBy === "string" ? proposedBy : "somebody"} has proposed it anew. Close this, read why, then decide.`,
    gone: (became: unknown, by: unknown) =>
      became === "withdrawn"
        ? `Not done: ${String(by)} has withdrawn the proposal. The exam goes on.`
        : became === "lapsed"
          ? "Not done: the minute to confirm it is over. The exam goes on."
          : "Nobody proposes to end this exam any more: the exam goes on.",
  },

  act: {
    name: {
      message: "Message",
      "ask-still": "Ask for a new picture",
      "ask-id": "Ask for the ID check again",
      pause: "Pause",
      resume: "Resume",
      "extra-time": "Give time",
      "lift-rule": "Lift a rule",
      "restore-rule": "Restore a rule",
      irregularity: "Note an irregularity",
      terminate: "End the exam",
      "confirm-terminate": "Confirm the end",
      "admit-device": "Let the device in",
      "refuse-device": "Refuse the device",
      undo: "Undo",
    } satisfies Record<AskingAct, string>,
    headings: {
      message: (whom) => `Message to ${whom}`,
      "ask-still": (whom) => `Ask ${whom} for a new picture`,
      "ask-id": (whom) => `Ask ${whom} for the pictures of the ID check again`,
      pause: (whom) => `Pause the exam of ${whom}`,
      resume: (whom) => `Resume the exam of ${whom}`,
      "extra-time": (whom) => `Give time to ${whom}`,
      "lift-rule": (whom) => `Lift a rule for ${whom}`,
      "restore-rule": (whom) => `Restore a rule for ${whom}`,
      irregularity: (whom) => `Note an irregularity for ${whom}`,
      terminate: (whom) => `End the exam of ${whom}`,
      "confirm-terminate": (whom) => `Confirm the end of the exam of ${whom}`,
      "withdraw-terminate": (whom) => `Withdraw the proposal to end the exam of ${whom}`,
      "admit-device": (whom) => `Let in another device of ${whom}`,
      "refuse-device": (whom) => `Refuse another device of ${whom}`,
      answer: (whom) => `Answer to ${whom}`,
      undo: (whom) => `Undo an act for ${whom}`,
    } satisfies Record<ActKind, (whom: string) => string>,
    many: (count: number) => counted(count, "learner"),
    /** Of an act that is for nobody of those chosen. */
    not: (heading: string, why: string) => `${heading}: not possible. ${why}`,
    unfit: UNFIT_WHY,
    left: leftOut,
    goesTo: (act: AskingAct, count: number, chosen: number, left: readonly Left[]) =>
      `${act === "message" ? "It goes to" : "It is done for"} ${count} of the ${chosen} chosen. ${leftOut(left)}`,
    notHereYet: (count: number, all: number) =>
      all === 1
        ? "The learner is not here yet, and reads it on coming."
        : `${count === 1 ? "1 is not here yet, and reads" : `${count} are not here yet, and read`} it on coming.`,
    hint: {
      pause: "The clock stops. The time ledger gives the pause back.",
      resume: "The clock runs again from now.",
      "extra-time": "Added to the section that is open now.",
      "lift-rule": "From now on this raises no flag. Flags that were raised before stay.",
      "restore-rule": "From now on this raises flags again.",
      irregularity: "It stands in the record of the session and changes nothing for the learner's exam.",
      terminate:
        "Where the exam's policy asks for it, a second proctor must confirm within a minute; otherwise this ends the exam at once. An ended exam can't be resumed.",
      "terminate-alone": "This ends the exam at once. An ended exam can't be resumed.",
      "terminate-two": "Nothing happens until a second proctor confirms, within a minute. An ended exam can't be resumed.",
      "confirm-terminate": "The exam ends at once and can't be resumed.",
      /** Of a device that was let in: no other asks first. */
      undo: "The computer that was let in loses the exam at once, though the learner may be working on it now. What has reached the server stays; what has not waits on that computer until somebody lets it in again. The learner goes on at the computer before, with the link.",
    } as Partial<Record<AskingAct | "terminate-alone" | "terminate-two", string>>,
    answers: (asked: string) =>
      asked === "" ? "This answers their call" : `This answers their question: “${asked}”`,
    reason: "Reason",
    reasonMay: "Reason (may be left out)",
    chooseReason: "Choose a reason",
    noReasons: "The list of reasons can't be fetched.",
    note: (act: AskingAct) =>
      act === "message"
        ? "Your message"
        : !needsNote(act)
          ? "Note (may be left out)"
          : "Note",
    noteHint: "The learner reads it.",
    minutes: "Minutes",
    rule: "Rule",
    chooseRule: "Choose a rule",
    /** With how many of those chosen it is about, where that is not all. */
    ruleOf: (act: AskingAct, rule: string, count: number, all: number) => {
      const name = RULES[rule] ?? rule.replaceAll("-", " ");
      if (count === all) return name;
      return `${name} (${act === "restore-rule" ? "lifted" : "holds"} for ${count} of ${all})`;
    },
    of: "Whose",
    ofNames: { room: "The room", system: "The system" },
    reads: "The learner will read:",
    readsIf: "Once it happens, the learner will read:",
    submit: (act: AskingAct, count: number) => {
      const verb = {
        message: "Send",
        "ask-still": "Ask",
        "ask-id": "Ask",
        pause: "Pause",
        resume: "Resume",
        "extra-time": "Give the time",
        "lift-rule": "Lift the rule",
        "restore-rule": "Restore the rule",
        irregularity: "Write it down",
        terminate: "End the exam",
        "confirm-terminate": "End the exam now",
        "admit-device": "Let it in",
        "refuse-device": "Refuse it",
        undo: "Give the exam back",
      }[act];
      return count === 1 ? verb : `${verb} (${count})`;
    },
    again: "Send again",
    cancel: "Cancel",
    lackHeading: "Not done yet.",
    lack: {
      code: "Choose a reason.",
      note: "Write a note: the learner reads it.",
      shorter: `Shorten the note to ${NOTE_MOST.toLocaleString("en")} characters.`,
      minutes: `Write how many minutes, up to ${MINUTES_MOST.toLocaleString("en")}.`,
      rule: "Choose which rule.",
    } satisfies Record<Lack, string>,
    done: {
      message: (whom: string) => `Sent to ${whom}.`,
      "ask-still": (whom: string) => `Asked ${whom} for a new picture.`,
      "ask-id": (whom: string) => `Asked ${whom} for the pictures of the ID check again.`,
      pause: (whom: string) => `Paused: ${whom}.`,
      resume: (whom: string) => `Resumed: ${whom}.`,
      "extra-time": (whom: string) => `Time given: ${whom}.`,
      "lift-rule": (whom: string) => `Rule lifted: ${whom}.`,
      "restore-rule": (whom: string) => `Rule restored: ${whom}.`,
      irregularity: (whom: string) => `Written down: ${whom}.`,
      terminate: (whom: string) => `Asked to end: ${whom}. While another proctor must confirm, the tile says so.`,
      "confirm-terminate": (whom: string) => `Ended: ${whom}.`,
      "withdraw-terminate": (whom: string) => `Proposal withdrawn: ${whom}.`,
      "admit-device": (whom: string) => `The other device was let in: ${whom}.`,
      "refuse-device": (whom: string) => `The other device was refused: ${whom}.`,
      answer: (whom: string) => `Answer sent to ${whom}.`,
      undo: (whom: string) => `Undone: ${whom}.`,
    } as Readonly<Record<string, (whom: string) => string>>,
    doneBefore: (said: string, when: string) => `${said} It was done at ${when}, and not a second time.`,
    undoneSince: (heading: string, when: string, since: string) =>
      `${heading}: this was done at ${when} already, and not a second time. ${since}`,
    since: {
      lapsed: "Since then it has lapsed: nobody confirmed it within the minute, and the exam goes on.",
      undone: "Since then it has been taken back.",
      changed: (state: string) =>
        `Since then somebody has changed that: the exam is now “${STATES[state] ?? state}”.`,
    },
    manyAgain: (said: string) =>
      `${said} What was done the first time was not done again, and may have changed since: the tiles say how it stands.`,
    failed: (count: number) => `Not done for ${counted(count, "learner")}:`,
    failedMore: (count: number) => `and ${count} more`,
    keepFailed: "Select those",
    dismiss: "Close this note",
    undo: (count: number) => (count === 1 ? "Undo" : `Undo for all ${count}`),
    stale: (by: unknown, act: unknown) =>
      `Not done: ${typeof by === "string" ? `${by} has acted on this session meanwhile (${String(act).replaceAll("-", " ")})` : "this session has changed since you looked"}. Look at it, then decide anew.`,
  },

  /** What was sent, and not answered by all. */
  lost: {
    heading: (heading: string, when: string) => `${heading}, sent at ${when}:`,
    unsure: "no answer came, so it's not known whether it was done. Sent again, it is not done twice.",
    some: "it was done for some, and not yet for the others. Sent again, it is not done twice.",
    names: (names: readonly string[], more: number) =>
      `For ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`,
    again: (heading: string) => `Send again: ${heading}`,
    dismiss: (heading: string) => `Close this note: ${heading}`,
    /** In a dialog that says the same once more. */
    same: (when: string) =>
      `You sent just this at ${when}, and no answer came. Sent again, what was done already is not done twice. To do it a second time, close that note at the foot of the page first.`,
  },

  /** What is known before a learner is interrupted again. */
  interrupted: {
    one: (told: Interrupted | null, ago: string): string => {
      if (told === null) return "Proctors have not interrupted this learner so far.";
      const { messages, pauses, requests } = told;
      const of = [
        [messages, "message"],
        [pauses, "pause"],
        [requests, "request"],
      ] as const;
      const each = of.filter(([count]) => count > 0).map(([count, what]) => counted(count, what));
      const all = messages + pauses + requests;
      const times = all === 1 ? "once" : `${all} times`;
      return `Interrupted ${times} so far (${each.join(", ")}), last ${ago} ago.`;
    },
    many: (some: number, all: number, ago: string) =>
      some === 0
        ? `Proctors have interrupted none of these ${counted(all, "learner")} so far.`
        : `Interrupted so far: ${some} of ${counted(all, "learner")}, last ${ago} ago.`,
    enough: (most: number) => `The exam's policy asks for at most ${most}. Can it wait?`,
    enoughOf: (names: readonly string[]) => {
      const more = names.length - NAMED_MOST;
      const named = names.slice(0, NAMED_MOST).join(", ");
      return `As often as the exam's policy asks for at most, or more: ${named}${more > 0 ? ` and ${more} more` : ""}. Can it wait for them?`;
    },
  },

  /** Sentences to begin with: what is sent is what stands in the field. */
  ready: {
    heading: "Ready sentences, to change as you like",
    act: (act: AskingAct, code: string): readonly string[] => [
      ...(READY_FOR[code.split("/")[0] ?? ""] ?? []),
      ...(READY[act] ?? []),
    ],
    announcement: (code: string): readonly string[] => [
      ...READY_FOR_ALL,
      ...(READY_FOR[code.split("/")[0] ?? ""] ?? []),
    ],
    answer: (topic: string): readonly string[] => READY_ANSWERS[topic] ?? [],
    all: [READY, READY_FOR, READY_ANSWERS].flatMap((some) => Object.values(some).flat()).concat(READY_FOR_ALL),
  },

  selected: {
    label: "For the selected",
    count: (count: number) => `${count} selected`,
    most: (most: number) => `At most ${most} at once.`,
    all: "Select all shown",
    clear: "Clear",
    take: "Take",
    release: "Release",
  },

  announce: {
    open: "Announce",
    heading: "Announce to a whole exam",
    exam: "Exam",
    note: "Announcement",
    hint: "Every learner whose exam goes on reads it.",
    reason: "Reason (may be left out)",
    noReason: "No reason",
    submit: (count: number | null) => (count === null ? "Send to all" : `Send to all (${count})`),
    reads: "Each will read:",
    goesTo: (count: number) =>
      count === 0
        ? "Nobody sits this exam just now: nobody would read it."
        : `It goes to ${counted(count, "learner")}.`,
    /** Those of the exam who get nothing of it. */
    others: (later: number, over: number) =>
      [
        later === 0 ? "" : `${later === 1 ? "1 is" : `${later} are`} not here yet and will not read it.`,
        over === 0 ? "" : `Of ${over === 1 ? "1" : String(over)} the exam is over.`,
      ]
        .filter(Boolean)
        .join(" "),
    chooseExam: "Choose an exam",
    lackExam: "Choose the exam first.",
    lack: "Write the announcement first.",
    headingOf: (exam: string) => `Announcement to all of ${exam}`,
    told: (count: number) => `Announced to ${counted(count, "learner")}.`,
  },

  /** As the server words it for the learner; the note follows in words of its own. */
  reads: (act: AskingAct, reason: string, draft: Said): string => {
    const rule = draft.rule === "" ? "" : `, “${RULES[draft.rule] ?? draft.rule}”`;
    const did = {
      message: draft.toAll
        ? "A proctor wrote to everybody who sits this exam"
        : draft.answers
          ? "A proctor answered you"
          : "A proctor wrote to you",
      "ask-still": "A proctor asked for a new picture",
      "ask-id": "A proctor asked you to take the pictures of your ID check again",
      pause: "A proctor paused your exam",
      resume: "A proctor resumed your exam",
      "extra-time": `A proctor gave you ${draft.seconds === null ? "…" : lengthWords(draft.seconds * 1000)} more`,
      "lift-rule": `A proctor lifted a rule for you${rule}`,
      "restore-rule": `A proctor put a rule in force again${rule}`,
      irregularity: `A proctor noted an irregularity of the ${draft.of}`,
      terminate: "A proctor ended your exam",
      "confirm-terminate": "A proctor ended your exam",
      "admit-device": "A proctor let your other computer in",
      "refuse-device": "A proctor did not let another computer in",
      undo: "A proctor gave the exam back to the computer before",
    }[act];
    return `${did}${reason === "" ? "" : `: ${reason}`}.`;
  },

  keys: [
    ["n", "next who needs someone"],
    ["← → ↑ ↓", "from tile to tile"],
    ["Enter", "open the session of the tile"],
    ["m, p, t", "message, pause or resume, give time: to the open one, or to the selected"],
    ["x", "select the tile, or take it off"],
    ["g", "take the session, or release it"],
    ["u", "put the tiles into their new order"],
    ["/", "search"],
    ["Escape", "close what is open"],
    ["?", "this list"],
  ] as const,

  trouble: {
    forbidden: "The wall is for proctors. Your login does not allow it; an administrator can change that.",
    unsure: "No answer came, so it's not known whether it was done. Send it again: what was done already is not done twice.",
    codes: {
      "act-reason-missing": "Choose a reason and write a note: the learner reads it.",
      "illegal-move": "That does not fit how the session stands now.",
      "no-such-reason": "That reason is not in the list any more. Choose another.",
      "no-such-rule": "This exam's policy has no such rule that could be lifted.",
      "rule-unchanged": "The rule stands like that already.",
      "request-reused": "That was sent already, with other words. Look at the session, then decide anew.",
      "too-many-acts": "This session has had all the acts that it can have.",
      "termination-proposed": "Somebody proposes to end this exam already: confirm it, or withdraw it.",
      "nothing-proposed": "Nobody proposes to end this exam any more: the exam goes on.",
      "another-person-needed": "Another proctor must confirm it: not who proposed it.",
      "session-closed": "This exam is over.",
      "not-found": "There is no such session.",
      "nobody-calls": "Somebody has answered already.",
      "stale-page":
        "Somebody else has acted on this session since you looked. Look at it, then decide anew.",
      "stale-proposal":
        "The proposal that you read stands no more, and there is a new one. Read why, then decide.",
      "ask-decided": "Somebody has decided on this device already.",
      "no-such-ask": "No such device asks any more.",
      "section-not-open": "No section is open: time can be given in an open one only.",
      "bad-grant": "That much time can't be given.",
    } as Readonly<Record<string, string>>,
  },
};

/** "Left out: 3 are over, 1 is paused already." */
function leftOut(left: readonly Left[]): string {
  const each = left.map(({ why, count }) => `${count} ${LEFT_OUT[why][count === 1 ? 0 : 1]}`);
  return `Left out: ${each.join(", ")}.`;
}

function asked(how: "asks" | "fault" | "hand", { help }: Tile): string {
  const text = help?.text.trim() ?? "";
  if (text === "")
    return { asks: "has a question", fault: "reports a fault", hand: "hand raised" }[how];
  const cut = [...text];
  const more = help === null || help.more === 0 ? "" : ` and ${help.more} more`;
  return `${how}: ${cut.length > CALL_MOST ? `${cut.slice(0, CALL_MOST).join("")}…` : text}${more}`;
}

/** "2 people", and how many flags there are where it is not the only one. */
function flagged({ conduct, flagged: last }: Tile): string {
  if (last === null) return counted(conduct, "conduct flag");
  const people = last.rule === "person-count" && last.value !== null;
  const what = people
    ? counted(last.value ?? 0, "person", "people")
    : (FLAGGED[last.rule] ?? last.rule.replaceAll("-", " "));
  return conduct > 1 ? `${what}, ${conduct} flags` : what;
}

/** The largest unit alone: a tile has little room. "38 min", "45 s". */
function short(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
