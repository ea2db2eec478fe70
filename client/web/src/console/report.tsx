/** Starts /console/report?session=s_…: all of a session on paper. */

import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/page.css";
import "./desk.css";
import "./report.css";
import { server } from "../api";
import { desk as words } from "../text/desk";
import { ownZone } from "../text/when";
import { Desk } from "./desk";
import { ReportApp } from "./report-page";

const asked = new URLSearchParams(location.search).get("session");
const desk = new Desk(server);

effect(() => {
  document.title = words.report.title(desk.timeline.value?.learner ?? "");
  if (desk.timeline.value !== null && desk.seen.value === null) void desk.fetchLooks();
});

render(<ReportApp desk={desk} asked={asked} zone={ownZone()} />, document.body);
void desk.start(asked);
