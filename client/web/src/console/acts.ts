/** What a proctor can do to sessions, what each act needs, and how it is sent. Pure. */

import { isOver, isRefused } from "./tiles";
import type { ActKind, ActSent, Proposed, ReasonGroup, Tile } from "./wall-api";
import { NOTE_MOST } from "./wall-api";

/** Acts that ask for their reason first, in one dialog. */
export const ASKING = [
  "message",
  "ask-still",
  "ask-id",
  "pause",
  "resume",
  "extra-time",
  "lift-rule",
  "restore-rule",
  "irregularity",
  "terminate",
  "confirm-terminate",
  "admit-device",
  "refuse-device",
  "undo",
] as const satisfies readonly ActKind[];
export type AskingAct = (typeof ASKING)[number];

/** By session: the version that was read of it. */
export type Versions = Readonly<Record<string, number>>;

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
  /** By session: the proposal to end that was read, the device that asks, the act to undo. */
  ofBySession: Readonly<Record<string, string>>;
  /** Which asking of a dialog this is. */
  id: number;
  versions: Versions;
  /** Of a message: it answers what the learner has asked, who then waits no more. */
  answers: boolean;
  /** How many of those chosen the act is not for, by why. */
  left: readonly Left[];
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
  const empty = { note: "", ofBySession: {}, id: 0, versions: {}, answers: false, left: [] };
  return { act, sessions, code, minutes, rule, of, ...empty, ...changed };
}

/** Acts that may come without a reason of the list, and without a note: as the server has it. */
const NO_CODE: readonly AskingAct[] = ["message", "resume", "admit-device"];
const NO_NOTE: readonly AskingAct[] = ["resume", "admit-device", "refuse-device"];

export function needsCode(act: AskingAct): boolean {
  return !NO_CODE.includes(act) && takesWords(act);
}

export function needsNote(act: AskingAct): boolean {
  return !NO_NOTE.includes(act) && takesWords(act);
}

/** What is confirmed has the reason and the note of whoever proposed it; what is undone has none. */
export function takesWords(act: AskingAct): boolean {
  return act !== "confirm-terminate" && act !== "undo";
}

/** Acts that take a learner away from the exam, who did not ask for it: the server counts them. */
const INTERRUPTING: readonly ActKind[] = ["message", "pause", "ask-still", "ask-id"];

export function interrupts(act: ActKind): boolean {
  return INTERRUPTING.includes(act);
}

/** How often proctors have interrupted a learner so far. */
export function interruptions({ interrupted: told }: Tile): number {
  return told === null ? 0 : told.messages + told.pauses + told.requests;
}

/** Whether one more is more than the policy asks for. */
export function isInterruptedEnough(tile: Tile): boolean {
  const most = tile.interrupted?.at_most ?? 0;
  return most > 0 && interruptions(tile) >= most;
}

/** A note with a ready sentence in it: what a person wrote stays, another ready one goes. */
export function withReady(note: string, sentence: string, ready: readonly string[]): string {
  const own = note.trim();
  return own === "" || ready.includes(own) ? sentence : `${own} ${sentence}`;
}

/** Whether who undoes an act is asked first: the learner may work on that device by now. */
export function undoneByDialog(act: string): boolean {
  return act === "admit-device";
}

/**
 * What the next act of a kind starts from. What may be sent without a note asks for its reason
 * anew: one key would tell a learner why another was refused.
 */
export function remembered(draft: ActDraft): Remembered {
  const { act, code, minutes, rule, of } = draft;
  return { ...(needsNote(act) ? { code } : {}), minutes, rule, of };
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
  const { act, code, ofBySession } = draft;
  if (!takesWords(act)) return { act, ofBySession };
  const note = draft.note.trim();
  const kind = act === "message" && draft.answers ? "answer" : act;
  const sent: ActSent = note === "" ? { act: kind } : { act: kind, note };
  if (act === "admit-device" || act === "refuse-device") sent.ofBySession = ofBySession;
  if (code !== "") sent.code = code;
  if (act === "extra-time") sent.seconds = secondsOf(draft.minutes) ?? 0;
  if (act === "lift-rule" || act === "restore-rule") sent.rule = draft.rule;
  if (act === "irregularity") sent.of = draft.of;
  return sent;
}

/** Why an act is not for a session as it stands. */
export const UNFIT = [
  "over",
  "refused",
  "gone",
  "paused",
  "not-running",
  "not-paused",
  "no-section",
  "no-camera",
  "nothing-shown",
  "asked-already",
  "proposed",
  "not-proposed",
  "none-lifted",
] as const;
export type Unfit = (typeof UNFIT)[number];

export interface Left {
  why: Unfit;
  count: number;
}

/** They answer something that is read in the session: what has become of it, the server says. */
export const ANSWERING: readonly AskingAct[] = [
  "confirm-terminate",
  "admit-device",
  "refuse-device",
  "undo",
];

/** Why an act does not fit what a tile shows; null: it does. The server has the last word. */
export function unfit(act: ActKind, tile: Tile): Unfit | null {
  if (act === "irregularity" || act === "undo") return null;
  if (isRefused(tile)) return "refused";
  if (isOver(tile)) return "over";
  switch (act) {
    case "pause":
      return tile.state === "running" ? null : tile.state === "paused" ? "paused" : "not-running";
    case "resume":
      return tile.state === "paused" ? null : "not-paused";
    case "extra-time":
      return tile.section === "" ? "no-section" : null;
    case "ask-still":
      return tile.state === "running" || tile.state === "ready" ? null : "no-camera";
    case "ask-id":
      if (tile.id_check === "awaited") return "nothing-shown";
      return tile.id_check === "retake" ? "asked-already" : null;
    case "restore-rule":
      return tile.lifted.length === 0 ? "none-lifted" : null;
    case "terminate":
      return tile.termination === null ? null : "proposed";
    case "confirm-terminate":
    case "withdraw-terminate":
      return tile.termination === null ? "not-proposed" : null;
    default:
      return null;
  }
}

export function fits(act: ActKind, tile: Tile): boolean {
  return unfit(act, tile) === null;
}

/** How many there are of each, in the order of UNFIT. */
export function leftOf(whys: readonly Unfit[]): Left[] {
  const found = UNFIT.map((why) => ({ why, count: whys.filter((each) => each === why).length }));
  return found.filter(({ count }) => count > 0);
}

/**
 * The rules that an act can be about: to restore, those that are lifted for any of the sessions; to
 * lift, those of `known` that hold for any.
 */
export function rulesFor(
  act: AskingAct,
  tiles: readonly Tile[],
  known: readonly string[] = RULES,
): { rule: string; count: number }[] {
  const back = act === "restore-rule";
  const lifted = tiles.flatMap((tile) => tile.lifted);
  const all = back ? [...new Set([...RULES.filter((rule) => lifted.includes(rule)), ...lifted])] : known;
  const each = all.map((rule) => {
    const there = tiles.filter((tile) => tile.lifted.includes(rule) === back);
    return { rule, count: there.length };
  });
  return tiles.length === 0 ? each : each.filter(({ count }) => count > 0);
}

/** The words of a reason, without its category: "network". */
export function wordsOf(reasons: readonly ReasonGroup[], code: string): string {
  for (const group of reasons)
    for (const reason of group.reasons) if (reason.code === code) return reason.words;
  return "";
}

/** What one proctor may confirm of what others propose, by session: the id of each proposal. */
export function confirmable(tiles: readonly Tile[], me: string): Record<string, string> {
  const read = tiles.filter(({ termination }) => termination !== null && termination.by !== me);
  return Object.fromEntries(read.map((each) => [each.session, each.termination?.act ?? ""]));
}

/** Proposals that say the same, and how many they are of. */
export function alike(
  tiles: readonly Tile[],
  ofBySession: Readonly<Record<string, string>>,
): (Proposed & { learners: string[] })[] {
  const found = new Map<string, Proposed & { learners: string[] }>();
  for (const { session, learner, termination } of tiles) {
    if (termination === null || termination.act !== ofBySession[session]) continue;
    const key = JSON.stringify([termination.by, termination.code, termination.note]);
    const same = found.get(key);
    if (same === undefined) found.set(key, { ...termination, learners: [learner] });
    else same.learners.push(learner);
  }
  return [...found.values()];
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
