/** Starts /console/identity. `?session=s_…` opens one ID check, `?exam=…` lists those of one exam. */

import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/page.css";
import "./desk.css";
import "./identity.css";
import { server } from "../api";
import { identity } from "../text/identity";
import { ownZone } from "../text/when";
import { search } from "./id-check";
import { IdentityApp } from "./identity-app";
import { IdentityDesk } from "./identity-desk";
import { type IdCommand, idCommandFor, pressOf } from "./keys";
import { keysShown, letters } from "./letters";

/** How often the list is fetched anew while somebody can see it. */
const POLL_MS = 4000;

function asked(what: "session" | "exam"): string | null {
  return new URLSearchParams(location.search).get(what);
}

const desk = new IdentityDesk(server, (session, exam) => {
  const address = location.pathname + search(session, exam);
  // Another choice of the same list is no place to go back to.
  if (session !== asked("session")) history.pushState(null, "", address);
  else if (exam !== asked("exam")) history.replaceState(null, "", address);
});

addEventListener("popstate", () => {
  const session = asked("session");
  desk.exam.value = asked("exam");
  if (session === null) desk.toQueue();
  else void desk.open(session);
});

effect(() => {
  document.title = identity.title(desk.check.value?.learner ?? null);
});

function look(): void {
  if (document.visibilityState === "visible") void desk.poll();
}
setInterval(look, POLL_MS);
// Whoever comes back reads what is true now.
document.addEventListener("visibilitychange", look);

document.addEventListener("keydown", (event) => {
  const command = idCommandFor(pressOf(event), letters.value);
  if (command === null || event.defaultPrevented || desk.who.value.is !== "in") return;
  const anywhere = command.do === "keys" || command.do === "check";
  if (!anywhere && desk.check.value === null) return;
  event.preventDefault();
  obey(command);
});

function obey(command: IdCommand): void {
  switch (command.do) {
    case "check":
      return desk.step(command.by);
    case "choose":
      desk.choose(command.event);
      // Brought into view, and the arrows choose from here.
      return document.querySelector<HTMLElement>(`input[value="${command.event}"]`)?.focus();
    case "enlarge":
      return desk.enlarge(command.which);
    case "confirm":
      return void desk.confirm();
    case "queue":
      return desk.toQueue();
    case "keys":
      keysShown.value = true;
  }
}

render(<IdentityApp desk={desk} zone={ownZone()} />, document.body);
void desk.start(asked("session"), asked("exam"));
