/** What proctors did, as its learner is told: each new act stays up until it was read. */

import { fieldsOf } from "./items";

export interface Act {
  id: string;
  /** "message", "pause", "extra-time", …: what the exam server calls it. */
  kind: string;
  /** In plain words: "A proctor paused your exam: network." */
  words: string;
  /** What the proctor wrote to it; may be empty. */
  note: string;
  at_ms: number;
  /** It was taken back. */
  undone: boolean;
}

/** Acts that end an exam. */
const ENDING: readonly string[] = ["terminate", "confirm-terminate"];

/** The acts in a view of a session or in a timeline, by time, as far as they are understood. */
export function actsOf(told: unknown): Act[] {
  const { acts } = fieldsOf(told);
  const known = (Array.isArray(acts) ? acts : []).flatMap((one): Act[] => {
    const { id, act, words, note, at_ms, undone } = fieldsOf(one);
    if (typeof id !== "string" || typeof words !== "string" || typeof at_ms !== "number") return [];
    return [{ id, kind: text(act), words, note: text(note), at_ms, undone: undone === true }];
  });
  return known.sort((one, other) => one.at_ms - other.at_ms);
}

/** Those that were not read yet. */
export function unread(acts: readonly Act[], read: readonly string[]): Act[] {
  return acts.filter(({ id }) => !read.includes(id));
}

/** The act that a screen is about, which says why it stands there; null where it is not known. */
export function behind(acts: readonly Act[], screen: "paused" | "terminated"): Act | null {
  const kinds = screen === "paused" ? ["pause"] : ENDING;
  return acts.findLast(({ kind, undone }) => kinds.includes(kind) && !undone) ?? null;
}

/** The answer to what was asked then; null while none came. */
export function answerTo(acts: readonly Act[], asked_at_ms: number): Act | null {
  return acts.find(({ kind, at_ms, undone }) => kind === "answer" && !undone && at_ms >= asked_at_ms) ?? null;
}

/** What this learner is granted, in sentences. */
export function permittedOf(told: unknown): string[] {
  const { permitted } = fieldsOf(told);
  return (Array.isArray(permitted) ? permitted : []).filter((one) => typeof one === "string");
}

/** When a proctor last asked for a picture, by the server's clock; null before. */
export function askedStillAt(told: unknown): number | null {
  const { asked_still_ms } = fieldsOf(told);
  return typeof asked_still_ms === "number" ? asked_still_ms : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
