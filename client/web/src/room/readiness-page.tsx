/**
 * The report of a rehearsal, shown where an exam's receipt would stand: mount
 * `<Readiness device={device} />` where `device.joined.exam.practice`; and where a rehearsal begins:
 * `<RehearseFirst />` on a page of the exam itself, `<RehearsalPage />` for /join/<token>#rehearse,
 * which does not join. How the report comes about stands at the head of rehearsal.ts.
 */

import { useEffect, useState } from "preact/hooks";
import { ProblemError, Unreachable } from "../api";
import { readiness, told } from "../text/readiness";
import { room } from "../text/room";
import { moment, ownZone } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import type { Device } from "./device";
import { type Row, type Status, STATUSES } from "./readiness";
import { reported, startRehearsal } from "./rehearsal";
import { Heading } from "./stepper";

export function Readiness({ device }: { device: Device }) {
  const [rows, setRows] = useState<Row[] | null | undefined>(undefined);
  useEffect(() => void reported(device).then(setRows), [device]);
  if (rows === undefined) return <Waiting what={readiness.wait} />;
  return (
    <>
      {rows === null ? (
        <Heading of="readiness">{readiness.unsigned}</Heading>
      ) : (
        <Heading of="readiness">{readiness.heading(count(rows, "mend"))}</Heading>
      )}
      <p>{readiness.lead}</p>
      {STATUSES.map((status) => (
        <Group key={status} status={status} rows={rows ?? []} />
      ))}
      {rows !== null && <p class="hint">{readiness.signed}</p>}
      <section class="chapter">
        <h2>{readiness.next}</h2>
        <p>{readiness.back}</p>
        {rows !== null && count(rows, "mend") > 0 && <p>{readiness.again_hint}</p>}
        <Rehearse words={readiness.again} />
      </section>
    </>
  );
}

function count(rows: readonly Row[], of: Status): number {
  return rows.filter(({ status }) => status === of).length;
}

function Group({ status, rows }: { status: Status; rows: readonly Row[] }) {
  const these = rows.filter((row) => row.status === status);
  if (these.length === 0) return null;
  return (
    <section class="chapter">
      <h2>{readiness.groups[status]}</h2>
      <ul>
        {these.map((row) => {
          const { says, does } = told(row);
          return (
            <li key={row.check}>
              <strong>{readiness.names[row.check]}.</strong> {says} {does}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Offers a rehearsal beside the exam itself. */
export function RehearseFirst() {
  return (
    <section class="chapter">
      <h2>{readiness.first}</h2>
      <p>{readiness.what}</p>
      <Rehearse words={readiness.begin} />
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
        <Heading of="rehearse">{readiness.first}</Heading>
        <p>{readiness.what}</p>
        <Rehearse words={readiness.begin} />
      </main>
    </>
  );
}

/** The button that begins a rehearsal with the link of this page, and goes to it. */
function Rehearse({ words }: { words: string }) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const begin = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      location.assign(`/join/${encodeURIComponent(await startRehearsal(tokenHere()))}`);
    } catch (error) {
      setTrouble(troubleWords(error));
      setBusy(false);
    }
  };
  return (
    <>
      {trouble !== null && <Trouble words={trouble} />}
      {busy && <Waiting what={readiness.starting} />}
      <div class="steps">
        <button type="button" disabled={busy} onClick={() => void begin()}>
          {words}
        </button>
      </div>
    </>
  );
}

function troubleWords(error: unknown): string {
  const { problems } = readiness;
  if (error instanceof Unreachable) return problems.unreachable;
  if (!(error instanceof ProblemError)) throw error; // a bug of ours: never worded away
  if (error.code === "session-closed") return problems["session-closed"];
  const at_ms = Date.parse(String(error.facts["again_at"]));
  if (error.code === "too-many-rehearsals" && !Number.isNaN(at_ms)) {
    return problems["too-many-rehearsals"](moment(at_ms, Date.now(), ownZone()));
  }
  return problems.other;
}

/** The token of this page's own address, /join/<token>: of an exam, or of a rehearsal. */
function tokenHere(): string {
  return decodeURIComponent(location.pathname.split("/")[2] ?? "");
}
