import { wall as words } from "../text/wall";
import { ASKING, type AskingAct } from "./acts";
import { BATCH_MOST } from "./wall-api";
import type { Wall } from "./wall-desk";

/** Names shown of those for whom an act was not done. */
const NAMED = 20;

const MANY: readonly AskingAct[] = ASKING.filter((act) => act !== "confirm-terminate");

/** What can be done to all that are selected; it stays in sight while more are selected. */
export function Batch({ wall }: { wall: Wall }) {
  const sessions = [...wall.selected.value];
  if (sessions.length === 0) return null;
  return (
    <section class="batch" aria-label={words.selected.label}>
      <p>
        <strong role="status">{words.selected.count(sessions.length)}</strong>
        {sessions.length === BATCH_MOST && <small> {words.selected.most(BATCH_MOST)}</small>}{" "}
        <button type="button" class="quiet" onClick={() => wall.select(wall.board.shown.value)}>
          {words.selected.all}
        </button>
        <button type="button" class="quiet" onClick={() => wall.select([])}>
          {words.selected.clear}
        </button>
      </p>
      <p class="acts">
        {MANY.map((act) => (
          <button
            key={act}
            type="button"
            class={act === "terminate" ? "secondary ends" : "secondary"}
            onClick={() => wall.ask(act, sessions)}
          >
            {words.act.name[act]}
          </button>
        ))}
        <button
          type="button"
          class="secondary"
          onClick={() => void wall.send(sessions, { act: "resume" })}
        >
          {words.act.resume}
        </button>
        <button type="button" class="secondary" onClick={() => wall.take(sessions, true)}>
          {words.selected.take}
        </button>
        <button type="button" class="secondary" onClick={() => wall.take(sessions, false)}>
          {words.selected.release}
        </button>
      </p>
    </section>
  );
}

/** What came of the last act: where it failed for some, who they are and why. */
export function ResultNote({ wall }: { wall: Wall }) {
  const result = wall.result.value;
  if (result === null) return null;
  const { failed } = result;
  return (
    <div class={failed.length > 0 ? "notice needs result" : "notice result"} role="status">
      {result.words !== "" && <p>{result.words}</p>}
      {failed.length > 0 && (
        <>
          <p>
            <strong>{words.act.failed(failed.length)}</strong>
          </p>
          <ul>
            {failed.slice(0, NAMED).map(({ session, code, detail }) => (
              <li key={session}>
                {wall.nameOf(session)}: {words.trouble.codes[code] ?? detail}
              </li>
            ))}
            {failed.length > NAMED && <li>{words.act.failedMore(failed.length - NAMED)}</li>}
          </ul>
          <button
            type="button"
            class="secondary"
            onClick={() => wall.select(failed.map(({ session }) => session))}
          >
            {words.act.keepFailed}
          </button>
        </>
      )}
      {wall.lost.value !== null && (
        <button
          type="button"
          aria-disabled={wall.doingAct.value}
          onClick={() => void wall.sendAgain()}
        >
          {words.act.again}
        </button>
      )}
      <button type="button" class="quiet" onClick={() => wall.dismiss()}>
        {words.act.dismiss}
      </button>
    </div>
  );
}
