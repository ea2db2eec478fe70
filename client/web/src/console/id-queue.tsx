import { useEffect, useState } from "preact/hooks";
import type { IdQueue, IdRow } from "../api";
import { identity } from "../text/identity";
import { lengthWords, moment } from "../text/when";
import type { IdentityDesk } from "./identity-desk";

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
  const Heading = aside ? "h2" : "h1";
  const group = { desk, zone, aside };
  return (
    <nav
      class={aside ? "queue aside" : "queue"}
      aria-label={identity.queue.heading}
      onPointerEnter={() => (desk.pointed = true)}
      onPointerLeave={() => (desk.pointed = false)}
      onFocusIn={() => (desk.pointed = true)}
      onFocusOut={() => (desk.pointed = false)}
    >
      <div class="queue-head">
        <Heading>{identity.queue.heading}</Heading>
        {!aside && (
          <button type="button" class="secondary" onClick={() => void desk.refresh()}>
            {identity.queue.check}
          </button>
        )}
      </div>
      <Waits queue={queue} count={held.length + later.length} aside={aside} />
      {desk.old.value && (
        <p role="status" class="notice needs">
          {identity.queue.old}
        </p>
      )}
      {waiting.length === 0 && !aside && <Nothing />}
      <Group {...group} heading={identity.queue.held} rows={held} />
      <Group
        {...group}
        heading={identity.queue.later}
        hint={identity.queue.laterHint}
        rows={later}
      />
      <Group {...group} heading={identity.queue.mine} hint={identity.queue.mineHint} rows={mine} />
    </nav>
  );
}

/** How many wait and for how long: said again to who can't see it only when the number changes. */
function Waits({ queue, count, aside }: { queue: IdQueue; count: number; aside: boolean }) {
  const { waited_s_longest, waited_s_median } = queue;
  return (
    <>
      <p role="status">{identity.queue.sum(count)}</p>
      {!aside && (
        <p class="hint">
          {waited_s_longest !== null && count > 0 && (
            <>{identity.queue.longest(wholeMinutes(waited_s_longest * 1000))} </>
          )}
          {waited_s_median !== null && (
            <>{identity.queue.median(lengthWords(waited_s_median * 1000))} </>
          )}
          {identity.queue.renews}
        </p>
      )}
    </>
  );
}

function Nothing() {
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

type GroupProps = Props & { heading: string; hint?: string; rows: IdRow[] };

function Group({ heading, hint, rows, ...props }: GroupProps) {
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

function Row({ desk, zone, aside, row }: Props & { row: IdRow }) {
  const here = desk.session.value === row.session;
  const now_ms = useNow(desk);
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
      <span class="why">{row.concerns.join(" · ") || identity.queue.noConcern}</span>
      {row.proposed_by !== null && (
        <span class="state">{identity.queue.proposed(row.proposed_by)}</span>
      )}
      <span class="cost">
        {identity.queue.waits(wholeMinutes(now_ms - row.since_ms))}
        {!aside && `, ${identity.queue.since(moment(row.since_ms, now_ms, zone))}`}
      </span>
    </a>
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
