import { useEffect, useRef, useState } from "preact/hooks";
import { room } from "../text/room";
import { lengthWords } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Notice, Waiting } from "../ui/notices";
import { lasted } from "./asks";
import type { Item } from "./items";
import { Mark } from "./room";
import type { Running } from "./running";

interface Props {
  running: Running;
  items: Item[];
  onBack: () => void;
  onGo: (number: number) => void;
}

/** What is answered and what is not; then one confirmation. */
export function Overview({ running, items, onBack, onGo }: Props) {
  const [sure, setSure] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  // Scrolled to, as well: on a narrow page it stands below the numbers.
  useEffect(() => heading.current?.focus(), []);
  const section = running.section.value;
  if (section === null) return null;
  const { title } = section;
  const marks = running.notes.marks.value;
  const answered = items.filter(({ id }) => running.answers.isAnswered(id)).length;
  const marked = items.filter(({ id }) => marks.includes(id)).length;
  const last = running.device.view.value.sections.every(
    ({ id, state }) => id === section.id || state === "closed",
  );
  return (
    <>
      <h2 ref={heading} tabIndex={-1}>
        {room.overview.heading(title)}
      </h2>
      <p>{room.overview.sum(answered, marked, items.length - answered)}</p>
      <ol class="answered">
        {items.map(({ id }, at) => (
          <li key={id}>
            <button type="button" class="quiet" onClick={() => onGo(at)}>
              {room.work.questionWord}
              {at + 1}
            </button>{" "}
            <span>
              <Mark full={running.answers.isAnswered(id)} />{" "}
              {running.answers.isAnswered(id) ? room.work.answered : room.work.empty}
              {marks.includes(id) && `, ${room.work.marked}`}
            </span>
          </li>
        ))}
      </ol>
      <Lasted running={running} />
      {running.leaving.value ? (
        <Leaving running={running} />
      ) : (
        <div class="steps">
          <button type="button" class="secondary" onClick={onBack}>
            {room.overview.back}
          </button>
          <button type="button" onClick={() => setSure(true)}>
            {room.overview.handIn(title)}
          </button>
        </div>
      )}
      <Dialog open={sure} heading={room.overview.sureHeading(title)} onClose={() => setSure(false)}>
        <p>
          {room.overview.sureEmpty(items.length - answered)}{" "}
          {last ? room.overview.sureLast : room.overview.sure}
        </p>
        <footer>
          <button type="button" class="secondary" onClick={() => setSure(false)}>
            {room.cancel}
          </button>
          <button
            type="button"
            class="final"
            onClick={() => {
              setSure(false);
              void running.handIn(section.id);
            }}
          >
            {room.overview.yes}
          </button>
        </footer>
      </Dialog>
    </>
  );
}

/** For how long the pictures lacked something: told to who it is about, as it is noted. */
function Lasted({ running }: { running: Running }) {
  const times = lasted(running.device.view.value, running.now_ms.value);
  if (times.length === 0) return null;
  return (
    <section class="chapter">
      <h3>{room.asks.heading}</h3>
      <ul>
        {times.map(([kind, length_ms]) => (
          <li key={kind}>{room.asks.lasted[kind](lengthWords(length_ms))}</li>
        ))}
      </ul>
      <p class="hint">{room.asks.why}</p>
    </section>
  );
}

function Leaving({ running }: { running: Running }) {
  return (
    <Notice>
      {running.offline.value ? (
        <p role="status">
          {running.asked.value ? room.overview.waitAsked : room.overview.waitOffline}
        </p>
      ) : (
        <Waiting what={room.overview.wait} />
      )}
      {!running.asked.value && (
        <button type="button" class="secondary" onClick={() => running.stay()}>
          {room.cancel}
        </button>
      )}
    </Notice>
  );
}
