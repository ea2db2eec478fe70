import type { PicturesWaiting, ReviewRow } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { lengthWords, moment } from "../text/when";
import { ClassMark } from "../ui/notices";
import { Choices, Give } from "./assign";
import type { Desk } from "./desk";
import { ExportDialog } from "./exports";
import { grouped, isDecided, isHeld, minutesOf, whyOther } from "./queue";
import { RowGroup, RowsHead, SessionRow } from "./rows";

/** A picture that waits for less is on its way: nobody's matter. */
const BEHIND_MS = 30_000;

interface Props {
  desk: Desk;
  zone: string;
  /** Beside an open session: short rows, and gone where the screen is narrow. */
  aside: boolean;
}

export function Queue({ desk, zone, aside }: Props) {
  const rows = desk.list.rows.value;
  if (rows === null) return null;
  const { waiting, look, quiet, others, running, decided } = grouped(desk.list.shown.value);
  const mine = [...waiting, ...look];
  const group = {
    aside,
    draw: (row: ReviewRow) => (
      <>
        {!aside && <Choice desk={desk} row={row} />}
        <Row desk={desk} zone={zone} aside={aside} row={row} />
      </>
    ),
  };
  const done = desk.list.doneLastDay.value;
  return (
    <nav class={aside ? "queue aside" : "queue"} aria-label={en.queue.heading}>
      <RowsHead heading={en.queue.heading} aside={aside}>
        {desk.leads() && <ExportDialog desk={desk} />}
        <button type="button" class="secondary" onClick={() => void desk.list.refresh()}>
          {en.queue.check}
        </button>
      </RowsHead>
      <p>
        {en.queue.sum(mine.length, minutesOf(mine))}{" "}
        {done !== null && <span class="done">{words.queue.doneLastDay(done)}</span>}
      </p>
      {desk.list.more.value && <p class="notice needs">{words.queue.more}</p>}
      <Behind desk={desk} />
      <Blind pictures={desk.list.pictures.value} />
      {!aside && <Choices desk={desk} />}
      {!aside && <Give desk={desk} />}
      {rows.length === 0 && <Nothing />}
      {rows.length > 0 && desk.list.shown.value.length === 0 && <p>{words.queue.none}</p>}
      <RowGroup {...group} heading={en.queue.waiting} hint={en.queue.waitingHint} rows={waiting} />
      <RowGroup {...group} heading={words.queue.conduct} hint={words.queue.conductHint} rows={look} />
      <RowGroup {...group} heading={en.queue.quiet} hint={en.queue.quietHint} rows={quiet} />
      <RowGroup {...group} heading={en.queue.others} hint={en.queue.othersHint} rows={others} />
      <RowGroup {...group} heading={en.queue.running} hint={en.queue.runningHint} rows={running} />
      <RowGroup {...group} heading={en.queue.decided} rows={decided} />
    </nav>
  );
}

/** How far behind the machine is: what it has not looked at can raise no flag yet. */
function Behind({ desk }: { desk: Desk }) {
  const pictures = desk.list.pictures.value;
  const oldest_ms = pictures?.oldest_ms ?? null;
  if (pictures === null || oldest_ms === null) return null;
  const length_ms = Date.now() - oldest_ms;
  if (pictures.behind === 0 && length_ms < BEHIND_MS) return null;
  return <p class="notice needs">{en.queue.pictures(pictures, lengthWords(length_ms))}</p>;
}

/** What is not measured for want of a model: never taken for "nothing was seen". */
function Blind({ pictures }: { pictures: PicturesWaiting | null }) {
  const causes = pictures?.unavailable ?? [];
  if (causes.length === 0) return null;
  return (
    <div class="notice needs">
      <p>{words.unavailable.models}</p>
      <ul>
        {causes.map((why) => (
          <li key={why}>{why}</li>
        ))}
      </ul>
      <p>{words.unavailable.modelsNext}</p>
    </div>
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

function Choice({ desk, row }: { desk: Desk; row: ReviewRow }) {
  if (isDecided(row)) return <span class="choice" />;
  return (
    <span class="choice">
      <input
        type="checkbox"
        aria-label={words.assign.choose(row.learner)}
        checked={desk.list.chosen.value.has(row.session)}
        onChange={(event) => desk.list.choose(row.session, event.currentTarget.checked)}
      />
    </span>
  );
}

function Row({ desk, zone, aside, row }: Props & { row: ReviewRow }) {
  const here = desk.session.value === row.session;
  const fits = desk.list.fits.value;
  const other = whyOther(row);
  return (
    <SessionRow
      session={row.session}
      href={`?session=${encodeURIComponent(row.session)}`}
      here={here}
      kind={fits?.has(row.session) === true ? "row fits" : "row"}
      open={() => void desk.open(row.session)}
    >
      <span class="who">{row.learner}</span>
      {!aside && <span class="exam">{row.exam_title}</span>}
      <span class="why">
        {row.conduct > 0 && <ClassMark of="conduct" />}
        {storyOf(row)}
      </span>
      <span class="state">
        {stateWords(row)}
        <Whose row={row} me={desk.me()} />
        {other !== null && <small class="why-not">{other}</small>}
      </span>
      {!isDecided(row) && (
        <span class="cost">
          {fits?.has(row.session) === true && <strong>{words.budget.inside} · </strong>}
          {en.queue.minutes(row.minutes)}
          <Due row={row} zone={zone} aside={aside} />
        </span>
      )}
    </SessionRow>
  );
}

/** What was raised in it; what proctors noted is no flag, and is told besides. */
function storyOf({ why, conduct, quality, irregularities = 0 }: ReviewRow): string {
  const raised = why.join(" · ") || en.queue.counts(conduct, quality);
  return irregularities === 0 ? raised : `${raised} · ${words.queue.irregularities(irregularities)}`;
}

function Whose({ row: { assigned_to = null }, me }: { row: ReviewRow; me: string }) {
  if (assigned_to === null) return null;
  return (
    <span class="whose">
      {" · "}
      {assigned_to === me ? words.queue.mine : words.queue.heldBy(assigned_to)}
    </span>
  );
}

/** By when it is due; where nothing is due, since when it waits. */
function Due({ row, zone, aside }: { row: ReviewRow; zone: string; aside: boolean }) {
  const now = Date.now();
  const { due_at_ms: due = null, clock = "ok" } = row;
  if (due !== null && (clock !== "ok" || !aside))
    return (
      <span class={`due ${clock}`}>
        {words.due(clock, moment(due, now, zone), lengthWords(Math.abs(due - now)))}
      </span>
    );
  if (aside) return null;
  const since = moment(row.waiting_since_ms, now, zone);
  return <span class="due">{en.queue.since(since, lengthWords(now - row.waiting_since_ms))}</span>;
}

function stateWords(row: ReviewRow): string {
  if (isHeld(row)) return en.queue.held;
  if (row.contested === true) return words.queue.contested; // what it answers stands meanwhile
  if (row.released_unjudged === true) return words.queue.unjudged;
  return row.outcome === null ? en.state[row.state] : en.session.decided(en.outcome[row.outcome]);
}
