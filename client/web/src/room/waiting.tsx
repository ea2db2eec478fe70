import { room } from "../text/room";
import { clock } from "../text/when";
import { Waiting } from "../ui/notices";
import type { Running } from "./running";
import { BackButton, FaceAdvice, Heading } from "./stepper";

/** All is taken: one press sends it. */
export function Ready({ running }: { running: Running }) {
  const busy = running.busy.value;
  return (
    <>
      <Heading of="ready">{room.ready.heading}</Heading>
      <ul>
        <li>{room.ready.list.rules}</li>
        {running.checkIn.wanted.map((purpose) => (
          <li key={purpose}>{room.ready.list[purpose]}</li>
        ))}
      </ul>
      <FaceAdvice running={running} />
      <p class="hint">{room.ready.hint}</p>
      <div class="steps">
        <button type="button" disabled={busy !== null} onClick={() => void running.checkIn.send()}>
          {room.ready.checkIn}
        </button>
        {busy === null && <BackButton running={running} step="ready" />}
      </div>
      {busy !== null && <Waiting what={busy} />}
    </>
  );
}

/** A person looks at the pictures; the page goes on by itself. */
export function Held({ running, zone }: { running: Running; zone: string }) {
  const { held_before, held_since_ms } = running.device.view.value.id_check;
  return (
    <>
      <Heading of="held">{room.held.heading}</Heading>
      <p>{room.held.what}</p>
      <p role="status">
        {held_before != null &&
          held_since_ms != null &&
          room.held.queue(held_before, clock(held_since_ms, zone, false))}
      </p>
      <p>{room.held.next}</p>
      <p class="hint">{room.held.leave}</p>
    </>
  );
}

export function Refused({ running }: { running: Running }) {
  const { reason } = running.device.view.value.id_check;
  return (
    <>
      <Heading of="refused">{room.refused.heading}</Heading>
      {reason !== "" && <p>{room.refused.why(reason)}</p>}
      <p>{room.refused.do}</p>
    </>
  );
}
