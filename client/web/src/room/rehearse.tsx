/** Where a rehearsal begins: on the page of an exam's rules, and on /join/<token>#rehearse. */

import { useState } from "preact/hooks";
import { ProblemError, Unreachable } from "../api";
import { rehearse } from "../text/rehearse";
import { room } from "../text/room";
import { clock, day, ownZone } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import { rememberExam } from "./exam-link";
import { startRehearsal } from "./start-rehearsal";
import { Heading } from "./stepper";

/** Offers a rehearsal beside the exam itself. */
export function RehearseFirst() {
  return (
    <section class="chapter">
      <h2>{rehearse.first}</h2>
      <p>{rehearse.what}</p>
      <Rehearse words={rehearse.begin} exam={tokenHere()} />
    </section>
  );
}

/** A page that begins a rehearsal and leaves the exam's own link for the computer it is sat on. */
export function RehearsalPage() {
  return (
    <>
      <header>
        <p class="product">
          <strong>{room.product}</strong>
        </p>
      </header>
      <main class="way">
        <Heading of="rehearse">{rehearse.first}</Heading>
        <p>{rehearse.what}</p>
        {/* Nobody is led to the exam from here: to open its link would bind it to this computer. */}
        <Rehearse words={rehearse.begin} exam={null} />
      </main>
    </>
  );
}

/**
 * The button that begins a rehearsal with the link of this page, and goes to it. `exam` is the token
 * that the report leads back to.
 */
export function Rehearse({ words, exam }: { words: string; exam: string | null }) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const begin = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      const rehearsal = await startRehearsal(tokenHere());
      rememberExam(rehearsal, exam);
      location.assign(`/join/${encodeURIComponent(rehearsal)}`);
    } catch (error) {
      setTrouble(troubleWords(error));
      setBusy(false);
    }
  };
  return (
    <>
      {trouble !== null && <Trouble words={trouble} />}
      {busy && <Waiting what={rehearse.starting} />}
      <div class="steps">
        <button type="button" disabled={busy} onClick={() => void begin()}>
          {words}
        </button>
      </div>
    </>
  );
}

function troubleWords(error: unknown): string {
  const { problems } = rehearse;
  if (error instanceof Unreachable) return problems.unreachable;
  if (!(error instanceof ProblemError)) throw error; // a bug of ours: never worded away
  if (error.code === "session-closed") return problems["session-closed"];
  const at_ms = Date.parse(String(error.facts["again_at"]));
  if (error.code === "too-many-rehearsals" && !Number.isNaN(at_ms)) {
    // With its day: what day it is by this computer's clock may not be what the server says.
    const zone = ownZone();
    return problems["too-many-rehearsals"](`${clock(at_ms, zone, false)} on ${day(at_ms, zone)}`);
  }
  return problems.other;
}

/** The token of this page's own address, /join/<token>: of an exam, or of a rehearsal. */
export function tokenHere(): string {
  return decodeURIComponent(location.pathname.split("/")[2] ?? "");
}
