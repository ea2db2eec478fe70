import { useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { clock } from "../text/when";
import type { SnapshotRef } from "../api";
import { conversation, type Happening, happenings } from "./wall-story";
import { isOver } from "./tiles";
import type { LiveSession, Tile } from "./wall-api";
import type { Wall } from "./wall-desk";

interface Props {
  wall: Wall;
  zone: string;
  tile: Tile;
  opened: LiveSession;
}

export function Messages({ wall, zone, tile, opened }: Props) {
  const said = conversation(opened, tile, wall.one.story.value);
  return (
    <section aria-labelledby="messages-heading">
      <h3 id="messages-heading">{words.session.messages}</h3>
      {said.length === 0 ? (
        <p class="hint">{words.session.messagesNone}</p>
      ) : (
        <ol class="messages">
          {said.map(({ key, at_ms, from, text }) => (
            <li key={key}>
              <p class="hint">
                {clock(at_ms, zone, false)} · {from}
              </p>
              {text !== "" && <p class="words">{text}</p>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** The session's way so far; what can be taken back has its button. */
export function Happened({ wall, zone, tile, opened }: Props) {
  const story = wall.one.story.value;
  const found = happenings(opened, story);
  return (
    <section aria-labelledby="happened-heading">
      <h3 id="happened-heading">{words.session.happened}</h3>
      {found.length === 0 ? (
        <p class="hint">{words.session.happenedNone}</p>
      ) : (
        <ol class="happened">
          {found.map((one) => (
            <li key={one.key}>
              <One wall={wall} zone={zone} tile={tile} one={one} />
            </li>
          ))}
        </ol>
      )}
      {story?.cut === true && <p class="hint">{words.session.cut}</p>}
    </section>
  );
}

interface OneProps {
  wall: Wall;
  zone: string;
  tile: Tile;
  one: Happening;
}

function One({ wall, zone, tile, one }: OneProps) {
  const { act, still } = one;
  return (
    <>
      <p>
        <span class="hint">{clock(one.at_ms, zone)}</span> {one.words}{" "}
        {act?.undone === true && <strong>({words.session.undone}) </strong>}
        <span class="hint">{words.session.by(one.by)}</span>
      </p>
      {one.note !== "" && <p class="words">{one.note}</p>}
      {still !== null && <Shown wall={wall} tile={tile} still={still} time={clock(one.at_ms, zone)} />}
      {act?.undoable === true && !act.undone && (
        <button
          type="button"
          class="secondary small"
          aria-label={words.session.undoOf(one.words)}
          onClick={() => void wall.undoListed(tile.session, act)}
        >
          {words.session.undo}
        </button>
      )}
    </>
  );
}

/** The picture that shows what was flagged; the server shows it while the exam goes on. */
function Shown({ wall, tile, still, time }: { wall: Wall; tile: Tile; still: SnapshotRef; time: string }) {
  const [broken, setBroken] = useState("");
  const path = wall.tickets.path(tile.exam).value;
  if (path === null || isOver(tile)) return null;
  const src = `${path}/${tile.session}/${still.sha256}`;
  if (broken === src) return <p class="hint">{words.tile.noStill.broken}.</p>;
  return (
    <img
      class="flagged"
      src={src}
      alt={words.session.flagged(time)}
      loading="lazy"
      width={160}
      height={120}
      onError={() => setBroken(src)}
    />
  );
}

export function Ledger({ opened, zone }: { opened: LiveSession; zone: string }) {
  const titles = new Map(opened.sections.map(({ id, title }) => [id, title]));
  return (
    <section aria-labelledby="ledger-heading">
      <h3 id="ledger-heading">{words.session.ledger}</h3>
      {opened.ledger.length === 0 ? (
        <p class="hint">{words.session.ledgerNone}</p>
      ) : (
        <ul>
          {opened.ledger.map(({ section, seconds, cause, reason, at_ms }) => (
            <li key={`${at_ms} ${section} ${cause}`}>
              {clock(at_ms, zone, false)}:{" "}
              {words.session.ledgerLine(seconds, cause, reason, titles.get(section) ?? section)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
