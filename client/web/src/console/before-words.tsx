/** What a proctor sees before they write to a learner: how often that was done, and ready words. */

import { wall as words } from "../text/wall";
import { minutes } from "../text/when";
import { Notice } from "../ui/notices";
import { interruptions, isInterruptedEnough, withReady } from "./acts";
import type { Wall } from "./wall-desk";

interface InterruptedProps {
  wall: Wall;
  sessions: readonly string[];
}

/** How often learners were interrupted, and whether once more is too often. Nothing is refused. */
export function Interrupted({ wall, sessions }: InterruptedProps) {
  const tiles = sessions.flatMap((session) => wall.board.tiles.get(session)?.value ?? []);
  const [only] = tiles;
  if (only === undefined) return null;
  const last_ms = Math.max(...tiles.map(({ interrupted }) => interrupted?.last_ms ?? 0));
  const ago = last_ms === 0 ? "" : minutes(Math.max(1000, wall.now_ms.value - last_ms));
  const enough = tiles.filter(isInterruptedEnough);
  const said =
    tiles.length === 1
      ? words.interrupted.one(only.interrupted, ago)
      : words.interrupted.many(tiles.filter((tile) => interruptions(tile) > 0).length, tiles.length, ago);
  if (enough.length === 0) return <p class="hint">{said}</p>;
  const most = Math.max(...enough.map(({ interrupted }) => interrupted?.at_most ?? 0));
  const names = enough.map(({ learner }) => learner);
  return (
    <Notice needs>
      <p>{said}</p>
      <p>{tiles.length === 1 ? words.interrupted.enough(most) : words.interrupted.enoughOf(names)}</p>
    </Notice>
  );
}

interface ReadyProps {
  sentences: readonly string[];
  note: string;
  onChoose: (note: string) => void;
}

/** Sentences to begin with: one is put into the field above, where it can be changed. */
export function Ready({ sentences, note, onChoose }: ReadyProps) {
  if (sentences.length === 0) return null;
  return (
    <details class="ready">
      <summary>{words.ready.heading}</summary>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>
            <button
              type="button"
              class="secondary"
              onClick={(event) => {
                onChoose(withReady(note, sentence, words.ready.all));
                event.currentTarget.closest("form")?.querySelector("textarea")?.focus();
              }}
            >
              {sentence}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
