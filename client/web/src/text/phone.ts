/** Every word about the second camera, on the computer and on the phone, in English. */

import type { CameraState } from "../room/camera";
import type { TroubleWords } from "./room";

const AGAIN = "On your computer, show a new code and scan that one.";

export const phone = {
  step: {
    heading: "Your phone as second camera",
    what: "Show the code and scan it with the camera of your phone. It opens a page there: nothing is installed. Then stand the phone so that it shows you, your table and your screen from the side.",
    why: "While a section is open it takes still pictures as often as this computer. People look at them, no program does.",
    ask: "Show the code",
    askAgain: "Show a new code",
    code: "QR code of the address for your phone",
    orType: "Or open this address on the phone. It is for one phone; a new code replaces it.",
    wait: "the code",
    failed: "The exam server could not be reached, so there is no code yet. Try again.",
    tooMany: "Too many phones have been connected. Ask for help: a person has to look at it.",
    state: {
      asked: "Waiting for the phone.",
      connected: "The phone shows the room.",
      lost: "The phone is not connected any more. Wake it and look at its page, or show a new code.",
    },
  },

  lost: {
    words:
      "Your phone does not show the room now. Wake it and look at its page when you can. You can go on answering meanwhile.",
    again: "Connect a phone",
    heading: "Connect a phone",
    how: "Most often it is enough to wake the phone. A new code is for when that does not help, or for another phone.",
  },

  page: {
    title: (exam: string | null) => ["Second camera", exam, "Proctor"].filter(Boolean).join(" · "),
    opening: "the exam server",
    heading: "This phone as second camera",
    what: (every: string) =>
      `This phone shows the room you work in. It takes one still picture now, and one every ${every} while a section of your exam is open. No sound, no film, and nothing at other times.`,
    who: "Only the proctors and reviewers of your exam see these pictures. No program looks at them.",
    place: "Stand it so that it shows you, your table and your screen from the side.",
    start: "Start the camera",
    asks: "Your browser asks whether this page may use the camera. Say yes.",
    wait: "the first picture",
    failed: "No picture came from the camera. Try again.",
    keep: "Keep this phone plugged in and the screen on.",
    noSleep: "The screen is kept on by itself as long as this page is in front.",
    show: "Show the picture",
    hide: "Hide the picture",
    live: "What this phone's camera sees now",
    trouble: {
      denied:
        "This page may not use the camera. Allow it in the settings of your browser for this page, then try again.",
      none: "No camera was found on this device. Use another phone.",
      busy: "Another app has the camera. Close that app, then try again.",
      lost: "The camera gives no picture. Look whether another app has it, then try again.",
    } satisfies Record<Exclude<CameraState, "off" | "asking" | "on">, string>,
    /** How it stands, once the camera was started. */
    state: {
      waits: "The camera is on. Pictures begin when you open a section on your computer.",
      takes: "The camera is on. Pictures are taken.",
      first: "The camera is on, and the first picture is taken. Go on at your computer.",
      off: "The camera is off, so this phone shows nothing. Start it again.",
      offline:
        "The exam server can't be reached. Pictures are kept on this phone and sent by themselves.",
      full: "This phone has no room left for pictures. Delete something large on it.",
    },
    over: {
      heading: "Your exam is over",
      lines: ["The camera of this phone is off. You may close this page."],
    } satisfies TroubleWords,
    replaced: {
      heading: "This phone is the second camera no more",
      lines: [
        "A new code was shown on your computer, or this page was opened elsewhere. The camera of this phone is off.",
        `If this phone is to go on: ${AGAIN}`,
      ],
    } satisfies TroubleWords,
    stopped: {
      heading: "This phone can't go on",
      lines: ["It and the exam server do not agree on what was sent.", AGAIN],
    } satisfies TroubleWords,
    blocked: {
      "join-link-unknown": {
        heading: "This code is not the newest one",
        lines: ["It may have been replaced, or cut short.", AGAIN],
      },
      "join-link-used": {
        heading: "Another phone has this code",
        lines: ["A code is for one phone.", AGAIN],
      },
      "device-name-taken": {
        heading: "This is the computer you work on",
        lines: ["The second camera is another device: open the address on a phone."],
      },
      "session-closed": {
        heading: "Your exam is over",
        lines: ["It needs no second camera any more. You may close this page."],
      },
      "other-tab": {
        heading: "Your exam is open in another tab of this browser",
        lines: ["The second camera is a phone of its own. On the phone, close the other tab."],
      },
      "no-storage": {
        heading: "This browser keeps nothing",
        lines: ["Pictures could not be kept while the network is away.", "Open the code in an ordinary window, not a private one."],
      },
      "no-crypto": {
        heading: "This browser can't sign",
        lines: ["It is too old, or the address does not begin with https. Use another browser or phone."],
      },
      unreachable: {
        heading: "The exam server can't be reached",
        lines: ["This page tries again by itself.", "Look whether this phone has a network."],
      },
      unknown: {
        heading: "This phone could not be connected",
        lines: ["Nothing is lost by that.", AGAIN],
      },
    } satisfies Record<string, TroubleWords>,
  },
};
