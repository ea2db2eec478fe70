import type { IdDesk, Raised } from "../api";
import { en } from "../text/en";
import { identity } from "../text/identity";
import { moment } from "../text/when";
import { useFocusOn } from "../ui/focus";
import { Notice, Trouble, Waiting } from "../ui/notices";
import { bySession, isUndecided, search } from "./id-check";
import { IdChecks, IdReadings } from "./id-checks";
import { IdForm, Recorded } from "./id-form";
import { IdBefore, IdPictures } from "./id-pictures";
import { useNow, wholeMinutes } from "./id-queue";
import type { IdentityDesk } from "./identity-desk";

interface Props {
  desk: IdentityDesk;
  zone: string;
}

export function IdCheckPage({ desk, zone }: Props) {
  const check = desk.check.value;
  return (
    <article class="session">
      <p class="back">
        <a
          href={search(null, desk.exam.value) || "?"}
          onClick={(event) => {
            event.preventDefault();
            desk.toQueue();
          }}
        >
          {identity.queue.back}
        </a>
      </p>
      {check === null && desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
      {check === null && desk.trouble.value !== null && (
        <Trouble words={desk.trouble.value} again={() => void desk.load()} />
      )}
      {check !== null && <Opened desk={desk} zone={zone} check={check} />}
    </article>
  );
}

function Opened({ desk, zone, check }: Props & { check: IdDesk }) {
  return (
    <>
      <Facts desk={desk} check={check} zone={zone} />
      <Stale desk={desk} check={check} />
      <RaisedAccounts raised={check.raised} desk={desk} />
      <IdPictures desk={desk} check={check} />
      <IdBefore desk={desk} check={check} />
      <div class="id-work">
        <div class="id-seen">
          <IdChecks checks={check.checks} />
          <IdReadings check={check} />
        </div>
        <div class="id-decide">
          <Proposed desk={desk} check={check} zone={zone} />
          {desk.recorded.value === null ? (
            <IdForm key={check.session} desk={desk} check={check} />
          ) : (
            <Recorded desk={desk} check={check} recorded={desk.recorded.value} />
          )}
          <section aria-labelledby="id-sure">
            <h2 id="id-sure">{identity.assurance.heading}</h2>
            {check.assurance.length === 0 ? (
              <p>{identity.assurance.none}</p>
            ) : (
              <ul>
                {check.assurance.map((words) => (
                  <li key={words}>{words}</li>
                ))}
              </ul>
            )}
          </section>
        </div>
      </div>
    </>
  );
}

function Facts({ desk, check, zone }: Props & { check: IdDesk }) {
  const heading = useFocusOn(check.session);
  const now_ms = useNow(desk);
  const { held_since_ms, state } = check;
  const waits = isUndecided(check);
  return (
    <header class="facts">
      <h1 ref={heading} tabIndex={-1}>
        {check.learner} <small>{check.exam_title}</small>
      </h1>
      <p>
        <strong class={waits ? "state needs" : "state"}>
          {waits || check.by === ""
            ? en.session.idCheck(state)
            : identity.check.decidedBy(check.by, state)}
        </strong>
        {held_since_ms !== null && (
          <span>
            {identity.check.waits(
              wholeMinutes(now_ms - held_since_ms),
              moment(held_since_ms, now_ms, zone),
            )}
          </span>
        )}
        {check.asked_for !== "" && <span>{identity.check.askedFor(check.asked_for)}</span>}
        <a href={`/console/review?session=${encodeURIComponent(check.session)}`}>
          {identity.check.review}
        </a>
      </p>
      {!waits && check.reason !== "" && <p>{identity.check.reads(check.reason)}</p>}
    </header>
  );
}

/** Somebody decided while this was open: said at once, and what was written stays. */
function Stale({ desk, check }: { desk: IdentityDesk; check: IdDesk }) {
  const { by, state } = check;
  return (
    <div role="alert">
      {desk.stale.value && (
        <Notice needs>
          <p>
            {identity.stale.words}{" "}
            <strong>{by !== "" && identity.stale.by(by, identity.check.state(state))}</strong>
          </p>
        </Notice>
      )}
    </div>
  );
}

function RaisedAccounts({ raised, desk }: { raised: Raised[]; desk: IdentityDesk }) {
  if (raised.length === 0) return null;
  return (
    <section class="notice needs" aria-labelledby="id-raised">
      <h2 id="id-raised">{identity.raised.heading}</h2>
      <ul>
        {bySession(raised).map(({ whys, session, exam, learner, yours }) => (
          <li key={session}>
            {identity.raised.words(
              whys,
              yours ? learner || identity.raised.erased : identity.raised.elsewhere(exam),
            )}{" "}
            {yours && (
              <a
                href={search(session, desk.exam.value)}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
                  event.preventDefault();
                  void desk.open(session);
                }}
              >
                {identity.raised.open(learner || identity.raised.erased)}
              </a>
            )}
          </li>
        ))}
      </ul>
      <p>{identity.raised.nothing}</p>
    </section>
  );
}

/** A refusal that waits for a second person: who, why, and what is open to the reader. */
function Proposed({ desk, check, zone }: Props & { check: IdDesk }) {
  const { proposed, may_confirm } = check;
  const now_ms = useNow(desk);
  // It stays in the record once it is decided.
  if (proposed === null || check.state !== "refusal-proposed") return null;
  const { heading, words, confirm, own } = identity.proposed;
  return (
    <section class="notice needs" aria-labelledby="id-proposed">
      <h2 id="id-proposed">{heading(proposed.by)}</h2>
      <p>{words(proposed.reason, moment(proposed.at_ms, now_ms, zone))}</p>
      <p>{may_confirm ? confirm : own}</p>
    </section>
  );
}
