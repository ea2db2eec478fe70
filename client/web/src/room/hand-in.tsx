import { room } from "../text/room";
import { Trouble, Waiting } from "../ui/notices";
import { Why } from "./acts-told";
import type { Running } from "./running";
import { Heading } from "./stepper";

/** The clock has passed the end: what was saved is handed in by itself. */
export function TimeUp({ running, section }: { running: Running; section: string }) {
  const found = running.device.view.value.sections.find(({ id }) => id === section);
  const unsaved = running.answers.unsaved.value;
  return (
    <>
      <Heading of={`time-up ${section}`}>{room.timeUp.heading(found?.title ?? "")}</Heading>
      {unsaved > 0 ? (
        <Trouble words={room.ended.unsaved(unsaved)} />
      ) : running.offline.value ? (
        <p role="status">{room.timeUp.offline}</p>
      ) : (
        <>
          <p>{room.timeUp.asks}</p>
          <Waiting what={room.timeUp.wait} />
        </>
      )}
    </>
  );
}

export function Paused({ running, zone }: { running: Running; zone: string }) {
  return (
    <>
      <Heading of="paused">{room.paused.heading}</Heading>
      <Why running={running} zone={zone} of="paused" />
      <p>{room.paused.body}</p>
    </>
  );
}

/** All parts are over: the submission goes out, and with it all that is not received yet. */
export function HandingIn({ running }: { running: Running }) {
  const { written, received, blobs_waiting } = running.device.line.value;
  const { sections } = running.device.view.value;
  const unsaved = running.answers.unsaved.value;
  const busy = running.busy.value;
  return (
    <>
      <Heading of="handing-in">{room.handingIn.heading}</Heading>
      {sections.some(({ closed_by }) => closed_by === "time-up") && <p>{room.handingIn.why}</p>}
      <p>{room.handingIn.body}</p>
      {unsaved > 0 ? (
        <p>{`${room.ended.unsaved(unsaved)} ${room.handingIn.unsaved}`}</p>
      ) : (
        <p>{room.handingIn.left(Math.max(0, written - received), blobs_waiting)}</p>
      )}
      {busy !== null && !running.offline.value && <Waiting what={busy} />}
      {busy === null && running.trouble.value !== null && (
        <button type="button" onClick={() => void running.submit()}>
          {room.again}
        </button>
      )}
    </>
  );
}
