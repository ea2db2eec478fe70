/** Starts /console/review. `?session=s_…` opens one session. */

import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/page.css";
import "./desk.css";
import { server } from "../api";
import { desk as words } from "../text/desk";
import { ownZone } from "../text/when";
import { App } from "./app";
import { Desk } from "./desk";
import { listen } from "./listen";

function asked(): string | null {
  return new URLSearchParams(location.search).get("session");
}

const desk = new Desk(server, (session) => {
  if (session === asked()) return;
  const search = session === null ? "" : `?session=${encodeURIComponent(session)}`;
  history.pushState(null, "", location.pathname + search);
});

addEventListener("popstate", () => {
  const session = asked();
  if (session === null) desk.toQueue();
  else void desk.open(session);
});

effect(() => {
  document.title = words.title(desk.timeline.value?.learner ?? null);
});

// Whoever comes back to the list reads today's, not this morning's.
addEventListener("focus", () => {
  if (desk.who.value.is === "in" && desk.session.value === null) void desk.list.refresh();
});

listen(document, desk);
render(<App desk={desk} zone={ownZone()} />, document.body);
void desk.start(asked());
