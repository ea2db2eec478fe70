/** Carries keys to the desk. */

import { effect } from "@preact/signals";
import type { Desk } from "./desk";
import { type Command, commandFor, pressOf } from "./keys";
import { keysShown, letters } from "./letters";

const PLAY_MS = 400;

export function listen(page: Document, desk: Desk): void {
  page.addEventListener("keydown", (event) => {
    const command = commandFor(pressOf(event), letters.value);
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
