import { troubleOf } from "../text/problems";
import { wall as words } from "../text/wall";
import { ANSWERING, ASKING, confirmable, fits } from "./acts";
import { BATCH_MOST } from "./wall-api";
import type { Sent } from "./sent";
import type { Wall } from "./wall-desk";

/** Names shown of those for whom an act was not done, or may have been. */
const NAMED = 20;
const NAMED_LOST = 5;

const MANY = ASKING.filter((act) => !ANSWERING.includes(act));

/** What can be done to all that are selected; it stays in sight while more are selected. */
export function Batch({ wall }: { wall: Wall }) {
  const sessions = [...wall.selected.value];
  if (sessions.length === 0) return null;
  const tiles = sessions.flatMap((session) => wall.board.tiles.get(session)?.value ?? []);
  const proposals = confirmable(tiles, wall.me());
  const proposed = Object.keys(proposals);
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
        {MANY.filter((act) => tiles.some((tile) => fits(act, tile))).map((act) => (
          <button
            key={act}
            type="button"
            class={act === "terminate" ? "secondary ends" : "secondary"}
            onClick={() => wall.ask(act, sessions)}
          >
            {words.act.name[act]}
          </button>
        ))}
        {proposed.length > 0 && (
          <button
            type="button"
            class="secondary ends"
            onClick={() => wall.ask("confirm-terminate", proposed, { ofBySession: proposals })}
          >
            {words.act.name["confirm-terminate"]} ({proposed.length})
          </button>
        )}
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
  const result = wall.sending.result.value;
  if (result === null) return null;
  const { failed, undo } = result;
  return (
    <div class={failed.length > 0 ? "notice needs result" : "notice result"} role="status">
      {result.words !== "" && <p>{result.words}</p>}
      {undo !== undefined && (
        <button type="button" class="secondary" onClick={() => void wall.undo(undo)}>
          {words.act.undo(Object.keys(undo.ofBySession).length)}
        </button>
      )}
      {failed.length > 0 && (
        <>
          <p>
            <strong>{words.act.failed(failed.length)}</strong>
          </p>
          <ul>
            {failed.slice(0, NAMED).map(({ session, code, detail }) => (
              <li key={session}>
                {wall.nameOf(session)}: {words.trouble.codes[code] ?? troubleOf(code, detail)}
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
      <button type="button" class="quiet" onClick={() => wall.sending.dismissResult()}>
        {words.act.dismiss}
      </button>
    </div>
  );
}

/** Every act that nobody knows of whether it was done: which, for whom, in what words, and when. */
export function LostNotes({ wall }: { wall: Wall }) {
  const lost = wall.sending.lost.value;
  return (
    <>
      {lost.map((sent) => (
        <LostNote key={`${sent.at_ms} ${sent.what}`} wall={wall} sent={sent} />
      ))}
    </>
  );
}

function LostNote({ wall, sent }: { wall: Wall; sent: Sent }) {
  const { sending } = wall;
  const { heading, sessions, act, unsure } = sent;
  const named = sessions.length > 1 ? sessions.slice(0, NAMED_LOST) : [];
  const note = act.note ?? "";
  return (
    <div class="notice needs result" role="status">
      <p>
        <strong>{words.lost.heading(heading, sending.when(sent))}</strong>{" "}
        {unsure ? words.lost.unsure : words.lost.some}{" "}
        {named.length > 0 &&
          words.lost.names(
            named.map((session) => wall.nameOf(session)),
            sessions.length - named.length,
          )}
      </p>
      {note !== "" && <p class="words">{note}</p>}
      <button
        type="button"
        aria-label={words.lost.again(heading)}
        aria-disabled={sending.isUnderWay(sent)}
        onClick={() => void sending.sendAgain(sent)}
      >
        {words.act.again}
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={words.lost.dismiss(heading)}
        onClick={() => sending.dismiss(sent)}
      >
        {words.act.dismiss}
      </button>
    </div>
  );
}
