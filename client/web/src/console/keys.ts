/** Which key does what. Pure: the page hands in what was pressed and where. */

import type { IdDecision, Judgement } from "../api";
import type { Large } from "./identity-desk";

export type Command =
  | { do: "flag"; by: 1 | -1 }
  | { do: "snapshot"; by: number }
  | { do: "first" | "last" | "play" | "confirm" | "keys" | "queue" | "mark" | "take" }
  | { do: "speed"; by: 1 | -1 }
  | { do: "judge"; as: Judgement }
  | { do: "reason"; number: number }
  | { do: "zoom"; by: "in" | "out" | "whole" };

/** Where the key was pressed. */
export type Place =
  | "page"
  | "text" // letters belong to the reader
  | "choice" // a radio button: arrows move the choice
  | "control" // a button or link: Enter and space press it
  | "dialog"; // the dialog's own keys, and the browser's Escape

export interface Press {
  key: string;
  ctrl: boolean; // Control or, on a Mac, Command
  alt: boolean;
  place: Place;
}

/** Letters alone can be turned off (WCAG 2.1.4): speech input says them by accident. */
export function commandFor(press: Press, letters: boolean): Command | null {
  const { key, ctrl, alt, place } = press;
  if (place === "dialog" || alt) return null;
  if (key === "Enter") return enter(ctrl, place);
  if (ctrl || place === "text") return null;
  return moved(key, place) ?? (letters ? lettered(key, place) : null);
}

function enter(ctrl: boolean, place: Place): { do: "confirm" } | null {
  const confirms = ctrl || place === "page" || place === "choice";
  return confirms ? { do: "confirm" } : null;
}

function moved(key: string, place: Place): Command | null {
  if (place === "choice") return null;
  switch (key) {
    case "ArrowLeft":
      return { do: "snapshot", by: -1 };
    case "ArrowRight":
      return { do: "snapshot", by: 1 };
    default:
      return null;
  }
}

function lettered(key: string, place: Place): Command | null {
  switch (key) {
    case "j":
      return { do: "flag", by: 1 };
    case "k":
      return { do: "flag", by: -1 };
    case "u":
      return { do: "judge", as: "upheld" };
    case "d":
      return { do: "judge", as: "not-upheld" };
    case "c":
      return { do: "judge", as: "cannot-tell" };
    case "q":
      return { do: "queue" };
    case "m":
      return { do: "mark" };
    case "t":
      return { do: "take" };
    case "+":
      return { do: "zoom", by: "in" };
    case "-":
      return { do: "zoom", by: "out" };
    case "0":
      return { do: "zoom", by: "whole" };
    case "[":
      return { do: "speed", by: -1 };
    case "]":
      return { do: "speed", by: 1 };
    case "?":
      return { do: "keys" };
    case " ":
      return place === "page" ? { do: "play" } : null;
    default:
      return /^[1-9]$/.test(key) ? { do: "reason", number: Number(key) } : null;
  }
}

export type ListCommand =
  | { do: "row"; by: 1 | -1 }
  | { do: "choose" | "take" | "keys" };

const LIST_LETTERS: Readonly<Record<string, ListCommand>> = {
  j: { do: "row", by: 1 },
  k: { do: "row", by: -1 },
  x: { do: "choose" },
  t: { do: "take" },
  "?": { do: "keys" },
};

/** Of the list of reviews; by the same rules. Enter is a link's own. */
export function listCommandFor(press: Press, letters: boolean): ListCommand | null {
  const { key, ctrl, alt, place } = press;
  if (place === "dialog" || place === "text" || ctrl || alt || !letters) return null;
  return LIST_LETTERS[key] ?? null;
}

export type IdCommand =
  | { do: "check"; by: 1 | -1 }
  | { do: "choose"; event: IdDecision }
  | { do: "enlarge"; which: Large }
  | { do: "confirm" | "keys" | "queue" };

const ID_LETTERS: Readonly<Record<string, IdCommand>> = {
  j: { do: "check", by: 1 },
  k: { do: "check", by: -1 },
  a: { do: "choose", event: "accepted" },
  p: { do: "choose", event: "asked-again" },
  r: { do: "choose", event: "refused" },
  v: { do: "choose", event: "vouched" },
  t: { do: "choose", event: "taken-back" },
  d: { do: "enlarge", which: "document" },
  i: { do: "enlarge", which: "portrait" },
  f: { do: "enlarge", which: "face" },
  q: { do: "queue" },
  "?": { do: "keys" },
};

/** Of the page of ID checks; by the same rules. */
export function idCommandFor(press: Press, letters: boolean): IdCommand | null {
  const { key, ctrl, alt, place } = press;
  if (place === "dialog" || alt) return null;
  if (key === "Enter") return enter(ctrl, place);
  if (ctrl || place === "text" || !letters) return null;
  return ID_LETTERS[key] ?? null;
}

/** The slider has keys of its own besides the page's arrows. */
export function sliderCommand(key: string): Command | null {
  switch (key) {
    case "Home":
      return { do: "first" };
    case "End":
      return { do: "last" };
    case "PageUp":
      return { do: "snapshot", by: 10 };
    case "PageDown":
      return { do: "snapshot", by: -10 };
    case "ArrowUp":
      return { do: "snapshot", by: 1 };
    case "ArrowDown":
      return { do: "snapshot", by: -1 };
    default:
      return null;
  }
}

/** What a page hears of a key. */
export function pressOf(event: KeyboardEvent): Press {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  return { key, ctrl: ctrlKey || metaKey, alt: altKey, place: placeOf(target) };
}

/** What kind of place an element is. */
export function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof Element)) return "page";
  if (target.closest("dialog") !== null) return "dialog";
  if (target instanceof HTMLInputElement)
    return target.type === "radio" ? "choice" : target.type === "checkbox" ? "control" : "text";
  if (target.closest("textarea, select, [contenteditable]") !== null) return "text";
  if (target.closest("button, a[href], summary") !== null) return "control";
  return "page";
}
