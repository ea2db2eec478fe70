import { after } from "../text/after";
import { clock } from "../text/when";
import { type After, type Judged, momentsOf, spanOf } from "./after";

interface Props {
  told: After;
  zone: string;
  /** The picture that is shown, by its place among all. */
  picture: number;
}

interface Mark {
  from_ms: number;
  to_ms: number;
  /** Drawn hollow. */
  hollow?: boolean;
}

/** Wide enough to be seen, of 1000. */
const LEAST = 3;

/** The exam from left to right, a row for each kind of thing; and the same in words. */
export function InTime({ told, zone, picture }: Props) {
  const { from_ms, to_ms } = spanOf(told);
  const x = (at_ms: number) =>
    1000 * Math.min(1, Math.max(0, (at_ms - from_ms) / (to_ms - from_ms)));
  const shown_ms = told.snapshots[picture]?.at_ms;
  const saved = told.answers.reduce((sum, answer) => sum + answer.saved, 0);
  return (
    <section class="chapter">
      <h2>{after.time.heading}</h2>
      <dl class="in-time">
        {rowsOf(told, to_ms).map(({ name, marks }) => (
          <div key={name}>
            <dt>{after.time.row(name, marks.length)}</dt>
            <dd>
              <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                {marks.map((mark, at) => (
                  <rect
                    key={at}
                    class={mark.hollow === true ? "hollow" : undefined}
                    x={Math.min(1000 - LEAST, x(mark.from_ms))}
                    y={3}
                    width={Math.max(LEAST, x(mark.to_ms) - x(mark.from_ms))}
                    height={14}
                  />
                ))}
                {shown_ms !== undefined && (
                  <path class="now" d={`M${x(shown_ms)} 0V20`} vector-effect="non-scaling-stroke" />
                )}
              </svg>
            </dd>
          </div>
        ))}
      </dl>
      <p class="ends">
        <span>{clock(from_ms, zone)}</span> <span>{clock(to_ms, zone)}</span>
      </p>
      <p>{saved > 0 && after.time.saved(saved)}</p>
      <details>
        <summary>{after.time.list}</summary>
        <ol class="moments">
          {momentsOf(told).map(({ at_ms, words, note }, at) => (
            <li key={at}>
              <time>{clock(at_ms, zone)}</time>{" "}
              <span>
                {words} {note !== "" && <q>{note}</q>}
              </span>
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

function markOf({ started_at_ms, ended_at_ms, flag_class }: Judged): Mark {
  return { from_ms: started_at_ms, to_ms: ended_at_ms, hollow: flag_class === "quality" };
}

function rowsOf(told: After, end_ms: number): { name: string; marks: Mark[] }[] {
  const { rows } = after.time;
  const point = (at_ms: number): Mark => ({ from_ms: at_ms, to_ms: at_ms });
  return [
    {
      name: rows.sections,
      marks: told.sections.flatMap(({ opened_at_ms, closed_at_ms }) =>
        opened_at_ms === null ? [] : [{ from_ms: opened_at_ms, to_ms: closed_at_ms ?? end_ms }],
      ),
    },
    { name: rows.pictures, marks: told.snapshots.map(({ at_ms }) => point(at_ms)) },
    ...(told.flags === null ? [] : [{ name: rows.flags, marks: told.flags.map(markOf) }]),
    { name: rows.gaps, marks: told.gaps.map((gap) => ({ ...gap, hollow: true })) },
    { name: rows.acts, marks: told.acts.map(({ at_ms }) => point(at_ms)) },
  ];
}
