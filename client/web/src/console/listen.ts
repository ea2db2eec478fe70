/** Carries keys to the desk. */

import { effect, signal } from "@preact/signals";
import type { Desk } from "./desk";
import { type Command, commandFor, placeOf } from "./keys";

const STORED = "proctor.letters";
const PLAY_MS = 400;

/** Whether single letters are keys: the reader's choice, kept in this browser. */
export const letters = signal(localStorage.getItem(STORED) !== "off");
export const keysShown = signal(false);

export function setLetters(on: boolean): void {
  letters.value = on;
  localStorage.setItem(STORED, on ? "on" : "off");
}

export function listen(page: Document, desk: Desk): void {
  page.addEventListener("keydown", (event) => {
    const command = commandFor(
      {
        key: event.key,
        ctrl: event.ctrlKey || event.metaKey,
        alt: event.altKey,
        place: placeOf(event.target),
      },
      letters.value,
    );
    if (command === null || event.defaultPrevented || desk.who.value.is !== "in") return;
    if (command.do !== "keys" && desk.timeline.value === null) return;
    event.preventDefault();
    obey(desk, command);
  });
  effect(() => {
    if (!desk.playing.value) return undefined;
    const timer = setInterval(() => desk.tick(), PLAY_MS);
    return () => clearInterval(timer);
  });
}

export function obey(desk: Desk, command: Command): void {
  switch (command.do) {
    case "flag":
      return desk.stepFlag(command.by);
    case "snapshot":
      return desk.stepShot(command.by);
    case "first":
      return desk.toShot(0);
    case "last":
      return desk.toShot(desk.shots.value.length - 1);
    case "play":
      return desk.play();
    case "judge":
      return desk.judge(command.as);
    case "confirm":
      return void desk.confirm();
    case "queue":
      return desk.toQueue();
    case "keys":
      keysShown.value = true;
  }
}
