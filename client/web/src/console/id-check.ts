/** Rules of the page of ID checks: what stands first, what a form lacks, what has changed. Pure. */

import type { CheckResult, IdCheckMade, IdDecided, IdDecision, IdDesk, IdRow, IdSent, Raised } from "../api";

/** In the order in which they stand on the page. */
export const DECISIONS: readonly IdDecision[] = ["accepted", "asked-again", "refused", "vouched"];
/** The code whose words say nothing without a note. */
export const OTHER = "other";
/** As much as the server takes, in code points. */
export const NOTE_MOST = 4000;

/** What a proctor has filled in for one session. Each act keeps its own note. */
export interface Draft {
  event: IdDecision | null;
  code: string | null;
  notes: Readonly<Partial<Record<IdDecision, string>>>;
}

export const EMPTY: Draft = { event: null, code: null, notes: {} };

export type Missing = "event" | "code" | "note" | "shorter";

export function noteOf(draft: Draft): string {
  return draft.event === null ? "" : (draft.notes[draft.event] ?? "").trim();
}

/** Whether the act needs words of the proctor's own; `state` is that of the ID check. */
export function needsNote({ event, code }: Draft, state: IdDesk["state"]): boolean {
  // Two people had refused, or somebody had asked for others.
  if (event === "accepted") return state === "refused" || state === "retake";
  if (event === "taken-back") return true;
  return event === "refused" || event === "vouched" || (event === "asked-again" && code === OTHER);
}

/** What the form lacks, in the order in which it stands on the page. */
export function missing(draft: Draft, state: IdDesk["state"]): Missing[] {
  if (draft.event === null) return ["event"];
  const lacks: Missing[] = [];
  if (draft.event === "asked-again" && draft.code === null) lacks.push("code");
  const note = noteOf(draft);
  if (needsNote(draft, state) && note === "") lacks.push("note");
  if ([...note].length > NOTE_MOST) lacks.push("shorter");
  return lacks;
}

/** What to send, or null while something is missing. */
export function decided(draft: Draft, state: IdDesk["state"]): IdDecided | null {
  if (draft.event === null || missing(draft, state).length > 0) return null;
  const code = draft.event === "asked-again" ? draft.code : null;
  return { event: draft.event, code, reason: noteOf(draft) };
}

/** The pictures that are decided on: where others came meanwhile, the server says so. */
export function seen({ face, document }: IdDesk): IdSent["seen"] {
  return { face: face?.sha256 ?? null, document: document?.sha256 ?? null };
}

/** What the learner will read of this; empty where they read nothing yet. */
export function learnerReads(draft: Draft, reasons: IdDesk["reasons"]): string {
  const note = noteOf(draft);
  if (draft.event === "refused") return note;
  if (draft.event !== "asked-again") return "";
  const words = reasons.find(({ code }) => code === draft.code)?.words ?? "";
  return [words, note].filter(Boolean).join(" ");
}

/** Whether a person has yet to decide on what was shown. */
export function isUndecided({ state }: Pick<IdDesk, "state">): boolean {
  return state === "captured" || state === "refusal-proposed";
}

/** The acts that are open to whoever reads the page; people who decide make mistakes, too. */
export function open(desk: IdDesk): IdDecision[] {
  return openIn(desk).filter((event) => event !== "asked-again" || desk.may_ask_again);
}

function openIn({ state, may_confirm, may_take_back, raised, face, document }: IdDesk): IdDecision[] {
  switch (state) {
    case "captured":
      return [...DECISIONS];
    case "refusal-proposed":
      return DECISIONS.filter((event) => event !== "refused" || may_confirm);
    case "accepted":
      // To accept once more is to say that a doubt which was raised since is none.
      return raised.length > 0 ? ["accepted", "asked-again", "refused"] : ["asked-again", "refused"];
    case "refused":
      return ["accepted", "asked-again", "vouched"];
    case "retake":
      if (may_take_back) return ["taken-back", "vouched"];
      // Where nothing was ever shown there is nothing to decide by.
      return face ?? document ? ["accepted", "refused", "vouched"] : ["vouched"];
    // Whoever has no document that fits has nothing to show.
    case "awaited":
      return ["vouched"];
    default:
      return [];
  }
}

const RESULTS: readonly CheckResult[] = ["differs", "unsure", "unavailable", "agrees"];

/** The checks, those that disagree first; else in the server's order. */
export function disagreementsFirst(checks: readonly IdCheckMade[]): IdCheckMade[] {
  return [...checks].sort((a, b) => RESULTS.indexOf(a.result) - RESULTS.indexOf(b.result));
}

/** Another session that was raised, and all that it has in common with this one. */
export interface RaisedSession {
  session: string;
  exam: string;
  learner: string;
  yours: boolean;
  whys: string[];
}

export function bySession(raised: readonly Raised[]): RaisedSession[] {
  const found = new Map<string, RaisedSession>();
  for (const { why, session, exam, learner, yours } of raised) {
    const known = found.get(session);
    if (known === undefined) found.set(session, { session, exam, learner, yours, whys: [why] });
    else known.whys.push(why);
  }
  return [...found.values()];
}

export interface Exam {
  exam: string;
  title: string;
}

/** The exams of these rows by title, and the chosen one even where nobody of it waits. */
export function exams(
  rows: readonly IdRow[],
  chosen: string | null,
  titles: ReadonlyMap<string, string>,
): Exam[] {
  const found = new Map(rows.map(({ exam, exam_title }) => [exam, exam_title]));
  if (chosen !== null && !found.has(chosen)) found.set(chosen, titles.get(chosen) ?? chosen);
  const all = [...found].map(([exam, title]) => ({ exam, title }));
  return all.sort((a, b) => a.title.localeCompare(b.title));
}

export function ofExam(rows: readonly IdRow[], exam: string | null): IdRow[] {
  return rows.filter((row) => exam === null || row.exam === exam);
}

/** What the address says after its path. */
export function search(session: string | null, exam: string | null): string {
  const said = new URLSearchParams();
  if (exam !== null) said.set("exam", exam);
  if (session !== null) said.set("session", session);
  return said.size === 0 ? "" : `?${said}`;
}

/** Who waits: the server sorts by need, and its order is kept in each group. */
export interface Groups {
  /** They can't begin before a person has looked. */
  held: IdRow[];
  later: IdRow[];
  /** Their refusal waits for somebody else than who reads this. */
  mine: IdRow[];
}

export function grouped(rows: readonly IdRow[], me: string): Groups {
  const mine = rows.filter(({ proposed_by }) => proposed_by === me);
  const others = rows.filter((row) => !mine.includes(row));
  return {
    held: others.filter(({ hold }) => hold),
    later: others.filter(({ hold }) => !hold),
    mine,
  };
}

/** The new rows, but in the places of the old ones, as while somebody points at them. */
export function inPlace(before: readonly IdRow[], now: readonly IdRow[]): IdRow[] {
  const stay = before.flatMap(({ session }) => now.filter((row) => row.session === session));
  return [...stay, ...now.filter((row) => !stay.includes(row))];
}

/** The check before or after one in the list as it is shown; from none, the first. */
export function beside(groups: Groups, session: string | null, by: 1 | -1): IdRow | null {
  const rows = [...groups.held, ...groups.later, ...groups.mine];
  const here = rows.findIndex((row) => row.session === session);
  return (here < 0 ? rows[0] : rows[here + by]) ?? null;
}

/** The check to offer after this one: the next that the reader can decide, around the end. */
export function nextAfter({ held, later }: Groups, session: string): IdRow | null {
  const rows = [...held, ...later];
  const here = rows.findIndex((row) => row.session === session);
  const onward = [...rows.slice(here + 1), ...rows.slice(0, Math.max(0, here))];
  return onward.find((row) => row.session !== session) ?? null;
}

/** Whether somebody has said something of the ID check since, or other pictures are there now. */
export function isStale(shown: IdDesk, now: IdDesk): boolean {
  return (
    shown.state !== now.state ||
    shown.by !== now.by ||
    shown.proposed?.at_ms !== now.proposed?.at_ms ||
    shown.face?.sha256 !== now.face?.sha256 ||
    shown.document?.sha256 !== now.document?.sha256
  );
}
