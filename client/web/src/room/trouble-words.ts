/** What a page says that stands where no session can be shown. */

import { room, type TroubleWords } from "../text/room";
import type { Blocked } from "./blocked";

/** `practice`: of a rehearsal, which leaves the exam as it was. */
export function blockedWords({ code, facts }: Blocked, practice = false): TroubleWords {
  if (code === "other-tab") return room.stopped[code];
  const over = facts["over"] === true ? overWords(code, facts["on"]) : null;
  if (over !== null) return over;
  const known: Readonly<Record<string, TroubleWords>> = room.trouble.codes;
  const words = known[code] ?? room.trouble.codes.unknown;
  const { refused } = facts;
  if (code !== "system-refused" || !Array.isArray(refused)) return words;
  const [first = "", ...more] = practice ? room.trouble.practiceRefused : words.lines;
  return { ...words, lines: [first, room.trouble.refused(refused.join("; ")), ...more] };
}

/** The exam is over: what is asked for is to look, no more to go on. `on`: where it was sat. */
function overWords(code: string, on: unknown): TroubleWords | null {
  const { over } = room.trouble;
  if (code === "asked" || code === "asked-refused") return over[code];
  if (code !== "join-link-used") return null;
  const { heading, safe, ask, ...where } = over.used;
  return { heading, lines: [safe, on === "desktop" ? where.desktop : where.browser, ask] };
}
