import { bundleUrl, type Timeline, type Verdict } from "../api";
import { en } from "../text/en";
import { moment, zoneWords } from "../text/when";
import { useFocusOn } from "../ui/focus";
import { Notice, Trouble, Waiting } from "../ui/notices";
import type { Desk } from "./desk";
import { FlagCard, FlagLists } from "./flags";
import { Pictures } from "./pictures";
import { TimelineChart } from "./timeline-chart";
import { AfterVerdict, VerdictForm } from "./verdict-form";

export function Session({ desk, zone }: { desk: Desk; zone: string }) {
  const timeline = desk.timeline.value;
  return (
    <article class="session">
      <p class="back">
        <a
          href="?"
          onClick={(event) => {
            event.preventDefault();
            desk.toQueue();
          }}
        >
          {en.queue.back}
        </a>
      </p>
      {desk.waiting.value !== null && timeline === null && <Waiting what={desk.waiting.value} />}
      {timeline === null && desk.trouble.value !== null && (
        <Trouble words={desk.trouble.value} again={() => void desk.load()} />
      )}
      {timeline !== null && <Opened desk={desk} zone={zone} timeline={timeline} />}
    </article>
  );
}

function Opened({ desk, zone, timeline }: { desk: Desk; zone: string; timeline: Timeline }) {
  const begun = timeline.session.sections.some(({ opened_at_ms }) => opened_at_ms !== null);
  return (
    <>
      <Facts timeline={timeline} zone={zone} shots={desk.shots.value.length} />
      <Identity timeline={timeline} />
      {begun && <TimelineChart desk={desk} timeline={timeline} zone={zone} />}
      <p role="status" class="spoken">
        {desk.said.value}
      </p>
      <div class="work">
        {begun ? (
          <Pictures desk={desk} timeline={timeline} zone={zone} />
        ) : (
          <p class="hint">{en.session.notBegun}</p>
        )}
        <div class="flags">
          <FlagCard desk={desk} zone={zone} />
          <FlagLists desk={desk} zone={zone} />
        </div>
        <div class="deciding">
          <Earlier timeline={timeline} zone={zone} folded={desk.mayDecide()} />
          <Decide desk={desk} timeline={timeline} />
          <More timeline={timeline} />
        </div>
      </div>
    </>
  );
}

function Facts({ timeline, zone, shots }: { timeline: Timeline; zone: string; shots: number }) {
  const { session, review } = timeline;
  const heading = useFocusOn(session.session);
  const at = timeline.snapshots[0]?.at_ms ?? session.now_ms;
  return (
    <header class="facts">
      <h1 ref={heading} tabIndex={-1}>
        {timeline.learner} <small>{timeline.exam.title}</small>
      </h1>
      <p>
        <strong class={review.state === "decided" ? "state" : "state needs"}>
          {review.outcome === null
            ? en.state[review.state]
            : en.session.decided(en.outcome[review.outcome])}
        </strong>
        <span>{en.session.snapshots(shots)}</span>
        <span>{en.session.idCheck(session.id_check.state)}</span>
        <span>{en.session.times(zoneWords(at, zone))}</span>
        <a href={bundleUrl(session.session)} download>
          {en.session.bundle}
        </a>
      </p>
    </header>
  );
}

/** What was checked of who it is; the ID check itself has a page of its own. */
function Identity({ timeline }: { timeline: Timeline }) {
  const { session, id_check } = timeline.session;
  const waits = id_check.state === "captured" || id_check.state === "refusal-proposed";
  const assurance = id_check.assurance ?? [];
  return (
    <section class={waits ? "notice needs" : "assurance"} aria-labelledby="assurance-heading">
      <h2 id="assurance-heading">{waits ? en.idCheck.waits : en.idCheck.assurance}</h2>
      {assurance.length === 0 ? (
        <p>{en.idCheck.none}</p>
      ) : (
        <ul>
          {assurance.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      <a href={`/console/identity?session=${encodeURIComponent(session)}`}>{en.idCheck.open}</a>
    </section>
  );
}

function Decide({ desk, timeline }: { desk: Desk; timeline: Timeline }) {
  const recorded = desk.recorded.value;
  if (recorded !== null) return <AfterVerdict desk={desk} recorded={recorded} />;
  if (timeline.may_decide) return <VerdictForm desk={desk} review={timeline.review} />;
  if (timeline.why_not === null) return null;
  return <Notice>{en.session.mayNot(timeline.why_not)}</Notice>;
}

/** `folded`: whoever is about to decide looks at the pictures before at another one's words. */
function Earlier(props: { timeline: Timeline; zone: string; folded: boolean }) {
  const { timeline, zone, folded } = props;
  const { verdicts } = timeline.review;
  if (verdicts.length === 0) return null;
  return (
    <section aria-label={en.session.earlier}>
      <h2>{en.session.earlier}</h2>
      {folded && <p class="hint">{en.session.lookFirst}</p>}
      <ul class="earlier">
        {verdicts.map((verdict) => (
          <li key={verdict.by}>
            <Said verdict={verdict} now_ms={timeline.session.now_ms} zone={zone} folded={folded} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Said(props: { verdict: Verdict; now_ms: number; zone: string; folded: boolean }) {
  const { by, outcome, at_ms, reasons } = props.verdict;
  const when = moment(at_ms, props.now_ms, props.zone);
  return (
    <>
      <p>{en.session.said(by, en.outcome[outcome], when)}</p>
      <details open={!props.folded}>
        <summary>{en.session.reasonsOf(by)}</summary>
        <blockquote>{reasons}</blockquote>
      </details>
    </>
  );
}

/** What helps to judge but is seldom needed: the time ledger, and how many answers came. */
function More({ timeline }: { timeline: Timeline }) {
  const titles = new Map(timeline.session.sections.map(({ id, title }) => [id, title]));
  const saved = timeline.answers.reduce((sum, answer) => sum + answer.saved, 0);
  const late = timeline.answers.filter((answer) => answer.late).length;
  return (
    <details class="more">
      <summary>{en.session.more}</summary>
      {timeline.ledger.length === 0 ? (
        <p>{en.session.ledgerEmpty}</p>
      ) : (
        <ul>
          {timeline.ledger.map((entry) => (
            <li key={`${entry.section} ${entry.at_ms} ${entry.cause}`}>
              {en.session.ledger(entry, titles.get(entry.section) ?? entry.section)}
            </li>
          ))}
        </ul>
      )}
      <p>
        {saved === 0 ? en.session.answersEmpty : en.session.answers(saved, timeline.answers.length)}{" "}
        {late > 0 && en.session.answersLate(late)}
      </p>
    </details>
  );
}
