/** What a proctor can do to sessions, what each act needs, and how it is sent. Pure. */

import { isOver } from "./tiles";
import type { ActKind, ActSent, ReasonGroup, Tile } from "./wall-api";
import { NOTE_MOST } from "./wall-api";

/** Acts that ask for their reason first, in one dialog. */
export const ASKING = [
  "message",
  "ask-still",
  "ask-id",
  "pause",
  "extra-time",
  "lift-rule",
  "restore-rule",
  "irregularity",
  "terminate",
  "confirm-terminate",
] as const satisfies readonly ActKind[];
export type AskingAct = (typeof ASKING)[number];

/** What the policy watches for, as it is written there. */
export const RULES = [
  "person-count",
  "another-person",
  "looped",
  "frozen",
  "covered",
  "dark",
  "no-face",
  "camera-lost",
  "network-gap",
  "capture-gap",
  "second-display",
  "left-page",
  "program",
] as const;

export interface ActDraft {
  act: AskingAct;
  sessions: readonly string[];
  code: string;
  note: string;
  /** As typed. */
  minutes: string;
  rule: string;
  /** Whose irregularity it was. */
  of: "room" | "system";
  /** Which proposal to end is confirmed: the one that was read. */
  proposal: string;
  /** Which asking of a dialog this is. */
  id: number;
  /** Of the session as it was read; null where it was not open, or is one of many. */
  version: number | null;
}

export type Lack = "code" | "note" | "shorter" | "minutes" | "rule";

export const MINUTES_MOST = 24 * 60;

/** What was last chosen for an act: the next one starts from it. The note never comes along. */
export interface Remembered {
  code?: string;
  minutes?: string;
  rule?: string;
  of?: "room" | "system";
}

export function draftOf(
  act: AskingAct,
  sessions: readonly string[],
  last: Remembered = {},
  changed: Partial<ActDraft> = {},
): ActDraft {
  const { code = "", minutes = "5", rule = "", of = "room" } = last;
  const empty = { note: "", proposal: "", id: 0, version: null };
  return { act, sessions, code, minutes, rule, of, ...empty, ...changed };
}

/** Whether an act needs a reason of the list: a message says all itself. */
export function needsCode(act: AskingAct): boolean {
  return act !== "message" && act !== "confirm-terminate";
}

/** What is confirmed has the reason and the note of whoever proposed it. */
export function needsNote(act: AskingAct): boolean {
  return act !== "confirm-terminate";
}

export function lacks(draft: ActDraft): Lack[] {
  const found: Lack[] = [];
  if (draft.act === "extra-time" && secondsOf(draft.minutes) === null) found.push("minutes");
  if ((draft.act === "lift-rule" || draft.act === "restore-rule") && draft.rule === "")
    found.push("rule");
  if (draft.code === "" && needsCode(draft.act)) found.push("code");
  if (draft.note.trim() === "" && needsNote(draft.act)) found.push("note");
  else if ([...draft.note.trim()].length > NOTE_MOST) found.push("shorter");
  return found;
}

/** Whole seconds of minutes as somebody writes them: "5", "2.5", "2,5"; null for no such time. */
export function secondsOf(minutes: string): number | null {
  const text = minutes.trim().replace(",", ".");
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  const value = Math.round(Number(text) * 60);
  return value > 0 && value <= MINUTES_MOST * 60 ? value : null;
}

/** What is sent of a draft that lacks nothing. */
export function sentOf(draft: ActDraft): ActSent {
  const { act, code } = draft;
  if (act === "confirm-terminate") return { act, of: draft.proposal };
  const sent: ActSent = { act, note: draft.note.trim() };
  if (code !== "") sent.code = code;
  if (act === "extra-time") sent.seconds = secondsOf(draft.minutes) ?? 0;
  if (act === "lift-rule" || act === "restore-rule") sent.rule = draft.rule;
  if (act === "irregularity") sent.of = draft.of;
  return sent;
}

/** Whether an act fits what a tile shows. The server has the last word. */
export function fits(act: ActKind, tile: Tile): boolean {
  if (act === "irregularity" || act === "undo") return true;
  if (isOver(tile)) return false;
  switch (act) {
    case "pause":
      return tile.state === "running";
    case "resume":
      return tile.state === "paused";
    case "extra-time":
      return tile.section !== "";
    case "ask-still":
      return tile.state === "running" || tile.state === "ready";
    case "ask-id":
      return tile.state !== "invited";
    case "terminate":
      return tile.termination === null;
    case "confirm-terminate":
    case "withdraw-terminate":
      return tile.termination !== null;
    default:
      return true;
  }
}

/** The words of a reason, without its category: "network". */
export function wordsOf(reasons: readonly ReasonGroup[], code: string): string {
  for (const group of reasons)
    for (const reason of group.reasons) if (reason.code === code) return reason.words;
  return "";
}

/** Sessions by exam, at most `most` in each: how a batch is sent. */
export function batches(
  sessions: readonly string[],
  examOf: (session: string) => string | null,
  most: number,
): { exam: string; sessions: string[] }[] {
  const made: { exam: string; sessions: string[] }[] = [];
  for (const session of sessions) {
    const exam = examOf(session);
    if (exam === null) continue;
    const open = made.find((one) => one.exam === exam && one.sessions.length < most);
    if (open === undefined) made.push({ exam, sessions: [session] });
    else open.sessions.push(session);
  }
  return made;
}
