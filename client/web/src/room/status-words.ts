/** What the status line says of an outage, by the terms of the policy. */

import { room } from "../text/room";
import { fieldsOf } from "./items";
import type { Screen } from "./state";

/** "" where the screen says it itself; of the clock only where there is one that matters still. */
export function offlineWords(
  policy: Readonly<Record<string, unknown>>,
  screen: Screen["is"],
): string {
  if (screen === "time-up") return "";
  if (screen === "handing-in" || screen === "done") return room.status.offline;
  const { give_back, after_s, most_s } = fieldsOf(policy["time"]);
  const back = give_back !== "none" && typeof most_s === "number" && most_s > 0;
  const after = typeof after_s === "number" ? after_s : 0;
  const clock = back ? room.status.clockBack(after, most_s) : room.status.clockGoes;
  return `${room.status.offline} ${clock}`;
}
