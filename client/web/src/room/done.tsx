import { useEffect, useState } from "preact/hooks";
import { room } from "../text/room";
import { moment } from "../text/when";
import { Trouble } from "../ui/notices";
import { Why } from "./acts-told";
import type { ReceiptShown } from "./device";
import { download } from "../ui/download";
import { type JudgedFlag, type Outcome, outcomeOf, type Result } from "./outcome";
import type { Running } from "./running";
import { lastClosed } from "./state";
import { Heading } from "./stepper";

const MAIL_MS = 10_000;

/** Handed in: the receipt, and what happens next. */
export function Done({ running, zone }: { running: Running; zone: string }) {
  const { blobs_waiting } = running.device.line.value;
  const receipt = running.device.receipt();
  const unsaved = running.answers.unsaved.value;
  const last = lastClosed(running.device.view.value.sections);
  return (
    <>
      <Heading of="done">{room.done.heading}</Heading>
      {last?.closed_by === "time-up" && <p>{room.done.byItself(last.title)}</p>}
      {unsaved > 0 && <Trouble words={room.done.unsaved(unsaved)} />}
      <p>{blobs_waiting > 0 ? room.done.files(blobs_waiting) : unsaved === 0 && room.done.all}</p>
      <section class="chapter">
        <h2>{room.done.receipt}</h2>
        {receipt === null ? (
          <p>{room.done.noReceipt}</p>
        ) : (
          <Receipt receipt={receipt} running={running} zone={zone} />
        )}
      </section>
      <Review running={running} />
    </>
  );
}

interface ReceiptProps {
  receipt: ReceiptShown;
  running: Running;
  zone: string;
}

function Receipt({ receipt, running, zone }: ReceiptProps) {
  const { text, size, at_ms } = receipt;
  const name = room.done.file(running.device.joined.session);
  return (
    <>
      <p>{room.done.confirmed(size, moment(at_ms, running.now_ms.value, zone))}</p>
      <div class="steps">
        <button
          type="button"
          onClick={() => download(new Blob([text], { type: "text/plain" }), name)}
        >
          {room.done.download}
        </button>
      </div>
      <details>
        <summary>{room.done.show}</summary>
        <pre>{text}</pre>
      </details>
    </>
  );
}

function Review({ running }: { running: Running }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const verdict = running.device.view.value.verdict;
  const look = () =>
    void running.outcome().then(
      (told) => setOutcome(outcomeOf(told)),
      () => undefined, // the view below says what is known without it
    );
  useEffect(() => {
    look();
    // The mail goes out after the receipt was given.
    const again = setTimeout(look, MAIL_MS);
    return () => clearTimeout(again);
  }, [running, verdict]);
  const state = outcome?.review ?? "awaiting";
  return (
    <section class="chapter">
      <h2>{room.done.review}</h2>
      {verdict === null ? (
        <p>{room.done.reviewState[outcome?.releasedUnjudged === true ? "unjudged" : "awaiting"]}</p>
      ) : (
        <>
          {state !== "awaiting" && <p>{room.done.reviewState[state]}</p>}
          <p>{room.done.verdict[verdict.outcome] ?? verdict.outcome}</p>
          {verdict.reasons !== "" && <p>{room.done.reasons(verdict.reasons)}</p>}
        </>
      )}
      {outcome?.mailed === true && <p>{room.done.mailed}</p>}
      {outcome !== null && <Flags flags={outcome.flags} />}
      {outcome !== null && outcome.result !== null && <Score result={outcome.result} />}
      {outcome?.held === true && <p>{room.done.held}</p>}
      <Seen />
      <button type="button" class="secondary" onClick={look}>
        {room.done.check}
      </button>
    </section>
  );
}

/** Leads to all that a decision may rest on. */
function Seen() {
  return (
    <p>
      <a href="#seen">{room.done.seen}</a>
    </p>
  );
}

function Flags({ flags }: { flags: JudgedFlag[] }) {
  if (flags.length === 0) return null;
  return (
    <>
      <h3>{room.done.flags}</h3>
      <ul>
        {flags.map(({ words, outcome }, at) => (
          <li key={at}>
            {words} {outcome !== null && <strong>({room.done.judged[outcome] ?? outcome})</strong>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Score({ result }: { result: Result }) {
  const { points, possible, passed, awaiting } = result;
  return (
    <>
      <h3>{room.done.results}</h3>
      <p>
        {room.done.score(points, possible)} {passed !== null && room.done.passed[`${passed}`]}{" "}
        {awaiting > 0 && room.done.awaiting(awaiting)}
      </p>
    </>
  );
}

interface EndedProps {
  running: Running;
  zone: string;
  how: "terminated" | "expired";
}

export function Ended({ running, zone, how }: EndedProps) {
  return (
    <>
      <Heading of={how}>{room[how].heading}</Heading>
      {how === "terminated" && <Why running={running} zone={zone} of={how} />}
      <p>{room[how].body}</p>
      {how === "terminated" && <Seen />}
    </>
  );
}
