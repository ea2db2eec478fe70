/** What a page says that stands where no session can be shown. */

import { room, type TroubleWords } from "../text/room";
import type { Blocked } from "./blocked";

/** `practice`: of a rehearsal, which leaves the exam as it was. */
export function blockedWords({ code, facts }: Blocked, practice = false): TroubleWords {
  if (code === "other-tab") return room.stopped[code];
  const known: Readonly<Record<string, TroubleWords>> = room.trouble.codes;
  const words = known[code] ?? room.trouble.codes.unknown;
  const { refused } = facts;
  if (code !== "system-refused" || !Array.isArray(refused)) return words;
  const [first = "", ...more] = practice ? room.trouble.practiceRefused : words.lines;
  return { ...words, lines: [first, room.trouble.refused(refused.join("; ")), ...more] };
}
