import { useEffect, useState } from "preact/hooks";
import type { Flag, Snapshot } from "../api";
import { after } from "../text/after";
import { clock, lastedWords } from "../text/when";
import { ClassMark } from "../ui/notices";
import { type After, type Judged, MAX_TEXT_CHARS, mayAnswer, placeOf, spread } from "./after";
import type { Afterwards } from "./afterwards";

/** Of the pictures of one flag, how many are shown with it. */
const THUMBS_MOST = 4;

interface Props {
  here: Afterwards;
  told: After;
  zone: string;
  /** Shows one of all pictures, by its place. */
  onShow: (place: number) => void;
}

/** Each flag with its whole explanation, what people made of it, and room for an answer. */
export function Flags(props: Props) {
  const { flags } = props.told;
  return (
    <section class="chapter">
      <h2>{after.flags.heading}</h2>
      <p>{flags === null ? after.flags.later : after.flags[flags.length === 0 ? "none" : "lead"]}</p>
      {flags?.map((flag, at) => (
        <FlagCard key={flag.flag} {...props} flag={flag} number={at + 1} of={flags.length} />
      ))}
    </section>
  );
}

function FlagCard(props: Props & { flag: Judged; number: number; of: number }) {
  const { here, told, zone, flag, number, of } = props;
  const { started_at_ms: from, ended_at_ms: to, lasted_ms, times, outcome, reason } = flag;
  const title = told.sections.find(({ id }) => id === flag.section)?.title ?? "";
  const answer = told.answered?.flags.get(flag.flag) ?? "";
  return (
    <article class="flagged" aria-labelledby={`flag-${flag.flag}`}>
      <h3 id={`flag-${flag.flag}`}>
        {after.flags.number(number, of)}: {flag.rule}
      </h3>
      <p class="hint">
        <ClassMark of={flag.flag_class} /> {after.flags.class[flag.flag_class]}
      </p>
      <p>{after.flags.when(clock(from, zone), clock(to, zone), lastedWords(lasted_ms, times), title)}</p>
      <p>{flag.explanation}</p>
      <Seen {...props} />
      <How flag={flag} />
      {outcome !== null && (
        <p class="notice">
          <strong>{after.flags.judged[outcome] ?? outcome}</strong>{" "}
          {reason !== "" && (
            <>
              {after.flags.reason} <q>{reason}</q>
            </>
          )}
        </p>
      )}
      {answer !== "" && (
        <p class="notice">
          {after.flags.answered} <q>{answer}</q>
        </p>
      )}
      {(mayAnswer(told) || here.isWrittenTo(flag.flag)) && (
        <AnswerTo here={here} flag={flag.flag} number={number} />
      )}
    </article>
  );
}

function How({ flag }: { flag: Flag }) {
  return (
    <details>
      <summary>{after.flags.how}</summary>
      <dl>
        <dt>{after.flags.measured}</dt>
        <dd>{after.flags.measure(flag.measurement, flag.value, flag.threshold)}</dd>
        <dt>{after.flags.models}</dt>
        <dd>{flag.models.join(", ") || after.flags.noModel}</dd>
        <dt>{after.flags.policy}</dt>
        <dd>
          <code>{flag.policy_sha256}</code>
        </dd>
      </dl>
    </details>
  );
}

/** Some pictures of a flag; each leads to its place among all. */
function Seen({ here, told, zone, flag, onShow }: Props & { flag: Flag }) {
  const places = flag.snapshots.map((ref) => placeOf(told.snapshots, ref)).filter((at) => at >= 0);
  const shown = spread(places, THUMBS_MOST);
  const count = Math.max(flag.snapshot_count, places.length);
  return (
    <>
      <p>{after.flags.pictures(count)}</p>
      {shown.length > 0 && (
        <ul class="thumbs">
          {shown.map((place) => (
            <li key={place}>
              <Thumb
                here={here}
                snapshot={told.snapshots[place] as Snapshot}
                zone={zone}
                onShow={() => onShow(place)}
              />
            </li>
          ))}
          {count > shown.length && <li class="hint">{after.flags.more(count - shown.length)}</li>}
        </ul>
      )}
    </>
  );
}

interface ThumbProps {
  here: Afterwards;
  snapshot: Snapshot;
  zone: string;
  onShow: () => void;
}

function Thumb({ here, snapshot, zone, onShow }: ThumbProps) {
  const { url } = usePicture(here, snapshot);
  const time = clock(snapshot.at_ms, zone);
  return (
    <button type="button" class="thumb" aria-label={after.flags.show(time)} onClick={onShow}>
      {url === null ? <span class="none" /> : <img src={url} alt="" />}
      {time}
    </button>
  );
}

/** The address of a picture once it is there, or that it can't be had. */
export function usePicture(
  here: Afterwards,
  snapshot: Snapshot | undefined,
): { url: string | null; broken: boolean } {
  const [picture, setPicture] = useState<{ of: string; url: string | null } | null>(null);
  const wanted = snapshot?.blob === "held" ? snapshot.sha256 : "";
  useEffect(() => {
    if (wanted === "") return undefined;
    let here_still = true;
    // A slider that is dragged passes many: only where it rests one is fetched.
    const timer = setTimeout(() => {
      here.picture(wanted).then(
        (url) => here_still && setPicture({ of: wanted, url }),
        () => here_still && setPicture({ of: wanted, url: null }),
      );
    }, REST_MS);
    return () => {
      here_still = false;
      clearTimeout(timer);
    };
  }, [here, wanted]);
  if (picture === null || picture.of !== wanted) return { url: null, broken: false };
  return { url: picture.url, broken: picture.url === null };
}

const REST_MS = 80;

function AnswerTo({ here, flag, number }: { here: Afterwards; flag: string; number: number }) {
  return (
    <label>
      {after.flags.answer(number)}
      <textarea
        rows={2}
        maxLength={MAX_TEXT_CHARS}
        value={here.flags.value.get(flag) ?? ""}
        aria-describedby={`hint-${flag}`}
        onInput={(event) => here.writeTo(flag, event.currentTarget.value)}
      />
      <small id={`hint-${flag}`}>{after.flags.answerHint}</small>
    </label>
  );
}
