/** Every word of what a learner reads after the exam, in English. Another language is another file. */

import { counted, lengthWords, sizeWords } from "./when";

const CAUSES: Readonly<Record<string, string>> = {
  camera: "the camera gave no picture",
  "spool-full": "this computer had no room left for pictures",
  "disk-full": "this computer had no room left for pictures",
  suspended: "this computer slept",
  "client-stopped": "the page of the exam was closed",
  network: "the network was down",
};
const TIME: Readonly<Record<string, string>> = {
  outage: "the exam server had not heard of this computer",
  pause: "your exam was paused",
  proctor: "a proctor gave it",
  correction: "a proctor took back what was given by mistake",
};
const WHATS: Readonly<Record<string, string>> = {
  snapshot: "pictures taken during the exam",
  document: "the picture of your document",
  face: "the picture of your face",
  thumbnails: "small pictures of the whole exam",
  "live stills": "pictures during the exam, as they came",
  file: "files that you handed in",
  bundle: "the whole of the evidence",
  reading: "what a program read on your document",
  pictures: "pictures",
};
const WHYS: Readonly<Record<string, string>> = {
  review: "to review your exam",
  "check-in": "to check who you are",
  help: "to help you",
  contest: "to look at your answer",
  audit: "to look over the work of others",
  watching: "to watch the exam",
  marking: "to mark your answer",
};

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export const after = {
  title: "What was seen, and what was decided",
  lead: "This is what was recorded of your exam. Once it is decided you also read here what was flagged, what people made of it and why; and you can answer.",
  back: "Back",
  wait: "what was seen",
  check: "Check again",
  zone: (words: string) => `All times are in your zone, ${words}.`,
  trouble: {
    unreachable:
      "The exam server can't be reached. Nothing is lost. Check your network, then try again.",
    codes: {
      "not-over-yet": "Your exam goes on. Come back here when it has ended.",
      "under-review": "People still look at your exam. Come back here when they have decided.",
      "contest-over": "The days in which it could be answered are over.",
      "contests-busy":
        "Many answers with files are being received just now. Send yours again in half a minute.",
      "contest-too-large": "It is more than the exam server takes. Shorten it, or send fewer files.",
      "too-large": "It is more than the exam server takes. Shorten it, or send fewer files.",
      "too-slow":
        "Your files took too long to arrive. Send fewer or smaller ones, or try from a faster line.",
      "invalid-input":
        "A file, or its name, can't be taken. Rename it, or save it as a PDF or a picture, and add it again.",
      "storage-full":
        "The exam server has no room left just now. Try again later, and tell your course team.",
      "join-link-used": "Another computer was let look in this one's place. Read it there.",
      "login-needed":
        "This page was open for too long, or another browser took its place. On the computer that you sat your exam with, run “proctor-client after LINK” once more, and open the link that it shows.",
      "attachments-not-taken":
        "The pictures of your exam were erased, so no file can be kept beside them. Remove your files and send the words alone.",
      "illegal-move": "It was answered before, or nothing is decided any more.",
    } as Readonly<Record<string, string>>,
    other: "The exam server did not show it. Nothing is lost. Try again in a moment.",
  },

  viewer: {
    noLink: {
      heading: "This link shows nothing any more",
      lines: [
        "A link to what was seen of an exam works once, within minutes, and only the newest one does. If you opened it, made another after it, or your network failed while it opened, that was it.",
        "If none of this is so, somebody else opened it, and may be reading there: make another link now, and open it. That ends their look.",
        "On the computer that you sat your exam with, run this with your join link. It makes another:",
      ],
    },
    unreachable:
      "The exam server can't be reached. Check your network, then try again. If you then read that the link was used, its answer was lost on the way: make another link.",
    until: (when: string) =>
      `This browser may look until ${when}, or until another link of yours is opened.`,
    done: "Done: forget this here",
    left: {
      heading: "This browser has forgotten your exam",
      lines: [
        "To look again, make another link. On the computer that you sat your exam with, run this with your join link:",
      ],
    },
    command: "proctor-client after LINK",
  },

  decision: {
    heading: "What was decided",
    state: {
      awaiting: "Nothing is decided yet. A person looks at your exam; you will read here what they decide, and why.",
      unjudged: "Nobody had to judge your exam: no rule about conduct raised a flag, and nothing else waited for a person. So your result was released without a decision. Nothing counts against you.",
      decided: "It is decided.",
      contested: "You answered, and a person who has given no verdict on your exam before looks at it.",
      final: "It is decided for good, after your answer.",
    } as Readonly<Record<string, string>>,
    until: (when: string) => `You can answer until ${when}.`,
    toAnswer: "Answer it",
  },

  flags: {
    heading: "What was flagged",
    none: "No rule raised a flag in your exam.",
    lead: "A rule raises a flag when something is measured. A flag is no accusation: only people decide, with reasons.",
    later:
      "Flags are shown here once it is decided: until a person has looked, a flag is nobody's judgement.",
    number: (number: number, of: number) => `Flag ${number} of ${of}`,
    class: {
      conduct: "About conduct: a person looks at it.",
      quality: "About quality: it asks for help and never counts against you.",
    },
    when: (from: string, to: string, length: string, section: string) =>
      [from === to ? `At ${from}` : `${from} to ${to} (${length})`, section].filter(Boolean).join(", "),
    measured: "Measured",
    measure: (measurement: string, value: number | null, threshold: number | null) => {
      const what = measurement.replaceAll(/[_-]/g, " ");
      if (value === null) return what;
      const limit = threshold === null ? "" : `; the rule's limit is ${round(threshold)}`;
      return `${what} ${round(value)}${limit}`;
    },
    models: "Measured by",
    noModel: "no program that looks at pictures: it is in what your computer recorded",
    policy: "Rules of the exam, digest",
    how: "How it was measured",
    pictures: (count: number) =>
      count === 0 ? "No picture belongs to it." : `Seen in ${counted(count, "picture")}:`,
    show: (time: string) => `Show the picture of ${time}`,
    more: (count: number) => `and ${count} more in between`,
    judged: {
      upheld: "A person decided: this counts.",
      "not-upheld": "A person decided: this does not count.",
      "cannot-tell": "A person decided: it can't be told.",
    } as Readonly<Record<string, string>>,
    reason: "The reason:",
    answered: "You answered:",
    answer: (number: number) => `Your answer to flag ${number}`,
    answerHint: "If you like. What happened there?",
  },

  time: {
    heading: "Your exam in time",
    rows: {
      sections: "Sections",
      pictures: "Pictures",
      flags: "Flags",
      gaps: "Gaps",
      acts: "Proctors",
    },
    row: (name: string, count: number) => `${name}: ${count}`,
    list: "All that happened, in words",
    opened: (title: string) => `${title} was opened.`,
    closed: {
      "handed-in": (title: string) => `${title} was handed in.`,
      "time-up": (title: string) => `The time of ${title} was over.`,
      other: (title: string) => `${title} was closed.`,
    },
    gap: (of: string, cause: string, length: string) =>
      `${of === "contact" ? "The exam server heard nothing" : "No pictures were taken"} for ${length}: ${CAUSES[cause] ?? cause}.`,
    ledger: (seconds: number, cause: string, title: string, reason: string) =>
      `${lengthWords(Math.abs(seconds) * 1000)} ${seconds < 0 ? "taken from" : "given to"} ${title}: ${[TIME[cause] ?? cause, reason].filter(Boolean).join("; ")}.`,
    said: (text: string) => `You wrote: “${text}”`,
    hand: (up: boolean) => (up ? "You raised your hand." : "You lowered your hand."),
    flagged: (rule: string) => `Flag: ${rule}.`,
    saved: (count: number) => `Your answers were saved ${counted(count, "time")}.`,
  },

  pictures: {
    heading: "The pictures",
    none: "No pictures were received.",
    label: "Which picture",
    at: (time: string, number: number, of: number) => `${time}, picture ${number} of ${of}`,
    alt: (purpose: string, time: string) =>
      `${purpose === "face" ? "Your face at check-in" : purpose === "document" ? "Your document at check-in" : purpose === "room" ? "The room, as your phone showed it," : "Taken"} at ${time}`,
    previous: "Previous picture",
    next: "Next picture",
    wait: "the picture",
    owed: "This picture has not arrived. Its record has.",
    erased: "This picture was erased, as the rules of the exam ask. Its record still verifies.",
    broken: "This picture can't be shown just now.",
    seen: (faces: number | null, words: readonly string[]) =>
      [faces === null ? "" : `${counted(faces, "face")} found`, ...words].filter(Boolean).join(", "),
    dark: "dark",
    covered: "covered",
    frozen: "the same as before",
  },

  answer: {
    heading: "Your answer",
    lead: "Say what you want to say to what was decided, and to single flags above. You can answer once. Then a person who has not judged your exam before looks at everything, with your answer beside it.",
    text: "To the decision",
    files: "Add files",
    filesHint: (most: number, bytes: number) =>
      `At most ${counted(most, "file")}, each at most ${sizeWords(bytes)}. A letter, a photo of the room, say.`,
    remove: (name: string) => `Remove ${name}`,
    file: (name: string, size: number) => `${name} (${sizeWords(size)})`,
    notAdded: (count: number, of: number) =>
      of === 1
        ? "The file was not added:"
        : count === of
          ? `None of the ${of} files was added:`
          : `${count} of the ${of} files ${count === 1 ? "was" : "were"} not added:`,
    problem: {
      nothing: "Write your answer, to the decision or to a flag.",
      many: (name: string, most: number) =>
        `${name}: at most ${counted(most, "file")} can be added. Remove one to add it.`,
      large: (name: string, most: number) =>
        `${name} is larger than ${sizeWords(most)}. Make it smaller and add it again.`,
      empty: (name: string) => `${name} is empty. Look whether it is the right file.`,
      named: (name: string) =>
        `${name} has a character in its name that can't be taken. Rename it and add it again.`,
      unread: (name: string) => `${name} could not be read. Add it again.`,
      longInAll: (now: number, most: number) =>
        `All your answers together have ${now} characters; ${most} can be sent. Shorten them.`,
      long: (most: number) => `A text is longer than ${most} characters. Shorten it.`,
    },
    send: "Send your answer",
    sureHeading: "Send your answer?",
    sure: "You can answer once. It is kept with the evidence of your exam, and can't be changed.",
    goesAlong: (count: number) =>
      count === 0
        ? "No file goes along."
        : `${counted(count, "file")} ${count === 1 ? "goes" : "go"} along:`,
    yes: "Send it",
    no: "Go on writing",
    wait: "your answer to be received",
    kept: "What you wrote is still here.",
    notSent: "What follows is not what the exam server has: it takes one answer. Copy it if you need it.",
    sent: (when: string) => `You answered at ${when}.`,
    filesSent: "Files that you added:",
  },

  looks: {
    heading: "Who looked",
    lead: "Every look of those who run or review the exam at your pictures and documents is written down. What is opened with a link of your own is not listed here.",
    none: "Nobody of those who run or review the exam has looked so far.",
    columns: ["Who", "At what", "Why", "When", "How often"],
    what: (what: string) => WHATS[what] ?? what,
    why: (why: string) => (why === "" ? "no reason was given" : (WHYS[why] ?? why)),
    refused: "refused: nothing was shown",
    when: (from: string, to: string) => (from === to ? from : `${from} to ${to}`),
  },

  keep: {
    heading: "Keep everything",
    lead: "One file holds all that was recorded of your exam: what your computer signed, what the exam server signed, the pictures that are still held. Keep it: anyone can verify it without us.",
    notYet: "People still look at your exam. Once they have decided, the whole of it is yours to keep.",
    get: "Download everything",
    wait: "the whole of your evidence",
    size: (bytes: number) => `Downloaded: ${sizeWords(bytes)}.`,
    file: (session: string) => `evidence-${session}.zip`,
    how: "To verify it on any computer, without a network:",
  },
};
