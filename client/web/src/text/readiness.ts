/** Every word of a rehearsal's report, in English. Another language is another file of this type. */

import type { CheckName, Facts, Row, Status } from "../room/readiness";
import { counted, lengthWords } from "./when";

/** One line for people: what was found, and what to do; "" is nothing. */
export interface Told {
  says: string;
  does: string;
}

const count = (facts: Facts, name: string): number =>
  typeof facts[name] === "number" ? facts[name] : 0;
const word = (facts: Facts, name: string): string =>
  typeof facts[name] === "string" ? facts[name] : "";
const pictures = (facts: Facts, name: string): string =>
  `${count(facts, name)} of ${counted(count(facts, "pictures"), "picture")}`;
const rate = (bits_per_s: number): string =>
  bits_per_s >= 950_000
    ? `${(bits_per_s / 1e6).toFixed(1)} Mbit/s`
    : `${Math.round(bits_per_s / 1000)} kbit/s`;
const megabytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;

const CAMERA: Readonly<Record<string, Told>> = {
  denied: {
    says: "This page may not use your camera.",
    does: "Allow it beside the address of this page, and in the settings of your system.",
  },
  none: { says: "No camera was found.", does: "Plug one in, or open its shutter or switch." },
  busy: {
    says: "Another program has your camera.",
    does: "Close programs that use it, such as those for video calls.",
  },
  lost: {
    says: "The camera was there, and gives no picture any more.",
    does: "Plug it in again, and try another cable or socket.",
  },
};

const found: Readonly<Record<CheckName, (facts: Facts, status: Status) => Told>> = {
  browser: (facts, status) => ({
    says:
      status === "ok"
        ? `${word(facts, "name") || "Your browser"} can do all that an exam needs.`
        : `${word(facts, "name") || "Your browser"} takes pictures only while this page is in front.`,
    does: status === "ok" ? "" : "Update it, or use a current Chrome, Edge, Firefox or Safari.",
  }),
  system: (facts, status) => {
    const name = [word(facts, "os"), word(facts, "os_version")].filter(Boolean).join(" ");
    if (status === "mend") {
      return {
        says: `This exam can't be taken on this computer: ${word(facts, "refused")}.`,
        does: "Use another computer, or ask your course team.",
      };
    }
    if (status === "not-tried") {
      return { says: "Your browser does not say what computer this is. No rule refuses it.", does: "" };
    }
    return { says: `The exam's rules allow your computer (${name}).`, does: "" };
  },
  camera: (facts, status) =>
    status === "ok"
      ? { says: "Your camera gives pictures.", does: "" }
      : (CAMERA[word(facts, "state")] ?? {
          says: "No picture came from your camera.",
          does: "Turn it on when the page asks, and allow this page to use it.",
        }),
  light: (facts, status) => {
    if (status === "not-tried") return { says: "Not tried: no picture was looked at.", does: "" };
    if (status === "ok") return { says: "There is light enough.", does: "" };
    return count(facts, "covered") > count(facts, "dark")
      ? {
          says: `The camera saw hardly more than one colour in ${pictures(facts, "covered")}.`,
          does: "Open its shutter, take away what is on it, and wipe the lens.",
        }
      : {
          says: `It was too dark to see you in ${pictures(facts, "dark")}.`,
          does: "Put a lamp in front of you, not behind you.",
        };
  },
  face: (facts, status) => {
    if (status === "not-tried") {
      return { says: "Not tried: the exam server has not looked at your pictures yet.", does: "" };
    }
    if (status === "ok") return { says: "Your face was found in every picture.", does: "" };
    const more = count(facts, "more_faces");
    return more > count(facts, "no_face")
      ? {
          says: `More than one face was found in ${pictures(facts, "more_faces")}.`,
          does: "Sit where nobody else, no poster and no mirror is in the picture.",
        }
      : {
          says: `No face could be found in ${pictures(facts, "no_face")}.`,
          does: "Sit in the middle of the picture, with the light in front of you.",
        };
  },
  displays: (facts, status) => {
    const most = count(facts, "at_most");
    if (status === "not-tried") {
      return {
        says: `Not tried: your browser does not say. At most ${counted(most, "display")} may be connected.`,
        does: "Look yourself: televisions and docks count.",
      };
    }
    if (status === "ok") return { says: "One display is connected.", does: "" };
    return {
      says: `More than one display is connected; at most ${counted(most, "display")} may be.`,
      does: most > 1 ? "Count them: televisions count too." : "Unplug the others.",
    };
  },
  clock: (facts, status) => {
    if (status === "not-tried") return { says: "Not tried: the exam server did not answer.", does: "" };
    if (status === "ok") return { says: "Your computer's clock is right.", does: "" };
    const offset = count(facts, "offset_ms");
    const way = offset > 0 ? "behind" : "ahead of";
    return {
      says: `Your computer's clock is ${lengthWords(Math.abs(offset))} ${way} the exam server's.`,
      does: "Let your system set the time by itself. The exam's times are the server's in any case.",
    };
  },
  network: (facts, status) => {
    if (status === "not-tried") return { says: "Not tried: the exam server did not answer.", does: "" };
    return {
      says: `The exam server answers in ${count(facts, "round_trip_ms")} ms.`,
      does: status === "ok" ? "" : "Sit nearer to the router, or use a cable.",
    };
  },
  upload: (facts, status) => {
    const every = `one every ${lengthWords(1000 * count(facts, "every_s")).replace(/^1 /, "")}`;
    if (status === "not-tried") {
      return { says: "Not tried: no picture was confirmed while the report was made.", does: "" };
    }
    const says = `Pictures are sent at ${rate(count(facts, "bits_per_s"))}; the exam takes ${every}.`;
    if (status === "ok") return { says, does: "" };
    return {
      says: `${says} ${status === "mend" ? "That is too slow: they would pile up." : "That is just enough."}`,
      does: "Stop other downloads and video, use a cable, or another network.",
    };
  },
  storage: (facts, status) => {
    if (status === "not-tried") {
      return { says: "Not tried: your browser does not say how much it may keep.", does: "" };
    }
    return {
      says: `${megabytes(count(facts, "free_bytes"))} are free for what waits to be sent.`,
      does:
        status === "ok"
          ? ""
          : "Free some space on your disk, and use no private window: an hour without a network is 40 MB.",
    };
  },
};

/** Returns a line in words. */
export function told({ check, status, facts }: Row): Told {
  return found[check](facts, status);
}

export const readiness = {
  heading: (red: number) =>
    red === 0 ? "You are ready" : `${counted(red, "thing")} to mend before your exam`,
  wait: "the report of your rehearsal",
  lead: "This was a rehearsal: nothing counts, and your exam's own link is as it was.",
  signed:
    "This report is signed by your computer and received by the exam server. Your course team sees which lines are in order, and no picture.",
  unsigned: "No report was made of this rehearsal. Rehearse again to have one.",
  groups: {
    mend: "To mend before your exam",
    mind: "Worth a look; an exam is possible",
    "not-tried": "Not tried",
    ok: "In order",
  } satisfies Record<Status, string>,
  names: {
    browser: "Browser",
    system: "Computer",
    camera: "Camera",
    light: "Light",
    face: "Your face",
    displays: "Displays",
    clock: "Clock",
    network: "Network",
    upload: "Sending pictures",
    storage: "Room on this computer",
  } satisfies Record<CheckName, string>,
  next: "What you can do now",
  again_hint: "Rehearse again once that is done.",
  back: "Your exam begins with the link that you were sent, not with this one.",
  toExam: "Go to your exam",
};
