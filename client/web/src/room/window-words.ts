/** When an exam can be begun, in words: its time, and whose. */

import { room } from "../text/room";
import { moment, zoneWords } from "../text/when";
import type { Window } from "./learner-api";

/** Why no section can be opened now; null where one can. */
export function windowWords(
  window: Window | null | undefined,
  now_ms: number,
  zone: string,
): string | null {
  if (window == null) return null;
  const words = (at_ms: number) => `${moment(at_ms, now_ms, zone)}, ${zoneWords(at_ms, zone)}`;
  if (now_ms < window.starts_at_ms) return room.sections.before(words(window.starts_at_ms));
  return now_ms < window.ends_at_ms ? null : room.sections.over(words(window.ends_at_ms));
}
