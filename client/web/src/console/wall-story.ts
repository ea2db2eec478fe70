/** What happened in a session while it goes on, in sentences by time. Pure. */

import type { Flag, SnapshotRef } from "../api";
import { en } from "../text/en";
import { wall as words } from "../text/wall";
import { lastedWords, lengthWords } from "../text/when";
import { kindOf } from "./timeline";
import type { ActView, LiveSession, Story, Tile } from "./wall-api";

export interface Happening {
  /** Of this one alone, as long as it is told of. */
  key: string;
  at_ms: number;
  words: string;
  /** A proctor's own words. */
  note: string;
  by: string;
  act: ActView | null;
  /** Where a snapshot shows it. */
  still: SnapshotRef | null;
}

/** The newest first. Without its story, what the session's view has of it. */
export function happenings(session: LiveSession, story: Story | null): Happening[] {
  const found: Happening[] = actsOf(session, story).map((act) => ({
    key: act.id,
    at_ms: act.at_ms,
    words: act.words,
    note: act.note,
    by: act.by,
    act,
    still: null,
  }));
  const plain = (key: string, at_ms: number, said: string, still: SnapshotRef | null = null): void => {
    found.push({ key, at_ms, words: `${said}.`, note: "", by: "", act: null, still });
  };
  for (const { id, title, opened_at_ms, closed_at_ms, closed_by } of session.sections) {
    if (opened_at_ms === null) continue;
    plain(`opened ${id}`, opened_at_ms, words.session.opened(title));
    if (closed_at_ms !== null)
      plain(`closed ${id}`, closed_at_ms, words.session.closed(title, closed_by));
  }
  for (const { kind, seconds, since_ms, until_ms } of session.asks ?? []) {
    const asked = words.session.qualityAsk(kind, lengthWords(seconds * 1000), until_ms === null);
    plain(`${kind} ${since_ms}`, since_ms, asked);
  }
  for (const flag of story?.flags ?? [])
    plain(flag.flag, flag.started_at_ms, flagWords(flag), flag.snapshots[0]);
  for (const { device, seq, cause, of, from_ms, to_ms } of story?.gaps ?? []) {
    const gap = en.timeline.gap(cause, lengthWords(to_ms - from_ms));
    plain(`${device}.${seq}`, from_ms, words.session.gap(of, gap));
  }
  for (const { device, seq, at_ms, topic, raised } of story?.messages ?? [])
    plain(`${device}.${seq}`, at_ms, words.session.called(topic, raised !== false));
  if (story === null && session.help !== null)
    plain("help", session.help.since_ms, words.session.called(session.help.topic, true));
  return found.sort((a, b) => b.at_ms - a.at_ms);
}

function flagWords(flag: Flag): string {
  return words.session.flag(
    en.flags.kind(kindOf(flag), flag.rule),
    flag.flag_class,
    en.flags.measure(flag),
    lastedWords(flag.lasted_ms, flag.times),
  );
}

/** All acts of a session; those of its view are newer than those of its story. */
function actsOf(session: LiveSession, story: Story | null): ActView[] {
  const newer = new Set(session.acts.map(({ id }) => id));
  return [...(story?.acts ?? []).filter(({ id }) => !newer.has(id)), ...session.acts];
}

export interface Said {
  key: string;
  at_ms: number;
  from: string;
  text: string;
}

const MESSAGES: readonly string[] = ["message", "answer"];

/** Messages both ways, by time: all that the learner wrote, and all that proctors did. */
export function conversation(session: LiveSession, tile: Tile, story: Story | null): Said[] {
  const said: Said[] = actsOf(session, story)
    .filter(({ act }) => MESSAGES.includes(act))
    .map(({ id, at_ms, by, note, to_all }) => ({
      key: id,
      at_ms,
      from: words.session.fromProctor(by, to_all),
      text: note,
    }));
  for (const { device, seq, at_ms, topic, raised, text } of story?.messages ?? [])
    said.push({
      key: `${device}.${seq}`,
      at_ms,
      from: words.session.fromLearner(tile.learner, topic, raised !== false),
      text: text.trim(),
    });
  const { help } = session;
  if (story === null && help !== null)
    said.push({
      key: "help",
      at_ms: help.since_ms,
      from: words.session.fromLearner(tile.learner, help.topic, true),
      // Its words are on the tile, while they wait for an answer.
      text: tile.help?.text.trim() ?? "",
    });
  return said.sort((a, b) => a.at_ms - b.at_ms);
}

export interface Waiting {
  texts: string[];
  /** Messages of which the tile tells, and whose words are not here yet. */
  missing: number;
}

/** All that waits for an answer: the story has it in full, the tile has the newest. */
export function waiting(tile: Tile, story: Story | null): Waiting {
  const told = story?.messages.filter(({ waits }) => waits).map(({ text }) => text.trim()) ?? [];
  const texts = told.filter((text) => text !== "");
  const newest = tile.help?.text.trim() ?? "";
  if (newest === "") return { texts, missing: 0 };
  // The tile is told at once, the story is fetched: an answer to what stands here closes all.
  if (texts.at(-1)?.startsWith(newest) !== true) texts.push(newest);
  return { texts, missing: Math.max(0, (tile.help?.more ?? 0) + 1 - texts.length) };
}
