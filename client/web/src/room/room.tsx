import { useEffect, useRef, useState } from "preact/hooks";
import { room } from "../text/room";
import { Trouble, Waiting } from "../ui/notices";
import type { Item } from "./items";
import { Overview } from "./overview";
import { Question } from "./question";
import { Resources } from "./resources-list";
import type { Running } from "./running";
import { Status } from "./status";
import { Heading } from "./stepper";
import { Timer } from "./timer";
import { JobTrouble } from "./trouble";

interface Props {
  running: Running;
  zone: string;
  onHelp: () => void;
}

/** One open section: its questions, its time, what may be used, and how safe everything is. */
export function Room({ running, zone, onHelp }: Props) {
  const [overview, setOverview] = useState(false);
  const section = running.section.value;
  const shown = running.items.value;
  if (section === null) return null;
  const items = shown?.section === section.id ? shown.items : null;
  return (
    <>
      <header class="desk-head">
        <Heading of={section.id}>{section.title}</Heading>
        <Timer running={running} section={section} zone={zone} />
      </header>
      <main class="seat">
        {items === null ? (
          <Loading running={running} section={section.id} />
        ) : (
          <Work
            running={running}
            zone={zone}
            section={section.id}
            items={items}
            overview={overview}
            onOverview={setOverview}
          />
        )}
      </main>
      <footer class="desk-foot">
        <Status running={running} zone={zone} working />
        <button type="button" class="secondary" onClick={onHelp}>
          {room.help.open}
        </button>
      </footer>
    </>
  );
}

function Loading({ running, section }: { running: Running; section: string }) {
  if (running.busy.value !== null) return <Waiting what={running.busy.value} />;
  return <Trouble words={room.work.failedToLoad} again={() => void running.load(section)} />;
}

interface WorkProps {
  running: Running;
  zone: string;
  section: string;
  items: Item[];
  overview: boolean;
  onOverview: (on: boolean) => void;
}

function Work({ running, zone, section, items, overview, onOverview }: WorkProps) {
  const { notes } = running;
  const places = notes.places.value;
  const here = Math.max(0, items.findIndex(({ id }) => places.includes(id)));
  const asList = notes.asList.value;
  /** A question that was gone to takes the focus; the first one, at the start, does not. */
  const target = useRef<string | null>(null);
  const [visits, setVisits] = useState(0);

  function go(number: number) {
    const item = items[number];
    if (item === undefined) return;
    void running.answers.flush();
    target.current = item.id;
    notes.place(item.id, items.map(({ id }) => id));
    onOverview(false);
    setVisits(visits + 1);
  }

  useEffect(() => {
    if (target.current === null) return;
    document.getElementById(`q-${target.current}`)?.focus();
    target.current = null;
  }, [visits]);

  const only = items[here];
  return (
    <>
      <aside class="beside">
        <Questions
          running={running}
          items={items}
          here={asList || overview ? -1 : here}
          onGo={go}
        />
        <div class="steps">
          <button type="button" class="secondary" onClick={() => onOverview(true)}>
            {room.work.overview}
          </button>
          <button type="button" class="quiet" onClick={() => notes.showAsList(!asList)}>
            {asList ? room.work.oneByOne : room.work.asList}
          </button>
        </div>
      </aside>
      <div class="questions">
        {overview ? (
          <Overview running={running} items={items} onBack={() => onOverview(false)} onGo={go} />
        ) : asList ? (
          items.map((item, at) => (
            <Question
              key={item.id}
              {...{ running, zone, section, item, at }}
              count={items.length}
            />
          ))
        ) : (
          only !== undefined && (
            <>
              <Question
                key={only.id}
                {...{ running, zone, section }}
                item={only}
                at={here}
                count={items.length}
              />
              <div class="steps turn">
                <button
                  type="button"
                  class="secondary"
                  disabled={here === 0}
                  onClick={() => go(here - 1)}
                >
                  {room.work.previous}
                </button>
                {here < items.length - 1 ? (
                  <button type="button" onClick={() => go(here + 1)}>
                    {room.work.next}
                  </button>
                ) : (
                  <button type="button" onClick={() => onOverview(true)}>
                    {room.work.overview}
                  </button>
                )}
              </div>
            </>
          )
        )}
        <JobTrouble running={running} />
      </div>
      <Resources running={running} section={section} />
    </>
  );
}

interface QuestionsProps {
  running: Running;
  items: Item[];
  here: number;
  onGo: (number: number) => void;
}

function Questions({ running, items, here, onGo }: QuestionsProps) {
  return (
    <nav aria-label={room.work.questions}>
      <ol class="numbers">
        {items.map(({ id }, at) => (
          <li key={id}>
            <button
              type="button"
              class="number"
              aria-current={at === here ? "true" : undefined}
              onClick={() => onGo(at)}
            >
              <span class="spoken">{room.work.questionWord}</span>
              {at + 1} <Mark full={running.answers.isAnswered(id)} />{" "}
              <small>
                <span class="where-wide">
                  {running.answers.isAnswered(id) ? room.work.answered : room.work.empty}
                </span>
                {running.notes.marks.value.includes(id) && (
                  <>
                    <span class="where-wide">, </span>
                    {room.work.marked}
                  </>
                )}
              </small>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** A shape to go with the word. */
export function Mark({ full }: { full: boolean }) {
  return (
    <svg
      class={full ? "dot full" : "dot"}
      viewBox="0 0 12 12"
      width="12"
      height="12"
      aria-hidden="true"
    >
      <circle cx="6" cy="6" r="5" />
    </svg>
  );
}
