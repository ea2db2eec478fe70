import { useLayoutEffect, useRef } from "preact/hooks";
import type { Contest, Flag, FlagClass, Outcome } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { type Offered, offeredFor } from "../text/reasons";
import { clock, lastedWords } from "../text/when";
import { ClassMark } from "../ui/notices";
import type { Desk } from "./desk";
import { useInView } from "./lacked";
import { kindOf, same } from "./timeline";
import { JUDGEMENTS, REASON_MOST } from "./verdict";

const LISTED_MOST = 6;
const KEY_OF = { upheld: "u", "not-upheld": "d", "cannot-tell": "c" } as const;

interface Props {
  desk: Desk;
  zone: string;
}

export function FlagLists({ desk, zone }: Props) {
  const { conduct, conductHint, quality, qualityHint } = en.flags;
  if (desk.flags.value.length === 0) return <p class="notice">{en.flags.none}</p>;
  return (
    <section aria-label={en.flags.heading}>
      <FlagList desk={desk} zone={zone} of="conduct" heading={conduct} hint={conductHint} />
      <FlagList desk={desk} zone={zone} of="quality" heading={quality} hint={qualityHint} />
    </section>
  );
}

function FlagList(props: Props & { of: FlagClass; heading: string; hint: string }) {
  const { desk, zone, of, heading, hint } = props;
  const some = desk.flags.value.some((flag) => flag.flag_class === of);
  return (
    <>
      <h2>
        <ClassMark of={of} /> {heading} <small>{hint}</small>
      </h2>
      {!some && <p class="hint">{en.flags.conductNone}</p>}
      <ul class="flag-list">
        {desk.flags.value.map((flag, index) =>
          flag.flag_class === of ? (
            <li key={flag.flag}>
              <button
                type="button"
                class="row"
                aria-current={index === desk.flag.value && !desk.deciding.value ? "true" : undefined}
                onClick={() => desk.toFlag(index)}
              >
                <span class="number">{index + 1}</span>
                <span>{en.flags.kind(kindOf(flag), flag.rule)}</span>
                <span class="time">{clock(flag.started_at_ms, zone)}</span>
                <Judged desk={desk} flag={flag} />
              </button>
            </li>
          ) : null,
        )}
      </ul>
    </>
  );
}

function Judged({ desk, flag }: { desk: Desk; flag: Flag }) {
  const judged = desk.draft.value.judged[flag.flag];
  if (judged === undefined) return null;
  return (
    <span class="judged">
      {en.judgement[judged.outcome]}
      {judged.reason !== "" && <span class="because">: {judged.reason}</span>}
    </span>
  );
}

export function FlagCard({ desk, zone, contest }: Props & { contest: Contest | null }) {
  const index = desk.flag.value;
  const flag = desk.flags.value[index];
  const number = useInView<HTMLParagraphElement>(desk.turned.value ? index : null);
  if (flag === undefined) return null;
  const { flag_class: of, started_at_ms: from, ended_at_ms: to, lasted_ms, times } = flag;
  return (
    <section class="flag" aria-labelledby="flag-heading">
      <p class="eyebrow" ref={number}>
        {en.flags.number(index + 1, desk.flags.value.length)} · <ClassMark of={of} />{" "}
        {of === "conduct" ? en.flags.conduct : en.flags.quality}
      </p>
      <h2 id="flag-heading">{en.flags.kind(kindOf(flag), flag.rule)}</h2>
      <p>{en.flags.when(clock(from, zone), clock(to, zone), lastedWords(lasted_ms, times))}</p>
      <Explained desk={desk} flag={flag} zone={zone} />
      <Answered contest={contest} flag={flag} />
      {of === "quality" ? (
        <p class="hint">{en.flags.judgedNot}</p>
      ) : (
        desk.mayDecide() && <Judge key={flag.flag} desk={desk} flag={flag} />
      )}
      {desk.mayDecide() && of === "quality" && <Onward desk={desk} />}
    </section>
  );
}

/** What the learner says to this flag: before any button, so that it is read first. */
function Answered({ contest, flag }: { contest: Contest | null; flag: Flag }) {
  if (contest === null) return null;
  const said = contest.flags.find((each) => each.flag === flag.flag)?.text ?? "";
  return (
    <section class="answered" aria-label={words.answer.heading}>
      <h3>{words.answer.heading}</h3>
      {said === "" ? <p class="hint">{words.answer.none}</p> : <blockquote>{said}</blockquote>}
    </section>
  );
}

function Explained({ desk, flag, zone }: Props & { flag: Flag }) {
  return (
    <>
      <dl>
        <dt>{en.flags.rule}</dt>
        <dd>{flag.rule}</dd>
        <dt>{en.flags.measured}</dt>
        <dd>{en.flags.measure(flag)}</dd>
        <dt>{en.flags.seenIn}</dt>
        <dd>
          <SeenIn desk={desk} flag={flag} zone={zone} />
        </dd>
        <dt>{en.flags.reads}</dt>
        <dd>{flag.explanation}</dd>
        <dt>{en.flags.policyShort}</dt>
        <dd>
          <code>{flag.policy_sha256.slice(0, 12)}…</code>
        </dd>
      </dl>
      <details>
        <summary>{en.flags.how}</summary>
        <dl>
          <dt>{en.flags.model}</dt>
          <dd>{flag.models.join(", ") || en.flags.noModel}</dd>
          <dt>{en.flags.policy}</dt>
          <dd>
            <code>{flag.policy_sha256}</code>
          </dd>
          <dt>{en.flags.id}</dt>
          <dd>
            <code>{flag.flag}</code>
          </dd>
        </dl>
      </details>
    </>
  );
}

/** The snapshots a flag names, as steps to them. */
function SeenIn({ desk, flag, zone }: Props & { flag: Flag }) {
  const shots = desk.shots.value;
  const places = flag.snapshots.flatMap((ref) => {
    const index = shots.findIndex((shot) => same(shot, ref));
    const shot = shots[index];
    return shot === undefined ? [] : [{ index, time: clock(shot.at_ms, zone) }];
  });
  if (places.length === 0) return <>{en.flags.noSnapshots}</>;
  const listed = Math.min(places.length, LISTED_MOST);
  const more = Math.max(flag.snapshot_count, places.length) - listed;
  return (
    <span class="places">
      {places.slice(0, LISTED_MOST).map(({ index, time }) => (
        <button type="button" class="quiet" key={index} onClick={() => desk.toShot(index)}>
          {time}
        </button>
      ))}
      {more > 0 && en.flags.more(more)}
    </span>
  );
}

function Judge({ desk, flag }: { desk: Desk; flag: Flag }) {
  const judged = desk.draft.value.judged[flag.flag];
  return (
    <>
      <div class="judge" role="group" aria-label={en.flags.judge}>
        {JUDGEMENTS.map((judgement) => (
          <button
            type="button"
            key={judgement}
            class="secondary"
            aria-pressed={judged?.outcome === judgement}
            onClick={() => desk.judge(judgement)}
          >
            {en.judgement[judgement]} <kbd>{KEY_OF[judgement]}</kbd>
          </button>
        ))}
      </div>
      {judged !== undefined && <Because desk={desk} flag={flag} />}
    </>
  );
}

/** Why: a sentence by its number, or words of one's own. */
function Because({ desk, flag }: { desk: Desk; flag: Flag }) {
  const judged = desk.draft.value.judged[flag.flag];
  const field = useRef<HTMLTextAreaElement>(null);
  const form = useInView<HTMLDivElement>(
    desk.turned.value ? (judged?.outcome ?? null) : null,
  );
  const lacked = desk.lacked.value;
  const asked = lacked !== null && "flag" in lacked && lacked.flag === flag.flag;
  useLayoutEffect(() => {
    if (asked && lacked.what !== "judgement") field.current?.focus();
  }, [lacked]);
  if (judged === undefined) return null;
  const lacking = desk.tried.value && judged.reason.trim() === "";
  return (
    <div class="because-form" ref={form}>
      <Sentences
        offered={offeredFor(judged.outcome, kindOf(flag))}
        chosen={(said) => judged.reason === said}
        choose={(number) => desk.reason(number)}
      />
      <label>
        {en.verdict.reason}
        <textarea
          ref={field}
          name="flag-reason"
          rows={3}
          maxLength={REASON_MOST * 2}
          value={judged.reason}
          aria-invalid={lacking ? "true" : undefined}
          aria-describedby="flag-reason-hint"
          onInput={(event) => desk.explain(event.currentTarget.value)}
          onKeyDown={(event) => {
            const { key, ctrlKey, metaKey, shiftKey, isComposing } = event;
            if (key === "Escape" && !isComposing) event.currentTarget.blur();
            if (key !== "Enter" || ctrlKey || metaKey || shiftKey || isComposing) return;
            event.preventDefault();
            if (judged.reason.trim() === "") return;
            event.currentTarget.blur();
            desk.onward();
          }}
        />
        <small id="flag-reason-hint">{en.verdict.reasonHint}</small>
      </label>
      <Onward desk={desk} />
    </div>
  );
}

function Onward({ desk }: { desk: Desk }) {
  return (
    <button type="button" class="secondary" onClick={() => desk.onward()}>
      {en.verdict.onward}
    </button>
  );
}

interface SentencesProps {
  offered: readonly (Offered & { outcome?: Outcome })[];
  chosen: (words: string) => boolean;
  choose: (number: number) => void;
}

/** Sentences with their keys. */
export function Sentences({ offered, chosen, choose }: SentencesProps) {
  return (
    <ol class="sentences" aria-label={en.verdict.sentences}>
      {offered.map(({ number, words: said, outcome }) => (
        <li key={said}>
          <button
            type="button"
            class="row"
            aria-pressed={chosen(said)}
            onClick={(event) => {
              // Whoever clicked goes on with Enter: it must not press this once more.
              if (event.detail > 0) event.currentTarget.blur();
              choose(number);
            }}
          >
            <kbd>{number}</kbd>
            <span>
              {outcome !== undefined && <strong>{en.outcome[outcome]}: </strong>}
              {said}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}
