import { wall as words } from "../text/wall";
import { clock } from "../text/when";
import { conversation, type Happening, happenings } from "./wall-story";
import type { LiveSession, Tile } from "./wall-api";
import type { Wall } from "./wall-desk";

interface Props {
  wall: Wall;
  zone: string;
  tile: Tile;
  opened: LiveSession;
}

export function Messages({ zone, tile, opened }: Props) {
  const said = conversation(opened, tile);
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
export function Happened({ wall, zone, opened }: Props) {
  const found = happenings(opened);
  return (
    <section aria-labelledby="happened-heading">
      <h3 id="happened-heading">{words.session.happened}</h3>
      {found.length === 0 ? (
        <p class="hint">{words.session.happenedNone}</p>
      ) : (
        <ol class="happened">
          {found.map((one) => (
            <li key={`${one.at_ms} ${one.act?.id ?? one.words}`}>
              <One wall={wall} zone={zone} session={opened.session} one={one} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

interface OneProps {
  wall: Wall;
  zone: string;
  session: string;
  one: Happening;
}

function One({ wall, zone, session, one }: OneProps) {
  const { act } = one;
  return (
    <>
      <p>
        <span class="hint">{clock(one.at_ms, zone)}</span> {one.words}{" "}
        {act?.undone === true && <strong>({words.session.undone}) </strong>}
        <span class="hint">{words.session.by(one.by)}</span>
      </p>
      {one.note !== "" && <p class="words">{one.note}</p>}
      {act?.undoable === true && !act.undone && (
        <button
          type="button"
          class="secondary small"
          aria-label={words.session.undoOf(one.words)}
          onClick={() => void wall.send([session], { act: "undo", of: act.id })}
        >
          {words.session.undo}
        </button>
      )}
    </>
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
