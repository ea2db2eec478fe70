import { useEffect, useState } from "preact/hooks";
import type { IdQueue, IdRow } from "../api";
import { identity } from "../text/identity";
import { lengthWords, moment } from "../text/when";
import { search } from "./id-check";
import type { IdentityDesk } from "./identity-desk";
import { RowGroup, RowsHead, SessionRow } from "./rows";

const MINUTE_MS = 60_000;

interface Props {
  desk: IdentityDesk;
  zone: string;
  /** Beside an open check: short rows, and gone where the screen is narrow. */
  aside: boolean;
}

/** Who waits for a person, those first whom the wait keeps from their exam. */
export function IdQueueList({ desk, zone, aside }: Props) {
  const queue = desk.queue.value;
  if (queue === null) return null;
  const { waiting } = queue;
  const { held, later, mine } = desk.groups.value;
  const listed = held.length + later.length + mine.length;
  const group = {
    aside,
    draw: (row: IdRow) => <Row desk={desk} zone={zone} aside={aside} row={row} />,
  };
  return (
    <nav
      class={aside ? "queue aside" : "queue"}
      aria-label={identity.queue.heading}
      onPointerEnter={() => (desk.pointed = true)}
      onPointerLeave={() => (desk.pointed = false)}
      onFocusIn={() => (desk.pointed = true)}
      onFocusOut={() => (desk.pointed = false)}
    >
      <RowsHead heading={identity.queue.heading} aside={aside}>
        <button type="button" class="secondary" onClick={() => void desk.refresh()}>
          {identity.queue.check}
        </button>
      </RowsHead>
      <Exams desk={desk} />
      <Waits desk={desk} queue={queue} aside={aside} />
      {desk.old.value && (
        <p role="status" class="notice needs">
          {identity.queue.old}
        </p>
      )}
      {listed === 0 && !aside && <Nothing elsewhere={waiting.length} desk={desk} />}
      <RowGroup {...group} heading={identity.queue.held} rows={held} />
      <RowGroup
        {...group}
        heading={identity.queue.later}
        hint={identity.queue.laterHint}
        rows={later}
      />
      <RowGroup {...group} heading={identity.queue.mine} hint={identity.queue.mineHint} rows={mine} />
    </nav>
  );
}

/** How many wait and for how long: said again to who can't see it only when the number changes. */
function Waits({ desk, queue, aside }: { desk: IdentityDesk; queue: IdQueue; aside: boolean }) {
  const { waited_s_median } = queue;
  const { held, later } = desk.groups.value;
  const count = held.length + later.length;
  const now_ms = useNow(desk);
  const since_ms = Math.min(...[...held, ...later].map((row) => row.since_ms));
  return (
    <>
      <p role="status">{identity.queue.sum(count)}</p>
      {!aside && (
        <p class="hint">
          {count > 0 && <>{identity.queue.longest(wholeMinutes(now_ms - since_ms))} </>}
          {waited_s_median !== null && (
            <>{identity.queue.median(lengthWords(waited_s_median * 1000))} </>
          )}
          {identity.queue.renews}
        </p>
      )}
    </>
  );
}

/** Which exam is listed: once there is more than one, or one was chosen. */
function Exams({ desk }: { desk: IdentityDesk }) {
  const exams = desk.exams.value;
  const chosen = desk.exam.value;
  if (exams.length < 2 && chosen === null) return null;
  return (
    <label class="exams">
      {identity.queue.exam}
      <select value={chosen ?? ""} onChange={(event) => desk.only(event.currentTarget.value || null)}>
        <option value="">{identity.queue.allExams}</option>
        {exams.map(({ exam, title }) => (
          <option key={exam} value={exam}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function Nothing({ elsewhere, desk }: { elsewhere: number; desk: IdentityDesk }) {
  if (elsewhere > 0) {
    return (
      <div class="notice">
        <p>{identity.queue.elsewhere(elsewhere)}</p>
        <button type="button" class="secondary" onClick={() => desk.only(null)}>
          {identity.queue.allExams}
        </button>
      </div>
    );
  }
  return (
    <div class="notice">
      <p>
        <strong>{identity.queue.none}</strong>
      </p>
      <p>{identity.queue.noneNext}</p>
      <p>
        <a href="/console/review">{identity.queue.toReviews}</a>
      </p>
    </div>
  );
}

function Row({ desk, zone, aside, row }: Props & { row: IdRow }) {
  const here = desk.session.value === row.session;
  const now_ms = useNow(desk);
  return (
    <SessionRow
      session={row.session}
      href={search(row.session, desk.exam.value)}
      here={here}
      open={() => void desk.open(row.session)}
    >
      <span class="who">{row.learner}</span>
      {!aside && <span class="exam">{row.exam_title}</span>}
      <span class="why">{row.concerns.join(" · ") || identity.queue.noConcern}</span>
      {row.proposed_by !== null && (
        <span class="state">{identity.queue.proposed(row.proposed_by)}</span>
      )}
      <span class="cost">
        {identity.queue.waits(wholeMinutes(now_ms - row.since_ms))}
        {!aside && `, ${identity.queue.since(moment(row.since_ms, now_ms, zone))}`}
      </span>
    </SessionRow>
  );
}

/** A length that does not draw the eye: whole minutes, once there is one. */
export function wholeMinutes(length_ms: number): string {
  return lengthWords(length_ms < MINUTE_MS ? length_ms : Math.floor(length_ms / MINUTE_MS) * MINUTE_MS);
}

/** The server's time, looked at again every ten seconds. */
export function useNow(desk: IdentityDesk): number {
  const [now_ms, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now_ms + desk.ahead_ms;
}
