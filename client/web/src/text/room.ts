/** Every word of the exam room, in English. Another language is another file of this type. */

import type { AgainTold } from "../room/again";
import type { AskKind } from "../room/asks";
import type { CameraState } from "../room/camera";
import type { FileProblem } from "../room/items";
import type { Purpose, Step, Stopped } from "../room/state";
import { counted, lengthWords } from "./when";

/** What happened, what is safe, what to do: a sentence each. */
export interface TroubleWords {
  heading: string;
  lines: string[];
}

const SAFE_HERE = "Everything you answered is saved on this computer.";
const ASK = "Ask your course team.";

export const room = {
  yourExam: "Your exam",
  title: (screen: string, exam: string | null) =>
    [screen, exam, "Proctor"].filter(Boolean).join(" · "),
  product: "Proctor",
  opening: "your exam to open",
  report: "the report of your rehearsal",
  again: "Try again",
  goOn: "Go on",
  goBack: "Back",
  cancel: "Go on working",
  close: "Close",
  waiting: (what: string) => `Waiting for ${what} …`,
  practice: "This is a rehearsal: nothing counts.",

  steps: {
    label: "Steps of the check-in",
    rules: "Rules",
    face: "Face",
    document: "Document",
    "second-camera": "Second camera",
    ready: "Ready",
    done: "done",
  } satisfies Record<Step | "label" | "done", string>,

  rules: {
    heading: "What you may use, and what is watched",
    first: (exam: string) => `These are the rules of ${exam}. Read them before anything begins.`,
    record:
      "When you accept, this computer signs that you have read exactly these rules. Nothing later may contradict them.",
    accept: "I accept these rules",
    accepted: "You have accepted these rules.",
    wait: "your computer to sign",
  },

  asking: {
    heading: "Your computer",
    wait: "the exam server to look at your computer",
  },

  picture: {
    heading: { face: "A picture of your face", document: "A picture of your document" } satisfies Record<
      Purpose,
      string
    >,
    how: {
      face: "Look into the camera, with the light in front of you, and nothing that hides your face.",
      document: "Hold your photo ID in front of the camera, close enough to be read. Tilt it a little if it shines.",
    } satisfies Record<Purpose, string>,
    why: {
      face: "It is compared with your document, and a person decides. Your picture is taken when you press the button, not before.",
      document: "A program reads it, and a person decides. It is erased later, as the rules say.",
    } satisfies Record<Purpose, string>,
    turnOn: "Turn the camera on",
    asks: "Your browser asks whether this page may use the camera. Say yes.",
    live: "What your camera sees now",
    take: "Take the picture",
    taken: { face: "The picture of your face", document: "The picture of your document" } satisfies Record<
      Purpose,
      string
    >,
    look: {
      face: "Can your face be seen well?",
      document: "Can the name and the photo be read?",
    } satisfies Record<Purpose, string>,
    good: "This picture is bright and sharp.",
    use: "Use this picture",
    another: "Take another",
    upload: "Use a picture file instead",
    uploadHint: "A photo of your document that you took with a phone, say.",
    notPicture: "This file can't be read as a picture. Choose a JPEG or PNG.",
    wait: "the picture to be saved",
    waitTaking: "the picture",
    noPicture: "No picture came from the camera. Try again.",
    advice: {
      dark: "We can't see you well. Is there light in front of you?",
      covered: "The picture is nearly one colour. Is something on the lens?",
      blurred: "The picture is blurred. Hold still for a moment, or wipe the lens.",
      glare: "There is a bright spot in the picture. Tilt it a little, or turn away from the light.",
      small: "The picture is very small. Come or hold it closer.",
    },
    noFace: "We could not find your face in your picture. You may take it again, or go on: a person looks.",
    faceAgain: "Take the picture of my face again",
    adviceDocument: { dark: "We can't read it well. Is there light on it?" },
  },

  camera: {
    words: {
      off: "Camera off",
      asking: "Camera: your browser asks",
      on: "Camera on",
      denied: "Camera not allowed",
      none: "No camera found",
      busy: "Camera in use",
      lost: "Camera lost",
    } satisfies Record<CameraState, string>,
    trouble: {
      denied:
        "This page may not use the camera. Allow it in your browser, by the sign beside the address, then try again.",
      none: "No camera was found. Plug one in, or turn it on, then try again.",
      busy: "Another program has the camera. Close that program, then try again.",
      lost: "The camera is gone. Plug it in again, or turn it on, then try again.",
    } satisfies Record<Exclude<CameraState, "off" | "asking" | "on">, string>,
    working: "You can go on answering meanwhile.",
    show: "Show the picture",
    heading: "What your camera sees",
    rule: (every: string) => `While a section is open, one still picture is taken every ${every}.`,
  },

  asks: {
    now: {
      "camera-lost": "We can't read the camera's pictures: is there another camera to use?",
      covered: "The camera sees almost nothing: is something in front of it?",
      dark: "We can't see you well: is the lamp off?",
      "no-face": "We can't see your face: is the camera turned to you?",
      frozen: "The camera's picture stands still: is another program using it?",
    } satisfies Record<AskKind, string>,
    goOn: "You can go on answering.",
    heading: "Your camera",
    lasted: {
      "camera-lost": (length: string) => `Its pictures could not be read for ${length}.`,
      covered: (length: string) => `It saw almost nothing for ${length}.`,
      dark: (length: string) => `There was too little light for ${length}.`,
      "no-face": (length: string) => `Your face could not be seen for ${length}.`,
      frozen: (length: string) => `Its picture stood still for ${length}.`,
    } satisfies Record<AskKind, (length: string) => string>,
    why: "This is noted so that nobody wonders about it later. It never counts against you.",
  },

  ready: {
    heading: "Ready to check in",
    list: {
      rules: "You accepted the rules.",
      face: "The picture of your face is saved.",
      document: "The picture of your document is saved.",
      "second-camera": "Your phone shows the room.",
    },
    hint: "Your pictures are sent to the exam server now. After that they can't be changed by you.",
    checkIn: "Check in",
    wait: "the exam server to receive your pictures",
  },

  idAgain: {
    heading: "New pictures for your ID check",
    wait: "the camera's page",
    words: {
      asked: "A person asks you to take the pictures of your ID check again.",
      waiting: "Your new pictures were received, and a person looks at them.",
      accepted: "A person accepted your new pictures.",
      needless: "No new pictures are needed any more.",
      refused: "Your new pictures were not accepted. You may ask for help.",
    } satisfies Record<AgainTold, string>,
    working: "You can go on answering. Your time goes on.",
    resting: "No time of yours passes meanwhile.",
    take: "Take the pictures",
    later: "Later",
  },

  retake: "A person looked at your pictures and asks for new ones.",

  held: {
    heading: "A person looks at your pictures",
    what: "This takes some minutes, and none of your exam time. This page goes on by itself when they are accepted.",
    next: "If a picture can't be used, you are asked for a new one here, with the reason.",
    leave: "You may leave this page and come back with your link.",
    queue: (before: number, since: string) =>
      `${before === 0 ? "You are next" : `${counted(before, "learner")} before you`}. You have waited since ${since}.`,
  },

  refused: {
    heading: "Your ID check was not accepted",
    why: (reason: string) => `The reason that was given: “${reason}”`,
    do: "You can't begin on this link now. Ask your course team, who can have it looked at again. This page goes on by itself if they do.",
  },

  sections: {
    heading: (begun: boolean) => (begun ? "What comes next" : "You are checked in"),
    list: "The sections of this exam",
    limit: (limit_s: number) => lengthWords(limit_s * 1000),
    state: {
      planned: "not opened yet",
      open: "open",
      closed: "over",
    },
    clock: "The time of a section begins when you open it. Time that you were granted is added to it.",
    anyOrder: "You choose which one to open.",
    rest: "Between two sections no pictures are taken and no time of yours passes.",
    open: (title: string) => `Open ${title}`,
    wait: (title: string) => `${title} to open`,
    leaveOut: "Hand in the exam without the rest",
    leaveOutHeading: "Hand in without the rest?",
    leaveOutBody: (titles: string) =>
      `These were not opened: ${titles}. Once handed in, nothing can be changed or opened.`,
    leaveOutYes: "Hand in the exam",
    leaveOutNo: "Keep the exam open",
    before: (opens: string) => `The exam opens at ${opens}. Come back then: this page keeps your place.`,
    over: (closed: string) => `The exam could be opened until ${closed}. ${ASK}`,
  },

  ended: {
    timeUp: (title: string) => `${title} is over.`,
    all: "Everything you answered was received.",
    unsaved: (count: number) =>
      `${counted(count, "answer")} could not be saved and ${count === 1 ? "is" : "are"} only on this page. Leave it open and make room on this computer: it is tried again by itself.`,
    handedIn: (title: string) => `${title} is handed in.`,
    cut: (title: string) => `${title} was closed.`,
    onWay: "What you answered is saved on this computer and is on its way.",
  },

  timeUp: {
    heading: (title: string) => `The time of ${title} is over`,
    asks: "Everything you answered is saved. It is handed in by itself: you need do nothing.",
    offline:
      "The exam server can't be reached. What you answered is saved on this computer, and is handed in by itself as soon as it can be. You need do nothing: leave this page open.",
    wait: "the exam server",
  },

  paused: {
    heading: "A proctor paused your exam",
    body: "Everything you answered is saved. No time of yours passes while it is paused. This page goes on by itself.",
  },

  work: {
    ends: (time: string, zone: string) => `Ends ${time} ${zone}`,
    left: (left_ms: number) => (left_ms <= 0 ? "time is over" : `${lengthWords(left_ms)} left`),
    given: (length: string, back: boolean) => `${length} ${back ? "given back" : "added"}`,
    hide: "Hide timer",
    show: "Show timer",
    hidden: "Timer hidden",
    announced: (left_ms: number) => `${lengthWords(left_ms)} left.`,
    half: (left_ms: number) => `Half of the time is over: ${lengthWords(left_ms)} left.`,
    moved: (time: string) => `The end has moved: this section now ends at ${time}.`,
    questions: "Questions",
    asList: "Show all questions",
    oneByOne: "Show one at a time",
    overview: "Overview and hand in",
    question: (number: number, count: number) => `Question ${number} of ${count}`,
    questionWord: "Question ",
    answered: "answered",
    empty: "empty",
    marked: "marked",
    points: (points: number) => counted(points, "point"),
    mark: "Mark for later",
    ofQuestion: (number: number) => `, question ${number}`,
    previous: "Previous question",
    next: "Next question",
    wait: "the questions",
    failedToLoad: "The questions of this section could not be fetched.",
  },

  answer: {
    legend: (number: number) => `Your answer to question ${number}`,
    chooseOne: "Choose one.",
    chooseMany: "Tick all that apply.",
    clear: "Take my choice back",
    label: "Your answer",
    toQuestion: (number: number) => ` to question ${number}`,
    room: (left: number) => `${counted(left, "character")} more.`,
    file: "Choose a file",
    fileAgain: "Choose another file",
    fileHint: (suffixes: string, most: string) => `${suffixes}, at most ${most}.`,
    fileIs: (name: string, size: string) => `Your file: ${name} (${size}).`,
    fileWait: "your file to be saved",
    fileProblem: {
      name: "The name of this file can't be used. Give it a plain, shorter one and choose it again.",
      suffix: "This kind of file can't be handed in here.",
      large: "This file is too large.",
      empty: "This file is empty.",
    } satisfies Record<FileProblem, string>,
    fileNoRoom:
      "This computer has no room left, so the file could not be saved. Delete something large, then choose it again.",
    fileUnread: "This file could not be read. Choose it again.",
    keeps: "Nothing was changed.",
  },

  saved: {
    empty: "No answer yet.",
    typing: "Saving …",
    saved: "Saved on this computer.",
    received: "Received by the exam server.",
    receivedAt: (time: string) => `Received by the exam server ${time}.`,
    failed:
      "This answer could not be saved. It is only on this page: leave it open, and make room on this computer. It is tried again by itself.",
  },

  resources: {
    heading: "You may use",
    nothing: "Nothing but this page.",
    newTab: "opens in its own tab",
    chosen: "Your choice",
    heading2: "Use this website?",
    choose: (name: string, choose: number, of: number) =>
      `You may use ${choose} of these ${of} websites, the same throughout. Use ${name}?`,
    open: (name: string) => `Use ${name}`,
    cancel: "Not now",
  },
  resource: {
    paper: (sheets: number, sides: number, blank: boolean) =>
      `${sheets} ${blank ? "blank " : ""}${sheets === 1 ? "sheet" : "sheets"} of paper, used on ${sides === 2 ? "both sides" : "one side"}`,
    writing: (pen: boolean, pencil: boolean) =>
      pen && pencil ? "Pen or pencil" : pen ? "Pen" : "Pencil",
    websites: (of: number, choose: number) =>
      of === 1
        ? "This website"
        : choose === of
          ? "These websites"
          : choose === 1
            ? "One of these websites, the same throughout"
            : `Up to ${choose} of these websites`,
    software: (name: string) => `The software ${name}`,
    calculator: (model: string) =>
      model === "any" || model === "" ? "A calculator of any kind" : `A ${model} calculator`,
    book: (title: string) => (title === "" ? "Printed books" : `The printed book “${title}”`),
    notes: (sheets: number, handwritten: boolean) =>
      `Your own ${handwritten ? "handwritten " : ""}notes on paper, ${sheets === 0 ? "any number of sheets" : counted(sheets, "sheet")}`,
  },

  status: {
    label: "State of your exam",
    typing: "Saving …",
    saved: "Saved on this computer",
    failed: "An answer could not be saved",
    received: (time: string | null) =>
      time === null
        ? "Saved · received by the exam server"
        : `Saved · received by the exam server ${time}`,
    offline:
      "The exam server can't be reached. Your answers are saved on this computer and will be sent by themselves.",
    serverFull:
      "The exam server is reached, but can't store anything at the moment. Your answers are saved on this computer and will be sent by themselves: go on, and leave this page open.",
    clockBack: (after_s: number, most_s: number) =>
      `The clock: you will get this time back${after_s > 0 ? `, if it is ${lengthWords(after_s * 1000)} or more` : ""}, up to ${lengthWords(most_s * 1000)} in each section.`,
    clockGoes: "The clock goes on: time lost to an outage is not given back.",
    storageFull:
      "This computer has no room left, so your last answer could not be saved. Leave this page open and delete something large. It is tried again by itself.",
    refusedLog:
      "The exam server does not take what this computer sends. Your answers are saved here. Tell a proctor by another way, or ask your course team.",
    clockOff: (length: string, fast: boolean) =>
      `The clock of this computer is ${length} ${fast ? "fast" : "slow"}. Nothing is lost by that: all times on this page are those of the exam server.`,
  },

  help: {
    open: "Ask for help",
    openEarly: "I need help",
    heading: "Ask for help",
    topic: "What is it?",
    topics: {
      question: "A message to the proctor",
      hand: "I raise my hand: please look in",
      fault: "Something technical does not work",
    },
    text: "Your message",
    optional: "Your message, if you like",
    hint: "What you write here is read by the proctors and kept with your exam. The clock goes on.",
    practice:
      "This is a rehearsal: nobody reads what you send here. In the exam the proctors do, and the clock goes on.",
    practiceSent: (time: string) => `Received at ${time}. In the exam, a proctor would see it now.`,
    textMissing: "Write what it is about.",
    send: "Send",
    notSent: "Your message could not be saved on this computer. Try again.",
    waits: "Your message is saved. It waits for the exam server to be reached.",
    sent: (time: string) => `Received at ${time}. A proctor will see it.`,
    before: "What you asked last",
    youAsked: (time: string) => `At ${time} you asked:`,
    answered: (time: string) => `A proctor answered at ${time}:`,
    noAnswer: "No answer yet.",
    handUp: "Your hand is raised.",
    lower: "Lower my hand",
    early:
      "Nobody can be written to from here before you have accepted the rules. If you can't go on, write to your course team: their address is where you found your link.",
  },

  overview: {
    heading: (title: string) => `${title}: what you answered`,
    sum: (answered: number, marked: number, empty: number) =>
      [`${answered} answered`, `${marked} marked for later`, `${empty} empty`].join(", ") + ".",
    back: "Back to the questions",
    handIn: (title: string) => `Hand in ${title}`,
    sureHeading: (title: string) => `Hand in ${title}?`,
    sureEmpty: (empty: number) =>
      empty === 0
        ? "Every question has an answer."
        : `${empty === 1 ? "1 question is" : `${empty} questions are`} empty.`,
    sure: "You can't come back to it.",
    sureLast: "It is the last section: the whole exam is handed in with it. Nothing can be changed after that.",
    yes: "Yes, hand in",
    wait: "the exam server to receive all your answers",
    waitAsked:
      "The exam server can't be reached, and it was asked to take this part: it is handed in as soon as it can be reached.",
    waitOffline:
      "The exam server can't be reached, so this section is not handed in yet. It is handed in as soon as the server answers. Until then you may go on working.",
  },

  handingIn: {
    heading: "Your exam is being handed in",
    body: "You need do nothing. Leave this page open and this computer on until your receipt is shown.",
    why: "All sections are over, so what was saved is handed in by itself.",
    wait: "the exam server to receive everything",
    unsaved: "Nothing is handed in before that.",
    left: (records: number, blobs: number) =>
      records + blobs === 0
        ? "Everything is received."
        : `Still to be received: ${counted(records, "record")}, ${counted(blobs, "picture or file", "pictures or files")}.`,
  },

  done: {
    heading: "Your exam is handed in",
    byItself: (title: string) =>
      `The time of ${title} was over, so what was saved was handed in by itself.`,
    receipt: "Your receipt",
    confirmed: (size: number, time: string) =>
      `The exam server confirmed ${counted(size, "record")} of this computer at ${time}. Keep this file: it proves what you handed in.`,
    noReceipt: "Your receipt is not on this computer. The exam server has its copy.",
    show: "The receipt as text",
    download: "Download the receipt",
    file: (session: string) => `receipt-${session}.txt`,
    files: (count: number) =>
      count === 0
        ? ""
        : `${counted(count, "picture or file", "pictures or files")} still to be received. Leave this page open until they are.`,
    unsaved: (count: number) =>
      `${counted(count, "answer")} could not be saved on this computer and ${count === 1 ? "is" : "are"} not handed in. Leave this page open and tell your course team.`,
    all: "Everything was received. You may close this page; your link brings you back here.",
    mailed: "A copy of your receipt was mailed to you.",
    review: "What happens next",
    reviewState: {
      awaiting: "A person looks at your exam. You will read here what they decide.",
      unjudged: "Nobody had to judge your exam, so nobody did. Nothing counts against you.",
      contested: "You answered, and another person looks at it. Until then this stands:",
      final: "After your answer it is decided for good.",
    } as Readonly<Record<string, string>>,
    verdict: {
      clear: "A person looked at your exam: nothing counts against you.",
      breach: "It was decided that a rule was broken.",
      void: "It was decided that this exam does not count. You may be asked to sit again.",
      inconclusive: "It can't be told what happened; nothing counts against you.",
    } as Readonly<Record<string, string>>,
    reasons: (reasons: string) => `The reasons: “${reasons}”`,
    flags: "What was looked at",
    results: "Your result",
    score: (points: number, of: number) => `${points} of ${of} points.`,
    passed: { true: "You have passed.", false: "You have not passed." },
    awaiting: (count: number) =>
      `${counted(count, "answer")} still to be scored by a person.`,
    judged: {
      upheld: "counts",
      "not-upheld": "does not count",
      "cannot-tell": "can't be told",
    } as Readonly<Record<string, string>>,
    held: "Your result is kept back until this is settled.",
    check: "Check again",
    seen: "What was seen, and what was decided",
    seenWait: "what was seen",
  },

  terminated: {
    heading: "Your exam was ended",
    body: `A proctor ended this exam. What you answered until then was kept. ${ASK}`,
  },
  expired: {
    heading: "The time for this exam is over",
    body: `This exam was not begun while it could be. ${ASK}`,
  },

  acts: {
    open: "What proctors did",
    read: "I have read this",
    at: (time: string, words: string) => `${time}: ${words}`,
    undone: "This was taken back.",
    granted: "Granted to you",
  },

  asked: {
    heading: "Another computer asks to go on with your exam",
    body: (kind: string, time: string) =>
      `At ${time} somebody with your link asked to go on on another computer (${kind === "browser" ? "a browser" : "the exam program"}).`,
    was: "If that was you, say yes: this computer then stops, and the other one goes on. If not, say no, and tell the proctor.",
    yes: "Yes, go on there",
    no: "No, that was not me",
    over: {
      heading: "Another computer asks to look at your exam",
      body: (time: string) =>
        `At ${time} somebody with your link asked to read there what was seen and decided.`,
      was: "If that was you, say yes: it is shown there, and not here any more. If not, say no.",
      yes: "Yes, show it there",
    },
  },

  stopped: {
    "other-tab": {
      heading: "Your exam is open in another tab",
      lines: [SAFE_HERE, "Go on in the other tab, or use this one: the other one then stops."],
    },
    superseded: {
      heading: "Your exam is open elsewhere",
      lines: ["Another window with this key took over.", SAFE_HERE, "Go on there, or use this one."],
    },
    "history-differs": {
      heading: "This computer and the exam server remember different things",
      lines: [
        "Nothing more is sent from here, so that nothing is overwritten.",
        SAFE_HERE,
        "Leave this page open and call your course team.",
      ],
    },
    "receipt-refused": {
      heading: "The answer of the exam server can't be believed",
      lines: [
        "A receipt came that is not signed as the server signs.",
        SAFE_HERE,
        "Leave this page open and call your course team.",
      ],
    },
    "token-ended": {
      heading: "Your exam goes on on another computer",
      lines: [
        "You, or a proctor, let another computer take over. This one has stopped.",
        "What was received from here counts.",
        `Go on there. If you did not ask for that, tell the proctor at once.`,
      ],
    },
  } satisfies Record<Stopped, TroubleWords>,

  trouble: {
    here: "Use it here",
    askHere: "Ask to go on here",
    askToLook: "Ask to look here",
    over: {
      used: {
        heading: "This exam is over, and was sat elsewhere",
        safe: "What was answered there is safe, and nothing can be answered any more.",
        desktop:
          "To read what was seen and decided, run this on that computer, with your link: proctor-client after LINK. It opens a page like this one.",
        browser:
          "To read what was seen and decided, open your link in the browser that you sat it in.",
        ask: "If you can't, ask here: the proctors see that you wait, and can let you look.",
      },
      asked: {
        heading: "You asked to look here",
        lines: [
          "The proctors see that you wait. As the exam is over, it may take a day.",
          "You may close this page and come back with your link.",
        ],
      },
      "asked-refused": {
        heading: "You can't look here",
        lines: [
          "Nobody is let in here: that was decided.",
          "Look where you sat the exam. If you can't, ask again, or ask your course team.",
        ],
      },
    },
    refused: (kinds: string) => `Refused here: ${kinds}.`,
    practiceRefused: [
      "The rules of the exam do not take this kind of computer.",
      "Your exam and its link are as they were, and your course team sees that this computer was refused.",
      "Open the link of your exam on another computer and rehearse there. If you have none, ask your course team.",
    ],
    codes: {
      "join-link-unknown": {
        heading: "This link leads to no exam",
        lines: [
          "It may be incomplete, or it was replaced by a newer one.",
          "Nothing was begun and nothing is lost.",
          "Open the link again from the message that brought it. If it stays so, ask your course team for a new one.",
        ],
      },
      "join-link-used": {
        heading: "This link is in use on another computer or browser",
        lines: [
          "An exam is sat on one computer. What was answered there is safe.",
          "Go on there. If you can't, ask to go on here: the other computer is asked, or a proctor decides.",
        ],
      },
      asked: {
        heading: "You asked to go on here",
        lines: [
          "The other computer shows your question, and the proctors see it too.",
          "Leave this page open: it goes on by itself when you are let in.",
        ],
      },
      "asked-refused": {
        heading: "You can't go on here",
        lines: [
          "It was decided that the exam goes on where it was begun.",
          "What was answered there is safe.",
          "Go on there. If you can't, ask again, or ask your course team.",
        ],
      },
      "spool-damaged": {
        heading: "What is saved on this computer can't be read",
        lines: [
          "Something has changed what this browser keeps of your exam.",
          "What the exam server received is safe.",
          "Leave everything as it is, and call your course team.",
        ],
      },
      "illegal-move": {
        heading: "This exam can't be joined any more",
        lines: ["Its time is over, or it was ended.", "What was handed in is safe.", ASK],
      },
      "system-refused": {
        heading: "This exam can't be taken on this computer",
        lines: [
          "The rules of this exam do not take this kind of computer.",
          "Nothing was begun: no time of yours has passed, and no picture was taken.",
          "Open your link on another computer and ask there to go on: a proctor lets you in. Or ask your course team for a new link.",
        ],
      },
      "no-storage": {
        heading: "This browser keeps nothing",
        lines: [
          "Your answers could not be saved on this computer, so the exam does not begin here. A private window does that, and so does a setting that blocks site data.",
          "Nothing is lost.",
          "Open your link in an ordinary window of a current Chrome, Edge, Firefox or Safari.",
        ],
      },
      "no-crypto": {
        heading: "This browser can't sign",
        lines: [
          "Your answers are signed on this computer, and this browser is too old for that, or the address does not begin with https.",
          "Nothing was begun and nothing is lost.",
          "Open your link in a current Chrome, Edge, Firefox or Safari.",
        ],
      },
      "storage-full": {
        heading: "This computer has no room left",
        lines: [
          "What you did last could not be saved on it.",
          "What was saved before is safe.",
          "Delete something large, then try again.",
        ],
      },
      unreachable: {
        heading: "The exam server can't be reached",
        lines: [
          "Your exam could not be opened.",
          "If you began before, your answers are safe.",
          "Check your network, then try again. This page also tries by itself.",
        ],
      },
      unknown: {
        heading: "Something went wrong",
        lines: [
          "The exam server answered in a way this page does not know.",
          "What was saved before is safe.",
          "Try again. If it stays so, ask your course team.",
        ],
      },
    } satisfies Record<string, TroubleWords>,
    /** Said beside the button that did not work. */
    short: {
      unreachable:
        "The exam server can't be reached. What you did is saved on this computer. Check your network, then try again.",
      "storage-full":
        "This computer has no room left, so this could not be saved. Delete something large, then try again.",
      "another-section-first": "Another section comes before this one.",
      "section-closed": "This section is over.",
      "not-saved":
        "An answer could not be saved on this computer, so nothing was handed in. Leave this page open and delete something large, then try again.",
      "check-in-incomplete": "The exam server does not have all your pictures yet. Take them again.",
      "session-closed": "Your exam is over.",
    } as Readonly<Record<string, string>>,
    unknown: "The exam server did not do that. Nothing is lost. Try again.",
  },
};
