/** Which sessions wait for whom. The server sorts by need; its order is kept. */

import type { ReviewRow } from "../api";

export interface Groups {
  /** Held in check-in: the learner can't start before a person has looked. */
  waiting: ReviewRow[];
  /** A person must look: conduct was flagged, or the learner answered. */
  look: ReviewRow[];
  /** Undecided, and nothing in it can count against the learner. */
  quiet: ReviewRow[];
  /** I have given my verdict, or may give none; another person's is needed. */
  others: ReviewRow[];
  /** Flagged already, but a verdict waits for the session's end. */
  running: ReviewRow[];
  decided: ReviewRow[];
}

export type Whose = "all" | "mine" | "nobody";
export const WHOSE: readonly Whose[] = ["all", "mine", "nobody"];
/** What somebody may have, min. */
export const BUDGETS: readonly number[] = [15, 30, 60, 120];

const ENDED: ReadonlySet<string> = new Set(["submitted", "terminated", "expired"]);

export function grouped(rows: readonly ReviewRow[]): Groups {
  const groups: Groups = { waiting: [], look: [], quiet: [], others: [], running: [], decided: [] };
  for (const row of rows) groups[groupOf(row)].push(row);
  return groups;
}

function groupOf(row: ReviewRow): keyof Groups {
  if (isHeld(row)) return "waiting";
  if (isDecided(row)) return "decided";
  if (!ENDED.has(row.session_state)) return "running";
  if (!row.may_decide) return "others";
  return isConduct(row) ? "look" : "quiet";
}

/** Why it waits for another person than whoever is signed in; null where it does not. */
export function whyOther(row: ReviewRow): string | null {
  return groupOf(row) === "others" ? (row.why_not ?? null) : null;
}

/** Nothing with quality flags alone is in the queue of conduct. */
function isConduct(row: ReviewRow): boolean {
  if (row.contested === true) return true;
  return row.queue === undefined ? row.conduct > 0 : row.queue === "conduct";
}

export function isHeld(row: ReviewRow): boolean {
  return row.session_state === "check-in" && row.id_check === "captured";
}

/** Nobody has to look at it any more. */
export function isDecided({ state, released_unjudged = false }: ReviewRow): boolean {
  return state === "decided" || state === "final" || released_unjudged;
}

/** Minutes of a person's time, as the server guesses them; whole, at least 1 for any session. */
export function minutesOf(rows: readonly ReviewRow[]): number {
  const sum = rows.reduce((minutes, row) => minutes + Math.max(0, row.minutes), 0);
  return rows.length === 0 ? 0 : Math.max(1, Math.round(sum));
}

/** The sessions that wait for this person and fit, from the top, into so many minutes. */
export function fitting(rows: readonly ReviewRow[], budget_min: number): ReadonlySet<string> {
  const { look, quiet } = grouped(rows);
  const fit = new Set<string>();
  let left = budget_min;
  for (const row of [...look, ...quiet]) {
    left -= Math.max(0, row.minutes);
    if (left < 0) break; // a shorter one further down needs somebody less
    fit.add(row.session);
  }
  return fit;
}

export function shown(rows: readonly ReviewRow[], whose: Whose, me: string): ReviewRow[] {
  return rows.filter(({ assigned_to = null }) => {
    return whose === "all" || assigned_to === (whose === "mine" ? me : null);
  });
}

/** Exams to choose from, by title. */
export function exams(titles: ReadonlyMap<string, string>): { exam: string; title: string }[] {
  return [...titles]
    .map(([exam, title]) => ({ exam, title }))
    .sort((a, b) => a.title.localeCompare(b.title));
}

/** Names to give sessions to: the reviewers that there are, whoever has one, and the reader. */
export function names(
  rows: readonly ReviewRow[],
  me: string,
  reviewers: readonly string[] = [],
): string[] {
  const held = rows.flatMap(({ assigned_to }) => (assigned_to ? [assigned_to] : []));
  return [...new Set([me, ...reviewers, ...held])].filter((name) => name !== "").sort();
}

/** The session to offer after this one: the next that a person must look at, else none. */
export function nextAfter(rows: readonly ReviewRow[], session: string): ReviewRow | null {
  const { look } = grouped(rows);
  const here = look.findIndex((row) => row.session === session);
  const others = [...look.slice(here + 1), ...look.slice(0, Math.max(0, here))];
  return others.find((row) => row.session !== session) ?? null;
}
