/** What was seen, and what was decided: fetched with its words only when somebody opens it. */

import { useEffect, useState } from "preact/hooks";
import "./after.css";
import { after } from "../text/after";
import { room } from "../text/room";
import { moment, zoneWords } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import { type After, mayAnswer } from "./after";
import { Answer } from "./after-answer";
import { Flags } from "./after-flags";
import { Looks } from "./after-looks";
import { Pictures } from "./after-pictures";
import { InTime } from "./after-time";
import { Afterwards, type Asked } from "./afterwards";
import type { Device } from "./device";
import { download } from "../ui/download";
import { Heading } from "./stepper";

interface Props {
  /** Its view, where it has one, tells when something new was decided. */
  device: Asked & Partial<Pick<Device, "view">>;
  zone: string;
  onBack?: () => void;
}

export function AfterPage({ device, zone, onBack }: Props) {
  const [here] = useState(() => new Afterwards(device));
  /** The picture that is shown, by its place among all. */
  const [picture, setPicture] = useState(0);
  const outcome = device.view?.value.verdict?.outcome;
  useEffect(() => void here.load(), [here, outcome]);
  useEffect(() => () => here.close(), [here]);
  useEffect(() => scrollTo(0, 0), []); // what led here stands at the foot of its page
  const told = here.told.value;
  const show = (place: number) => {
    setPicture(place);
    document.getElementById("pictures")?.scrollIntoView();
    document.getElementById("which-picture")?.focus();
  };
  return (
    <div class="after">
      {onBack !== undefined && (
        <p>
          <button type="button" class="quiet" onClick={onBack}>
            {after.back}
          </button>
        </p>
      )}
      <Heading of="after">{after.title}</Heading>
      <p>{after.lead}</p>
      {here.trouble.value !== null && (
        <Trouble words={here.trouble.value} again={() => void here.load()} />
      )}
      {told === null && here.busy.value !== null && <Waiting what={here.busy.value} />}
      {told !== null && (
        <>
          <p class="hint">{after.zone(zoneWords(told.now_ms, zone))}</p>
          <Decision here={here} told={told} zone={zone} />
          <Flags here={here} told={told} zone={zone} onShow={show} />
          {(mayAnswer(told) || told.answered !== null || here.isWritten.value) && (
            <Answer here={here} told={told} zone={zone} />
          )}
          <InTime told={told} zone={zone} picture={picture} />
          <Pictures here={here} told={told} zone={zone} place={picture} onPlace={setPicture} />
          <Looks told={told} zone={zone} />
          <Keep here={here} told={told} />
        </>
      )}
    </div>
  );
}

function Decision({ here, told, zone }: { here: Afterwards; told: After; zone: string }) {
  const { state, outcome, reasons, contest_until_ms, results_held } = told.decision;
  const until = contest_until_ms === null ? "" : moment(contest_until_ms, told.now_ms, zone);
  return (
    <section class="chapter">
      <h2>{after.decision.heading}</h2>
      <p>{after.decision.state[state] ?? after.decision.state["awaiting"]}</p>
      {outcome !== null && (
        <p class="notice">
          <strong>{room.done.verdict[outcome] ?? outcome}</strong>{" "}
          {reasons !== "" && room.done.reasons(reasons)}
        </p>
      )}
      {results_held && <p>{room.done.held}</p>}
      {mayAnswer(told) && (
        <p>
          {after.decision.until(until)} <a href="#answer">{after.decision.toAnswer}</a>
        </p>
      )}
      <button
        type="button"
        class="secondary"
        disabled={here.busy.value !== null}
        onClick={() => void here.load()}
      >
        {after.check}
      </button>
    </section>
  );
}

function Keep({ here, told }: { here: Afterwards; told: After }) {
  const [size, setSize] = useState<number | null>(null);
  const name = after.keep.file(told.session);
  const busy = here.busy.value;
  const get = async () => {
    const file = await here.bundle();
    if (file === null) return;
    download(file, name);
    setSize(file.size);
  };
  return (
    <section class="chapter">
      <h2>{after.keep.heading}</h2>
      <p>{after.keep.lead}</p>
      {told.decision.state === "awaiting" && <p class="notice">{after.keep.notYet}</p>}
      <div class="steps">
        <button
          type="button"
          disabled={busy !== null || told.decision.state === "awaiting"}
          onClick={() => void get()}
        >
          {after.keep.get}
        </button>
      </div>
      {busy === after.keep.wait && <Waiting what={busy} />}
      <p role="status">{size !== null && after.keep.size(size)}</p>
      <p>{after.keep.how}</p>
      <pre>proctor verify {name}</pre>
    </section>
  );
}
