import { useState } from "preact/hooks";
import type { SectionView } from "../api";
import { room } from "../text/room";
import { Dialog } from "../ui/dialog";
import { Trouble, Waiting } from "../ui/notices";
import type { Running } from "./running";
import { lastClosed, openable } from "./state";
import { Heading } from "./stepper";
import { windowWords } from "./window-words";

/** Nothing is open: what became of the last part, and which may be opened. */
export function Sections({ running, zone }: { running: Running; zone: string }) {
  const { sections, window } = running.device.view.value;
  const { in_order } = running.device.joined.exam;
  const last = lastClosed(sections);
  const next = openable(sections, in_order);
  const busy = running.busy.value;
  const closed = windowWords(window, running.now_ms.value, zone);
  return (
    <>
      <Heading of="sections">{room.sections.heading(last !== null)}</Heading>
      {last !== null && <Closed running={running} section={last} />}
      <p>
        {room.sections.clock} {next.length > 1 && room.sections.anyOrder}{" "}
        {last !== null && room.sections.rest}
      </p>
      <p role="status" class={closed === null ? undefined : "notice"}>
        {closed}
      </p>
      <ol class="parts" aria-label={room.sections.list}>
        {sections.map((section) => (
          <li key={section.id}>
            <span>
              <strong>{section.title}</strong>{" "}
              <span class="hint">
                {room.sections.limit(section.limit_s)}, {room.sections.state[section.state]}
              </span>
            </span>
            {next.includes(section) && (
              <button
                type="button"
                disabled={busy !== null || closed !== null}
                onClick={() => void running.openSection(section.id, section.title)}
              >
                {room.sections.open(section.title)}
              </button>
            )}
          </li>
        ))}
      </ol>
      {busy !== null && <Waiting what={busy} />}
      {last !== null && (
        <LeaveOut running={running} left={openable(sections, false)} busy={busy !== null} />
      )}
    </>
  );
}

function Closed({ running, section }: { running: Running; section: SectionView }) {
  const what =
    section.closed_by === "time-up"
      ? room.ended.timeUp(section.title)
      : section.closed_by === "handed-in"
        ? room.ended.handedIn(section.title)
        : room.ended.cut(section.title);
  const unsaved = running.answers.unsaved.value;
  if (unsaved > 0) return <Trouble words={`${what} ${room.ended.unsaved(unsaved)}`} />;
  return (
    <p class="notice ended">
      {/* Not of the log: a picture that was just being taken is on its way for a moment. */}
      {what} {running.answers.least() === "received" ? room.ended.all : room.ended.onWay}
    </p>
  );
}

interface LeaveOutProps {
  running: Running;
  left: SectionView[];
  busy: boolean;
}

/** Whoever wants no more of it need not open what is left. */
function LeaveOut({ running, left, busy }: LeaveOutProps) {
  const [sure, setSure] = useState(false);
  return (
    <>
      <p>
        <button type="button" class="quiet" disabled={busy} onClick={() => setSure(true)}>
          {room.sections.leaveOut}
        </button>
      </p>
      <Dialog open={sure} heading={room.sections.leaveOutHeading} onClose={() => setSure(false)}>
        <p>{room.sections.leaveOutBody(left.map(({ title }) => title).join(", "))}</p>
        <footer>
          <button type="button" class="secondary" onClick={() => setSure(false)}>
            {room.sections.leaveOutNo}
          </button>
          <button
            type="button"
            class="final"
            disabled={busy}
            onClick={() => {
              setSure(false);
              void running.submit();
            }}
          >
            {room.sections.leaveOutYes}
          </button>
        </footer>
      </Dialog>
    </>
  );
}
