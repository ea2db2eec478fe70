/** Starts /console/agreement. `?exam=…` chooses the exam. */

import { render } from "preact";
import "../ui/page.css";
import "./desk.css";
import { server } from "../api";
import { desk as words } from "../text/desk";
import { AgreementDesk } from "./agreement-desk";
import { AgreementApp } from "./agreement-page";
import { pressOf } from "./keys";
import { keysShown, letters } from "./letters";

const desk = new AgreementDesk(server, (exam) =>
  history.replaceState(null, "", exam === null ? location.pathname : `?exam=${encodeURIComponent(exam)}`),
);

document.title = words.agreement.title;
document.addEventListener("keydown", (event) => {
  const { key, place, ctrl, alt } = pressOf(event);
  if (key !== "?" || ctrl || alt || place === "text" || place === "dialog" || !letters.value) return;
  event.preventDefault();
  keysShown.value = true;
});
render(<AgreementApp desk={desk} />, document.body);
void desk.start(new URLSearchParams(location.search).get("exam"));
