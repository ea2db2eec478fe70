/** What the server's answer to an act means, and what its silence. Pure. */

import { ProblemError, Unreachable } from "../api";
import { troubleWords } from "../text/problems";
import { wall as words } from "../text/wall";
import type { ActKind, ActSent, ActView, LiveSession } from "./wall-api";

/** What has become of an act that was done before; null where it stands. */
export function sinceThen(done: ActView, { act }: ActSent, now: LiveSession): string | null {
  if (done.lapsed === true) return words.act.since.lapsed;
  if (done.undone) return words.act.since.undone;
  return stands(act, done, now) ? null : words.act.since.changed(now.state);
}

function stands(act: ActKind, done: ActView, now: LiveSession): boolean {
  switch (act) {
    case "pause":
      return now.state === "paused";
    case "resume":
      return now.state !== "paused";
    case "terminate":
      return now.state === "terminated" || now.termination?.act === done.id;
    default:
      return true;
  }
}

/** Whether an act may be done for all that came back: a proxy's answer is none of the server's. */
export function isUnsure(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  return error instanceof ProblemError && error.status >= 500 && error.code !== "storage-full";
}

/** Said before anything is looked at: it tells nothing of what was done for the same request. */
const BEFORE_THE_ACT: readonly string[] = [
  "unknown",
  "login-needed",
  "role-not-allowed",
  "cross-site",
  "not-your-exam",
  "not-their-exam",
];

/** Whether the server refused the act itself: then it was not done for this request before. */
export function refusesAct(error: unknown): error is ProblemError {
  if (!(error instanceof ProblemError) || BEFORE_THE_ACT.includes(error.code)) return false;
  return error.status < 500 && error.status !== 408 && error.status !== 429;
}

/** What an act's refusal means, in words. */
export function wallTrouble(error: unknown): string {
  if (isUnsure(error)) return words.trouble.unsure;
  if (!(error instanceof ProblemError)) throw error;
  const { facts } = error;
  if (error.code === "stale-proposal")
    return words.termination.stale(facts["proposed_by"], facts["became"], facts["by"]);
  if (error.code === "nothing-proposed")
    return words.termination.gone(facts["became"], facts["by"]);
  if (error.code === "stale-page") return words.act.stale(facts["by"], facts["act"]);
  return words.trouble.codes[error.code] ?? troubleWords(error);
}
