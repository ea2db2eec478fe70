import type { ComponentChildren } from "preact";
import type { Flag, Timeline } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { clock, lastedWords, moment, zoneWords } from "../text/when";
import { Waiting } from "../ui/notices";
import { Steps } from "./badge";
import type { Desk } from "./desk";
import { Failed } from "./head";
import { happened } from "./happened";
import { LedgerList } from "./ledger";
import { Looked } from "./look-list";
import { toldOf } from "./looks";
import { Picture } from "./pictures";
import { SignIn } from "./sign-in";
import { timeWords } from "./timeline-chart";
import { checkInFace, kindOf, same } from "./timeline";

/** Of one flag, on paper. */
const PICTURES_MOST = 3;

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

export function ReportApp({ desk, asked, zone }: { desk: Desk; asked: string | null; zone: string }) {
  const who = desk.who.value;
  const timeline = desk.timeline.value;
  if (who.is === "nobody")
    return (
      <main>
        <SignIn desk={desk} heading={words.report.signIn} because={who.because} />
      </main>
    );
  return (
    <main class="report">
      {asked === null && <p class="notice">{words.report.missing}</p>}
      {desk.waiting.value !== null && timeline === null && <Waiting what={desk.waiting.value} />}
      <Failed desk={desk} again={() => void desk.load()} />
      {timeline !== null && <Report desk={desk} timeline={timeline} zone={zone} />}
    </main>
  );
}

function Report(props: Props) {
  const { desk, timeline, zone } = props;
  const { session } = timeline;
  return (
    <>
      <nav class="report-tools" aria-label={en.pages.label}>
        <a href={`/console/review?session=${encodeURIComponent(session.session)}`}>
          {words.report.back}
        </a>
        <button type="button" onClick={() => print()}>
          {words.report.print}
        </button>
      </nav>
      <h1>{words.report.heading}</h1>
      <p>
        {words.report.made(
          moment(session.now_ms, 0, zone),
          desk.me(),
          zoneWords(session.now_ms, zone),
        )}
      </p>
      <Facts {...props} />
      <Verdicts {...props} />
      <Flags {...props} />
      <LearnerSays {...props} />
      <Part heading={words.report.ledger}>
        <LedgerList timeline={timeline} />
      </Part>
      <Part heading={words.report.happened}>
        <ol class="happened">
          {happened(timeline).map((told, index) => (
            <li key={index}>
              {timeWords(told, zone, 0)} {told.words}
            </li>
          ))}
        </ol>
      </Part>
      <Part heading={words.report.looks}>
        <p class="hint">{words.looks.hint[toldOf(timeline)]}</p>
        {desk.seen.value !== null && (
          <Looked looks={desk.seen.value} now_ms={session.now_ms} zone={zone} />
        )}
      </Part>
      <Evidence {...props} />
    </>
  );
}

function Part({ heading, children }: { heading: string; children: ComponentChildren }) {
  return (
    <section>
      <h2>{heading}</h2>
      {children}
    </section>
  );
}

function Fact([name, value]: readonly [string, string]) {
  return (
    <div key={name}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Facts({ desk, timeline, zone }: Props) {
  const { session, review } = timeline;
  const face = checkInFace(timeline.snapshots);
  const facts: readonly (readonly [string, string])[] = [
    [words.report.learner, timeline.learner],
    [words.report.exam, timeline.exam.title],
    [words.report.session, session.session],
    [
      words.report.state,
      timeline.released_unjudged === true
        ? words.queue.unjudged
        : review.outcome === null
          ? en.state[review.state]
          : en.session.decided(en.outcome[review.outcome]),
    ],
    [words.report.idCheck, en.idCheck.checked(session.id_check.assurance ?? [])],
    [words.report.policy, timeline.policy_sha256],
    [words.report.evidence, words.badge.words(desk.evidence.badge.value)],
  ];
  return (
    <Part heading={words.report.facts}>
      <div class="report-facts">
        <dl>
          {facts.map(Fact)}
          <div>
            <dt>{words.report.sections}</dt>
            <dd>
              {session.sections.map(({ id, title, opened_at_ms, closed_at_ms }) => (
                <span key={id} class="line">
                  {opened_at_ms === null
                    ? words.report.notOpened(title)
                    : words.report.section(
                        title,
                        moment(opened_at_ms, 0, zone),
                        closed_at_ms === null ? "…" : clock(closed_at_ms, zone),
                      )}
                </span>
              ))}
            </dd>
          </div>
        </dl>
        {face !== null && (
          <Picture
            looks={desk.looks}
            session={session.session}
            shot={face}
            alt={en.snapshot.checkInAlt}
          />
        )}
      </div>
    </Part>
  );
}

function Verdicts({ timeline, zone }: Props) {
  const { verdicts } = timeline.review;
  const rules = new Map(timeline.flags.map(({ flag, rule }) => [flag, rule]));
  return (
    <Part heading={words.report.verdicts}>
      {verdicts.length === 0 && <p>{words.report.noVerdicts}</p>}
      {verdicts.map(({ by, outcome, at_ms, reasons, flags }) => (
        <div key={by}>
          <p>
            <strong>{en.session.said(by, en.outcome[outcome], moment(at_ms, 0, zone))}</strong>
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
        </div>
      ))}
    </Part>
  );
}

function Flags(props: Props) {
  const flags = props.desk.flags.value;
  return (
    <Part heading={words.report.flags}>
      {flags.length === 0 && <p>{words.report.noFlags}</p>}
      {flags.map((flag) => (
        <OneFlag key={flag.flag} {...props} flag={flag} />
      ))}
    </Part>
  );
}

function OneFlag({ desk, timeline, zone, flag }: Props & { flag: Flag }) {
  const { started_at_ms: from, ended_at_ms: to, lasted_ms, times } = flag;
  const said = timeline.contest?.flags.find((each) => each.flag === flag.flag)?.text ?? "";
  const shots = flag.snapshots
    .flatMap((ref) => timeline.snapshots.filter((shot) => same(shot, ref)))
    .slice(0, PICTURES_MOST);
  const facts: readonly (readonly [string, string])[] = [
    [en.flags.rule, flag.rule],
    [en.flags.measured, en.flags.measure(flag)],
    [en.flags.reads, flag.explanation],
    [en.flags.model, flag.models.join(", ") || en.flags.noModel],
    [en.flags.id, flag.flag],
  ];
  return (
    <div class="report-flag">
      <h3>
        {flag.flag_class === "conduct" ? en.flags.conduct : en.flags.quality}:{" "}
        {en.flags.kind(kindOf(flag), flag.rule)}
      </h3>
      <p>{en.flags.when(clock(from, zone), clock(to, zone), lastedWords(lasted_ms, times))}</p>
      <dl>
        {facts.map(Fact)}
        {said !== "" && (
          <div>
            <dt>{words.report.learnerSays}</dt>
            <dd>{said}</dd>
          </div>
        )}
      </dl>
      {shots.length > 0 && (
        <>
          <div class="report-pictures">
            {shots.map((shot) => (
              <figure key={`${shot.device} ${shot.seq}`}>
                <Picture
                  looks={desk.looks}
                  session={timeline.session.session}
                  shot={shot}
                  alt={en.snapshot.alt(clock(shot.at_ms, zone))}
                />
                <figcaption>{clock(shot.at_ms, zone)}</figcaption>
              </figure>
            ))}
          </div>
          <p class="hint">{words.report.pictures(shots.length, flag.snapshot_count)}</p>
        </>
      )}
    </div>
  );
}

function LearnerSays({ timeline, zone }: Props) {
  const contest = timeline.contest ?? null;
  if (contest === null) return null;
  return (
    <Part heading={words.report.learnerSays}>
      <p>{words.answer.at(moment(contest.at_ms, 0, zone))}</p>
      <blockquote>{contest.text}</blockquote>
      {contest.attachments.length > 0 && (
        <p>
          {words.answer.attachments}: {contest.attachments.map(({ name }) => name).join(", ")}
        </p>
      )}
    </Part>
  );
}

function Evidence({ desk }: Props) {
  const badge = desk.evidence.badge.value;
  return (
    <Part heading={words.report.evidence}>
      <p>{words.badge.words(badge)}</p>
      {(badge.is === "verified" || badge.is === "refuted") && <Steps report={badge.report} />}
    </Part>
  );
}
