import type { AnswerToMark, MarkGiven } from "../api";
import { desk as words, fileName } from "../text/desk";
import { download } from "../ui/download";
import { Notice } from "../ui/notices";
import { type AgreementDesk, pointsOf } from "./agreement-desk";

const { marks: said } = words;

/** The answers that no machine can score, a learner at a time. */
export function Marks({ desk }: { desk: AgreementDesk }) {
  const list = desk.marking.value;
  const one = desk.marks.value;
  if (list === null || list.items === 0) return null;
  return (
    <section>
      <h2>{said.heading}</h2>
      <p>{said.what}</p>
      {list.sessions.length === 0 ? (
        <p>{said.nobody}</p>
      ) : (
        <label class="narrow-choice">
          {said.whose}
          <select
            value={one?.session ?? ""}
            onChange={({ currentTarget: { value } }) => void desk.openMarks(value)}
          >
            <option value="" disabled>
              {said.choose}
            </option>
            {list.sessions.map((row) => (
              <option key={row.session} value={row.session}>
                {said.row(row)}
              </option>
            ))}
          </select>
        </label>
      )}
      {one !== null && (
        <>
          <h3>{one.learner}</h3>
          <p>{said.soFar(one.points, one.possible)}</p>
          {one.answers.length === 0 && <p>{said.none}</p>}
          {one.answers.map((answer) => (
            <Answer key={answer.item} desk={desk} answer={answer} released={one.released} />
          ))}
        </>
      )}
      <div role="status">
        {desk.marked.value !== null && (
          <Notice>
            <p>{desk.marked.value}</p>
          </Notice>
        )}
      </div>
    </section>
  );
}

interface AnswerProps {
  desk: AgreementDesk;
  answer: AnswerToMark;
  released: boolean;
}

function Answer({ desk, answer, released }: AnswerProps) {
  const { item, text, response, possible, marks } = answer;
  const typed = desk.points.value[item] ?? "";
  const hint = `points-${item}`;
  const lacks = desk.lacking.value === item;
  const open = async () => {
    const file = await desk.file(item);
    // Downloaded: what a stranger sent is never shown inside this page, whatever it says it is.
    if (file !== null) download(file, fileName(response));
  };
  return (
    <article aria-label={said.question(item)}>
      <p class="words">{text}</p>
      {typeof response === "string" ? (
        <blockquote class="words">{response}</blockquote>
      ) : (
        <p>
          <button type="button" class="quiet" onClick={() => void open()}>
            {said.file(response)}
          </button>
        </p>
      )}
      <History marks={marks} />
      {released && marks.length > 0 ? (
        <p>{said.stays}</p>
      ) : (
        <form
          noValidate
          onSubmit={(submitted) => {
            submitted.preventDefault();
            void desk.mark(answer);
          }}
        >
          <label class="narrow-choice">
            {said.points(item, possible)}
            <input
              name={`points of ${item}`}
              inputMode="decimal"
              autocomplete="off"
              value={typed}
              aria-invalid={lacks ? "true" : undefined}
              aria-describedby={lacks ? hint : undefined}
              onInput={({ currentTarget: { value } }) => desk.writePoints(item, value)}
            />
          </label>
          {lacks && (
            <p id={hint} role="alert">
              {said.lacks(possible)}
            </p>
          )}
          <button type="submit" class="secondary" disabled={desk.waiting.value !== null}>
            {marks.length === 0 ? said.give : said.correct}
          </button>
          {released && pointsOf(typed, possible) !== null && <p>{said.atOnce}</p>}
        </form>
      )}
    </article>
  );
}

function History({ marks }: { marks: readonly MarkGiven[] }) {
  if (marks.length === 0) return null;
  return (
    <ol>
      {marks.map((mark, at) => (
        <li key={at}>{said.mark(mark, marks[at - 1] ?? null)}</li>
      ))}
    </ol>
  );
}
