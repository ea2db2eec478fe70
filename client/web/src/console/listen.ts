/** Carries keys to the desk. */

import { effect } from "@preact/signals";
import type { Desk } from "./desk";
import { type Command, commandFor, type ListCommand, listCommandFor, pressOf } from "./keys";
import { keysShown, letters } from "./letters";

/** From snapshot to snapshot, at speed 1. */
const PLAY_MS = 400;

export function listen(page: Document, desk: Desk): void {
  page.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || desk.who.value.is !== "in") return;
    const press = pressOf(event);
    if (desk.session.value === null) {
      const command = listCommandFor(press, letters.value);
      if (command === null) return;
      event.preventDefault();
      obeyInList(page, desk, command);
      return;
    }
    const command = commandFor(press, letters.value);
    if (command === null) return;
    if (command.do !== "keys" && desk.timeline.value === null) return;
    event.preventDefault();
    obey(desk, command);
  });
  effect(() => {
    if (!desk.playing.value) return undefined;
    const timer = setInterval(() => desk.tick(), PLAY_MS / desk.speed.value);
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
    case "speed":
      return desk.faster(command.by);
    case "judge":
      return desk.judge(command.as);
    case "reason":
      return desk.reason(command.number);
    case "mark":
      return desk.markHere();
    case "take":
      return desk.take();
    case "zoom":
      return desk.enlarge(command.by);
    case "confirm":
      return void desk.confirm();
    case "queue":
      return desk.toQueue();
    case "keys":
      keysShown.value = true;
  }
}

/** In the list the focus is the place: the keys move it, and Enter opens what it is on. */
function obeyInList(page: Document, desk: Desk, command: ListCommand): void {
  const rows = [...page.querySelectorAll<HTMLAnchorElement>("a.row[data-session]")];
  const near = page.activeElement?.closest("li")?.querySelector("a.row[data-session]");
  const here = rows.findIndex((row) => row === near);
  const session = rows[here]?.dataset["session"];
  switch (command.do) {
    case "row":
      return rows[here < 0 ? 0 : here + command.by]?.focus();
    case "choose":
      if (session !== undefined)
        desk.list.choose(session, !desk.list.chosen.value.has(session));
      return;
    case "take":
      return desk.take(session);
    case "keys":
      keysShown.value = true;
  }
}
