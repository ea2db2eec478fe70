import type { ReviewRow } from "../api";
import { en } from "../text/en";
import { lengthWords, moment } from "../text/when";
import { ClassMark } from "../ui/notices";
import type { Desk } from "./desk";
import { grouped, isHeld, minutesOf } from "./queue";

/** A picture that waits for less is on its way: nobody's matter. */
const BEHIND_MS = 30_000;

interface Props {
  desk: Desk;
  zone: string;
  /** Beside an open session: short rows, and gone where the screen is narrow. */
  aside: boolean;
}

export function Queue({ desk, zone, aside }: Props) {
  const rows = desk.rows.value;
  if (rows === null) return null;
  const { waiting, look, quiet, others, running, decided } = grouped(rows);
  const mine = [...waiting, ...look];
  const Heading = aside ? "h2" : "h1";
  const group = { desk, zone, aside };
  return (
    <nav class={aside ? "queue aside" : "queue"} aria-label={en.queue.heading}>
      <div class="queue-head">
        <Heading>{en.queue.heading}</Heading>
        {!aside && (
          <button type="button" class="secondary" onClick={() => void desk.refresh()}>
            {en.queue.check}
          </button>
        )}
      </div>
      <p>{en.queue.sum(mine.length, minutesOf(mine))}</p>
      <Behind desk={desk} />
      {rows.length === 0 && <Nothing />}
      <Group
        {...group}
        heading={en.queue.waiting}
        hint={en.queue.waitingHint}
        rows={waiting}
      />
      <Group {...group} heading={en.queue.look} rows={look} />
      <Group {...group} heading={en.queue.quiet} hint={en.queue.quietHint} rows={quiet} />
      <Group {...group} heading={en.queue.others} hint={en.queue.othersHint} rows={others} />
      <Group
        {...group}
        heading={en.queue.running}
        hint={en.queue.runningHint}
        rows={running}
      />
      <Group {...group} heading={en.queue.decided} rows={decided} />
    </nav>
  );
}

/** How far behind the machine is: what it has not looked at can raise no flag yet. */
function Behind({ desk }: { desk: Desk }) {
  const pictures = desk.pictures.value;
  const oldest_ms = pictures?.oldest_ms ?? null;
  if (pictures === null || oldest_ms === null) return null;
  const length_ms = Date.now() - oldest_ms;
  if (pictures.behind === 0 && length_ms < BEHIND_MS) return null;
  return (
    <p class="notice needs">{en.queue.pictures(pictures, lengthWords(length_ms))}</p>
  );
}

function Nothing() {
  return (
    <div class="notice">
      <p>
        <strong>{en.queue.none}</strong>
      </p>
      <p>{en.queue.noneNext}</p>
    </div>
  );
}

function Group({ heading, hint, rows, ...props }: Props & { heading: string; hint?: string; rows: ReviewRow[] }) {
  if (rows.length === 0) return null;
  const Heading = props.aside ? "h3" : "h2";
  return (
    <section>
      <Heading>
        {heading} <span class="count">{rows.length}</span>
      </Heading>
      {hint !== undefined && !props.aside && <p class="hint">{hint}</p>}
      <ul class="rows">
        {rows.map((row) => (
          <li key={row.session}>
            <Row {...props} row={row} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Row({ desk, zone, aside, row }: Props & { row: ReviewRow }) {
  const here = desk.session.value === row.session;
  return (
    <a
      class="row"
      href={`?session=${encodeURIComponent(row.session)}`}
      aria-current={here ? "page" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
        event.preventDefault();
        void desk.open(row.session);
      }}
    >
      <span class="who">{row.learner}</span>
      {!aside && <span class="exam">{row.exam_title}</span>}
      <span class="why">
        {row.conduct > 0 && <ClassMark of="conduct" />}
        {row.why.join(" · ") || en.queue.counts(row.conduct, row.quality)}
      </span>
      <span class="state">{stateWords(row)}</span>
      {row.state !== "decided" && (
        <span class="cost">
          {en.queue.minutes(row.minutes)}
          {!aside && `, ${sinceWords(row, zone)}`}
        </span>
      )}
    </a>
  );
}

function stateWords(row: ReviewRow): string {
  if (isHeld(row)) return en.queue.held;
  return row.outcome === null
    ? en.state[row.state]
    : en.session.decided(en.outcome[row.outcome]);
}

function sinceWords(row: ReviewRow, zone: string): string {
  const now = Date.now();
  const since = moment(row.waiting_since_ms, now, zone);
  return en.queue.since(since, lengthWords(now - row.waiting_since_ms));
}
