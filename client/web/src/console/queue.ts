/** Which sessions wait for whom. The server sorts by need; its order is kept. */

import type { ReviewRow } from "../api";

export interface Groups {
  /** Held in check-in: the learner can't start before a person has looked. */
  waiting: ReviewRow[];
  /** A person must look: conduct was flagged, or another person's verdict waits. */
  look: ReviewRow[];
  /** Undecided, and nothing in it can count against the learner. */
  quiet: ReviewRow[];
  /** I have given my verdict; another person's is needed. */
  others: ReviewRow[];
  /** Flagged already, but a verdict waits for the session's end. */
  running: ReviewRow[];
  decided: ReviewRow[];
}

const ENDED: ReadonlySet<string> = new Set(["submitted", "terminated", "expired"]);

export function grouped(rows: readonly ReviewRow[]): Groups {
  const groups: Groups = { waiting: [], look: [], quiet: [], others: [], running: [], decided: [] };
  for (const row of rows) groups[groupOf(row)].push(row);
  return groups;
}

function groupOf(row: ReviewRow): keyof Groups {
  if (isHeld(row)) return "waiting";
  if (row.state === "decided") return "decided";
  if (!ENDED.has(row.session_state)) return "running";
  if (!row.may_decide) return "others";
  return row.conduct > 0 || row.state !== "awaiting" ? "look" : "quiet";
}

export function isHeld(row: ReviewRow): boolean {
  return row.session_state === "check-in" && row.id_check === "captured";
}

/** Minutes of a person's time, as the server guesses them; whole, at least 1 for any session. */
export function minutesOf(rows: readonly ReviewRow[]): number {
  const sum = rows.reduce((minutes, row) => minutes + Math.max(0, row.minutes), 0);
  return rows.length === 0 ? 0 : Math.max(1, Math.round(sum));
}

/** The session to offer after this one: the next that a person must look at, else none. */
export function nextAfter(rows: readonly ReviewRow[], session: string): ReviewRow | null {
  const { look } = grouped(rows);
  const here = look.findIndex((row) => row.session === session);
  const others = [...look.slice(here + 1), ...look.slice(0, Math.max(0, here))];
  return others.find((row) => row.session !== session) ?? null;
}
