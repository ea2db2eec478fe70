/**
 * What was typed in the last moment before a page went away.
 *
 * A browser gives a page that is left no time to finish a write into IndexedDB; localStorage takes
 * its words at once. They are written into the log when the page is back.
 */

import type { SectionView } from "../api";
import type { Writable } from "../evidence/json";
import { fieldsOf } from "./items";

export interface Word {
  section: string;
  item: string;
  response: Writable;
}

function nameOf(session: string): string {
  return `proctor.unwritten.${session}`;
}

export function leave(session: string, words: readonly Word[], store: Storage = localStorage): void {
  try {
    if (words.length === 0) store.removeItem(nameOf(session));
    else store.setItem(nameOf(session), JSON.stringify(words));
  } catch {
    // A full or forbidden store: the write that is under way is all there is.
  }
}

export function found(session: string, store: Storage = localStorage): Word[] {
  let text: string | null;
  let words: unknown;
  try {
    text = store.getItem(nameOf(session));
    words = text === null ? [] : JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(words) ? words : []).flatMap((word) => {
    const { section, item, response } = fieldsOf(word);
    return typeof section === "string" && typeof item === "string"
      ? [{ section, item, response: response as Writable }]
      : [];
  });
}

/**
 * What to do with words that were found: `take` those of an open section; `keep` those of which
 * only an old view says that their section is not open. `fresh`: the server was asked for the view
 * just now. What is in neither list would only be late.
 */
export function sorted(
  words: readonly Word[],
  sections: readonly Pick<SectionView, "id" | "state">[],
  fresh: boolean,
): { take: Word[]; keep: Word[] } {
  const stateOf = ({ section }: Word) => sections.find(({ id }) => id === section)?.state;
  const take = words.filter((word) => stateOf(word) === "open");
  const keep = words.filter((word) => {
    const state = stateOf(word);
    return state !== "open" && !(fresh && state === "closed");
  });
  return { take, keep };
}
