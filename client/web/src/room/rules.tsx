import { room } from "../text/room";
import { Waiting } from "../ui/notices";
import { Granted } from "./acts-told";
import { RehearseFirst } from "./rehearse";
import type { Running } from "./running";
import { Heading } from "./stepper";

/** What may be used and what is watched, as the server words it; accepting signs it. */
export function Rules({ running }: { running: Running }) {
  const { exam, notice } = running.device.joined;
  const busy = running.busy.value;
  return (
    <>
      <Heading of="rules">{room.rules.heading}</Heading>
      <p>{room.rules.first(exam.title)}</p>
      {exam.practice !== true && !running.checkIn.accepted.value && <RehearseFirst />}
      {notice.map(({ heading, lines }) => (
        <section key={heading} class="chapter">
          <h2>{heading}</h2>
          <ul>
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </section>
      ))}
      <Granted running={running} />
      {running.checkIn.accepted.value ? (
        <div class="decide">
          <p>{room.rules.accepted}</p>
          <button type="button" onClick={() => running.checkIn.onward("rules")}>
            {room.goOn}
          </button>
        </div>
      ) : (
        <div class="decide">
          <p class="hint">{room.rules.record}</p>
          <button type="button" disabled={busy !== null} onClick={() => void running.checkIn.accept()}>
            {room.rules.accept}
          </button>
        </div>
      )}
      {busy !== null && <Waiting what={busy} />}
    </>
  );
}
