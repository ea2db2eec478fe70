/** Starts /console. `?session=s_…` opens one session beside the wall, `?exam=…` shows one exam. */

import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/page.css";
import "./wall.css";
import { ownZone } from "../text/when";
import { wall as words } from "../text/wall";
import { ADDRESSES } from "./head";
import { search } from "./id-check";
import { pressOf } from "./keys";
import { keysShown, letters } from "./letters";
import { pagesOf } from "./login";
import { wallAddress, wallServer } from "./wall-api";
import { WallApp } from "./wall-app";
import { Wall } from "./wall-desk";
import { type WallCommand, wallCommandFor } from "./wall-keys";
import { webSocketLine } from "./wall-link";

function asked(what: "session" | "exam"): string | null {
  return new URLSearchParams(location.search).get(what);
}

const UNANSWERED = "proctor-wall-unanswered-1";

/** Where a browser keeps nothing for pages, a reload forgets; all else goes on. */
function kept<T>(what: () => T): T | null {
  try {
    return what();
  } catch {
    return null;
  }
}

const wall = new Wall({
  api: wallServer,
  // One line for all exams: the choice of one is the page's, and a change of it asks nobody.
  open: (events) => webSocketLine(wallAddress(location.origin, null), events),
  keep: {
    read: () => kept(() => sessionStorage.getItem(UNANSWERED)),
    write: (text) => kept(() => sessionStorage.setItem(UNANSWERED, text)),
  },
  went: (session, exam) =>
    history.replaceState(null, "", location.pathname + search(session, exam)),
});

effect(() => {
  const { is } = wall.who.value;
  document.title = words.title(is === "in" ? wall.board.counts.value.needs : null);
});

// A login that may not watch begins at the page it is for; a link to a session says why it can't.
effect(() => {
  const who = wall.who.value;
  if (who.is !== "in" || asked("session") !== null) return;
  const [first = "wall"] = pagesOf(who.login.role);
  if (first !== "wall") location.replace(ADDRESSES[first]);
});

setInterval(() => wall.tick(), 1000);
addEventListener("online", () => wall.link.hurry());
addEventListener("offline", () => wall.link.cut());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") wall.link.hurry();
});

/** The session of the tile that has the focus. */
function focused(): string | null {
  const tile = document.activeElement?.closest<HTMLElement>("[data-session]");
  return tile?.dataset["session"] ?? null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || wall.who.value.is !== "in") return;
  const command = wallCommandFor(pressOf(event), letters.value);
  if (command === null) return;
  // Escape closes what is open; with nothing open it is the browser's.
  if (command.do === "close" && wall.one.session.value === null) return;
  event.preventDefault();
  obey(command);
});

function obey(command: WallCommand): void {
  const here = focused();
  const targets = wall.targets(here);
  switch (command.do) {
    case "message":
      return wall.ask("message", targets);
    case "pause":
      return wall.pauseOrResume(targets);
    case "time":
      return wall.ask("extra-time", targets);
    case "take":
      return wall.toggleTake(targets);
    case "next":
      return wall.next();
    case "select": {
      const session = here ?? wall.one.session.value;
      return session === null ? undefined : wall.toggle(session);
    }
    case "update":
      return wall.board.settle();
    case "search":
      return toSearch();
    case "close":
      return wall.close();
    case "keys":
      keysShown.value = true;
  }
}

function toSearch(): void {
  const field = document.querySelector<HTMLElement>("input[name=search]");
  const folded = field?.closest("details") ?? null;
  if (folded !== null) folded.open = true;
  field?.focus();
}

render(<WallApp wall={wall} zone={ownZone()} />, document.body);
void wall.start(asked("session"), asked("exam"));
