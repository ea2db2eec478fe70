/** Starts /join/<token>: the whole way of a learner. */

import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/page.css";
import "./room.css";
import { rehearse } from "../text/rehearse";
import { room } from "../text/room";
import { ownZone } from "../text/when";
import { Entry } from "./entry";
import { RehearsalPage } from "./rehearse";
import { Seat } from "./seat";
import { titleOf } from "./titles";
import { blockedWords } from "./trouble-words";

const token = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const seat = new Seat(token);

effect(() => {
  const [running, blocked] = [seat.running.value, seat.blocked.value];
  document.title = titleOf(
    running === null ? null : running.screen.value,
    running?.device.joined.exam ?? null,
    blocked === null ? null : blockedWords(blocked).heading,
  );
});

// To rehearse on one computer must not bind the link to it.
if (token.includes(".")) {
  // A second camera's link, which no other looks like: a page of its own.
  void import("./phone-page").then(({ open }) => open(token));
} else if (token === "after") {
  // An exam that is over, for a browser that it was not sat in: no link's token is that short.
  void import("./viewer-page").then(({ open }) => open());
} else if (location.hash === "#rehearse") {
  document.title = room.title(rehearse.first, null);
  render(<RehearsalPage />, document.body);
} else {
  render(<Entry seat={seat} zone={ownZone()} />, document.body);
  void seat.open();
}
