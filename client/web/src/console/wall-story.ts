/** What happened in a session while it goes on, in sentences by time. Pure. */

import { wall as words } from "../text/wall";
import { lengthWords } from "../text/when";
import type { ActView, LiveSession, Tile } from "./wall-api";

export interface Happening {
  at_ms: number;
  words: string;
  /** A proctor's own words. */
  note: string;
  by: string;
  act: ActView | null;
}

/** The newest first. */
export function happenings(session: LiveSession): Happening[] {
  const found: Happening[] = session.acts.map((act) => ({
    at_ms: act.at_ms,
    words: act.words,
    note: act.note,
    by: act.by,
    act,
  }));
  const plain = (at_ms: number | null, said: string): void => {
    if (at_ms !== null) found.push({ at_ms, words: `${said}.`, note: "", by: "", act: null });
  };
  for (const section of session.sections) {
    plain(section.opened_at_ms, words.session.opened(section.title));
    if (section.opened_at_ms !== null)
      plain(section.closed_at_ms, words.session.closed(section.title, section.closed_by));
  }
  for (const { kind, seconds, since_ms, until_ms } of session.asks ?? [])
    plain(since_ms, words.session.qualityAsk(kind, lengthWords(seconds * 1000), until_ms === null));
  if (session.help !== null) plain(session.help.since_ms, words.session.called(session.help.topic));
  return found.sort((a, b) => b.at_ms - a.at_ms);
}

export interface Said {
  key: string;
  at_ms: number;
  from: string;
  text: string;
}

const MESSAGES: readonly string[] = ["message", "answer"];

/** Messages both ways, by time: what the learner last asked, and all that proctors wrote. */
export function conversation(session: LiveSession, tile: Tile): Said[] {
  const said: Said[] = session.acts
    .filter(({ act }) => MESSAGES.includes(act))
    .map(({ id, at_ms, by, note }) => ({
      key: id,
      at_ms,
      from: words.session.fromProctor(by),
      text: note,
    }));
  const { help } = session;
  if (help !== null)
    said.push({
      key: "help",
      at_ms: help.since_ms,
      from: words.session.fromLearner(tile.learner, help.topic),
      // Its words are on the tile, while they wait for an answer.
      text: tile.help?.text.trim() ?? "",
    });
  return said.sort((a, b) => a.at_ms - b.at_ms);
}
