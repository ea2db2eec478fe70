import { bundleUrl, type Contest, type Timeline, type Verdict } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { lengthWords, moment } from "../text/when";
import { useFocusOn } from "../ui/focus";
import { Notice, Trouble, Waiting } from "../ui/notices";
import { Attachments } from "./attachments";
import { EvidenceStatus } from "./badge";
import { CommentDialog, Comments } from "./comments";
import type { Desk } from "./desk";
import { Failed } from "./head";
import { FlagCard, FlagLists } from "./flags";
import { LedgerList } from "./ledger";
import { LookList } from "./look-list";
import { Pictures } from "./pictures";
import { isDecided } from "./queue";
import { hasEnded } from "./timeline";
import { AllHappened, TimelineChart } from "./timeline-chart";
import { AfterVerdict, Lacks, VerdictForm } from "./verdict-form";

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
      {timeline === null && <Failed desk={desk} again={() => void desk.load()} />}
      {timeline !== null && <Opened desk={desk} zone={zone} timeline={timeline} />}
    </article>
  );
}

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

function Opened({ desk, zone, timeline }: Props) {
  const begun = timeline.session.sections.some(({ opened_at_ms }) => opened_at_ms !== null);
  return (
    <>
      <Facts desk={desk} timeline={timeline} zone={zone} />
      <Identity timeline={timeline} />
      <NotSeen timeline={timeline} />
      {begun && <TimelineChart desk={desk} timeline={timeline} zone={zone} />}
      <p role="status" class="spoken">
        {desk.said.value}
      </p>
      <div class="work">
        <div class="looking">
          {begun ? (
            <Pictures desk={desk} timeline={timeline} zone={zone} />
          ) : (
            <p class="hint">{en.session.notBegun}</p>
          )}
          <Comments desk={desk} timeline={timeline} zone={zone} />
        </div>
        <div class="deciding">
          <Answer desk={desk} timeline={timeline} zone={zone} />
          <Stage desk={desk} timeline={timeline} zone={zone} />
          <FlagLists desk={desk} zone={zone} />
        </div>
        <div class="beside">
          <Earlier timeline={timeline} zone={zone} />
          <AllHappened desk={desk} timeline={timeline} zone={zone} />
          <LookList desk={desk} zone={zone} />
          <More timeline={timeline} />
        </div>
      </div>
      <CommentDialog desk={desk} zone={zone} />
    </>
  );
}

/** One thing at a time: a flag, or the verdict behind the last one. */
function Stage({ desk, timeline, zone }: Props) {
  const recorded = desk.recorded.value;
  const contest = timeline.contest ?? null;
  const may = timeline.may_decide && recorded === null;
  // Beside the form's own button where the form is, and in the dialog while one is open.
  const elsewhere = (desk.deciding.value && may) || desk.mark.value !== null;
  return (
    <>
      {!elsewhere && desk.trouble.value !== null && <Trouble words={desk.trouble.value} />}
      {recorded !== null && <AfterVerdict desk={desk} recorded={recorded} />}
      {!desk.deciding.value && <FlagCard desk={desk} zone={zone} contest={contest} />}
      {!desk.deciding.value && may && desk.tried.value && (
        <Lacks desk={desk} lacks={desk.missing.value} />
      )}
      {desk.deciding.value && may && <VerdictForm desk={desk} review={timeline.review} />}
      {may && !desk.deciding.value && (
        <p>
          <button type="button" class="secondary" onClick={() => desk.toVerdict()}>
            {en.verdict.toVerdict}
          </button>
        </p>
      )}
      {recorded === null && timeline.why_not !== null && (
        <Notice>{en.session.mayNot(timeline.why_not)}</Notice>
      )}
    </>
  );
}

function Facts({ desk, timeline, zone }: Props) {
  const { session, review } = timeline;
  const heading = useFocusOn(session.session);
  const unjudged = timeline.released_unjudged === true;
  const settled = unjudged || review.state === "decided" || review.state === "final";
  return (
    <header class="facts">
      <h1 ref={heading} tabIndex={-1}>
        {timeline.learner} <small>{timeline.exam.title}</small>
      </h1>
      <p>
        <strong class={settled ? "state" : "state needs"}>
          {unjudged
            ? words.queue.unjudged
            : review.outcome === null || review.state === "contested"
              ? en.state[review.state]
              : en.session.decided(en.outcome[review.outcome])}
        </strong>
        {session.state === "terminated" && <span>{en.session.ended}</span>}
        <EvidenceStatus desk={desk} session={session.session} />
        <Assigned desk={desk} session={session.session} now_ms={session.now_ms} zone={zone} />
        <span>{en.session.snapshots(desk.shots.value.length)}</span>
        <a href={bundleUrl(session.session, review.state === "contested" ? "contest" : "review")} download>
          {en.session.bundle}
        </a>
        <a href={`/console/report?session=${encodeURIComponent(session.session)}`}>
          {words.report.link}
        </a>
      </p>
    </header>
  );
}

/** Whose it is and by when, as the queue says it. */
function Assigned({ desk, session, now_ms, zone }: { desk: Desk; session: string; now_ms: number; zone: string }) {
  const row = desk.list.rows.value?.find((each) => each.session === session);
  if (row === undefined) return null;
  const name = row.assigned_to ?? null;
  const due = row.due_at_ms ?? null;
  const clock = row.clock ?? "ok";
  return (
    <>
      <span>
        {name === null
          ? !isDecided(row) && words.assign.withNobody
          : name === desk.me()
            ? words.assign.withYou
            : words.assign.with(name)}{" "}
        {name !== desk.me() && row.may_decide && (
          <button
            type="button"
            class="quiet"
            onClick={() => void desk.list.give([session], desk.me())}
          >
            {words.assign.take} <kbd>t</kbd>
          </button>
        )}
      </span>
      {due !== null && row.may_decide && (
        <span class={`due ${clock}`}>
          {words.due(clock, moment(due, now_ms, zone), lengthWords(Math.abs(due - now_ms)))}
        </span>
      )}
    </>
  );
}

/** What was checked of who it is; the ID check itself has a page of its own. */
function Identity({ timeline }: { timeline: Timeline }) {
  const { session, id_check, permitted = [] } = timeline.session;
  // After the end nobody waits: what was checked, and that nobody decided, is said without alarm.
  const waits =
    !hasEnded(timeline) && (id_check.state === "captured" || id_check.state === "refusal-proposed");
  return (
    <section class={waits ? "assurance waits" : "assurance"} aria-labelledby="assurance-heading">
      <h2 id="assurance-heading">{waits ? en.idCheck.waits : en.idCheck.assurance}</h2>
      <p>{en.idCheck.checked(id_check.assurance ?? [])}</p>
      {permitted.length > 0 && (
        <p>
          <strong>{words.acts.permitted}:</strong> {permitted.join("; ")}
        </p>
      )}
      <a href={`/console/identity?session=${encodeURIComponent(session)}`}>{en.idCheck.open}</a>
    </section>
  );
}

/** What the machine has not seen: no sign of anything, but to be known before one judges. */
function NotSeen({ timeline }: { timeline: Timeline }) {
  const { unavailable = [], analysed = true } = timeline;
  if (unavailable.length === 0 && analysed) return null;
  return (
    <section class="notice" aria-labelledby="unseen-heading">
      <h2 id="unseen-heading">{words.unavailable.heading}</h2>
      {!analysed && <p>{words.unavailable.notYet}</p>}
      {unavailable.length > 0 && (
        <>
          <ul>
            {unavailable.map((each) => (
              <li key={each.why}>{words.unavailable.words(each)}</li>
            ))}
          </ul>
          <p>{words.unavailable.nothing}</p>
        </>
      )}
    </section>
  );
}

/** What the learner says to the whole, with what is attached: before the verdict. */
function Answer({ desk, timeline, zone }: Props) {
  const contest: Contest | null = timeline.contest ?? null;
  if (contest === null) return null;
  return (
    <section class="answered" aria-label={words.answer.whole}>
      <h2>{words.answer.whole}</h2>
      <p class="hint">{words.answer.at(moment(contest.at_ms, timeline.session.now_ms, zone))}</p>
      {contest.text !== "" && <blockquote>{contest.text}</blockquote>}
      <Attachments
        looks={desk.looks}
        session={timeline.session.session}
        attachments={contest.attachments}
      />
    </section>
  );
}

function Earlier({ timeline, zone }: { timeline: Timeline; zone: string }) {
  const { verdicts } = timeline.review;
  if (verdicts.length === 0) return null;
  return (
    <section aria-label={en.session.earlier}>
      <h2>{en.session.earlier}</h2>
      <ul class="earlier">
        {verdicts.map((verdict) => (
          <li key={verdict.by}>
            <Said verdict={verdict} timeline={timeline} zone={zone} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Said({ verdict, timeline, zone }: { verdict: Verdict; timeline: Timeline; zone: string }) {
  const { by, outcome, at_ms, reasons, flags } = verdict;
  const when = moment(at_ms, timeline.session.now_ms, zone);
  const rules = new Map(timeline.flags.map(({ flag, rule }) => [flag, rule]));
  return (
    <>
      <p>
        <strong>{en.session.said(by, en.outcome[outcome], when)}</strong>
      </p>
      <blockquote>{reasons}</blockquote>
      <ul>
        {flags.map(({ flag, outcome: judged, reason }) => (
          <li key={flag}>
            {rules.get(flag) ?? flag}: {en.judgement[judged].toLowerCase()}
            {reason && `. ${reason}`}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What helps to judge but is seldom needed: the time ledger, and how many answers came. */
function More({ timeline }: { timeline: Timeline }) {
  const saved = timeline.answers.reduce((sum, answer) => sum + answer.saved, 0);
  const late = timeline.answers.filter((answer) => answer.late).length;
  return (
    <details class="more">
      <summary>{en.session.more}</summary>
      <LedgerList timeline={timeline} />
      <p>
        {saved === 0 ? en.session.answersEmpty : en.session.answers(saved, timeline.answers.length)}{" "}
        {late > 0 && en.session.answersLate(late)}
      </p>
    </details>
  );
}
