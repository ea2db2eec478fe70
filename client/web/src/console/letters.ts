/** Whether single letters are keys, and whether the list of keys is shown. */

import { signal } from "@preact/signals";

const STORED = "proctor.letters";

/** The reader's choice, kept in this browser. */
export const letters = signal(localStorage.getItem(STORED) !== "off");
export const keysShown = signal(false);

export function setLetters(on: boolean): void {
  letters.value = on;
  localStorage.setItem(STORED, on ? "on" : "off");
}
