/** What a proctor has decided: each decision has one request id, and knows how it is sent. */

import { wall as words } from "../text/wall";
import { moment } from "../text/when";
import { refusesAct, sinceThen } from "./act-answers";
import * as acts from "./acts";
import {
  type ActKind,
  type ActSent,
  BATCH_MOST,
  type BatchDone,
  type Failed,
  type LiveSession,
  type OneOfMany,
  type WallApi,
} from "./wall-api";

/** What came of an act, said until the next. */
export interface Result {
  words: string;
  failed: Failed[];
  undo?: Undoable;
}

/** What was done and can be taken back. */
export interface Undoable {
  act: ActKind;
  /** The id that it has in each session. */
  ofBySession: Readonly<Record<string, string>>;
}

/** What the server's answer says, and the session as it then was, where it was one alone. */
export interface Came {
  result: Result;
  session: LiveSession | null;
}

/** All that a decision is made of: with it, it can be sent again after the page was loaded anew. */
export interface Kept {
  readonly request: string;
  /** "Pause the exam of Ada". */
  readonly heading: string;
  /** When it was sent first, on the server's clock. */
  readonly at_ms: number;
  readonly act: ActSent;
  readonly sessions: readonly string[];
  readonly versions: acts.Versions;
  /** By session: on the wall it may not be any more. */
  readonly exams: Readonly<Record<string, string>>;
  /** Something to all of an exam: then it is no act on these sessions. */
  readonly announced: { exam: string; code: string } | null;
}

/** One decision with its one request id: sent again as it was, the server does it once. */
export interface Sent extends Kept {
  /** What it says, and to whom: the same text is the same decision. */
  readonly what: string;
  /** No answer came to it once: it may be done. */
  unsure: boolean;
  readonly send: (again: boolean) => Promise<Came>;
  /** What some of many have answered; null for nobody. */
  readonly soFar: () => Result | null;
}

export interface SentParts {
  api: Pick<WallApi, "act" | "actOnMany" | "announce">;
  nameOf: (session: string) => string;
  /** Null where it has never been on the wall. */
  examOf: (session: string) => string | null;
  examTitle: (exam: string) => string;
  now: () => number;
  /** The server's time of something that this computer's clock saw. */
  serverTime: (at_ms: number) => number;
  newId: () => string;
  zone: string;
}

/**
 * An act on one session or many, not sent yet.
 *
 * @param versions Of the sessions as they were read; of none where that does not matter.
 */
export function decided(
  parts: SentParts,
  sessions: readonly string[],
  act: ActSent,
  versions: acts.Versions,
): Sent {
  const [only] = sessions;
  const one = sessions.length === 1 && only !== undefined;
  const whom = one ? parts.nameOf(only) : words.act.many(sessions.length);
  const heading = words.act.headings[act.act](whom);
  const known = sessions.flatMap((session) => {
    const exam = parts.examOf(session);
    return exam === null ? [] : [[session, exam] as const];
  });
  const exams = Object.fromEntries(known);
  const more = { act, sessions, versions, exams, announced: null };
  const begun = { ...begunOf(parts, whatOf(sessions, act), heading), ...more };
  const { request } = begun;
  const { ofBySession = {}, ...alike } = act;
  const forAll = { ...alike, request };
  const particular = (session: string): OneOfMany => ({
    ...(ofBySession[session] === undefined ? {} : { of: ofBySession[session] }),
    ...(versions[session] === undefined ? {} : { version: versions[session] }),
  });
  if (!one) return { ...begun, ...toMany(parts, sessions, forAll, particular) };
  const forOne = { ...forAll, ...particular(only) };
  return { ...begun, soFar: () => null, send: (again) => toOne(parts, only, forOne, again) };
}

/** Something to everybody of an exam, not sent yet. */
export function announcement(parts: SentParts, exam: string, code: string, typed: string): Sent {
  const note = typed.trim();
  const heading = words.announce.headingOf(parts.examTitle(exam));
  const begun = begunOf(parts, announcedAs(exam, code, note), heading);
  const { request } = begun;
  const send = async (again: boolean): Promise<Came> => {
    const { told, failed } = await parts.api.announce(exam, code, note, request);
    const said = words.announce.told(told);
    return { result: { words: again ? words.act.manyAgain(said) : said, failed }, session: null };
  };
  const none = { sessions: [], versions: {}, exams: {}, announced: { exam, code } };
  return { ...begun, ...none, act: { act: "message", note }, send, soFar: () => null };
}

/** A decision that may be done: nobody knows, because the page was loaded anew meanwhile. */
export function restored(parts: SentParts, kept: Kept): Sent {
  const { request, heading, at_ms, act, sessions, versions, exams, announced } = kept;
  const again: SentParts = {
    ...parts,
    newId: () => request,
    examOf: (session) => parts.examOf(session) ?? exams[session] ?? null,
  };
  const sent =
    announced === null
      ? decided(again, sessions, act, versions)
      : announcement(again, announced.exam, announced.code, act.note ?? "");
  return { ...sent, heading, at_ms, unsure: true };
}

/** What is kept of it; the rest is made anew. */
export function keptOf(sent: Sent): Kept {
  const { request, heading, at_ms, act, sessions, versions, exams, announced } = sent;
  return { request, heading, at_ms, act, sessions, versions, exams, announced };
}

function begunOf({ newId, now, serverTime }: SentParts, what: string, heading: string) {
  return { what, heading, request: newId(), at_ms: serverTime(now()), unsure: false };
}

async function toOne(
  parts: SentParts,
  session: string,
  act: ActSent,
  again: boolean,
): Promise<Came> {
  const begun_ms = parts.now();
  const { act: done, session: is } = await parts.api.act(session, act);
  const took_ms = parts.now() - begun_ms;
  const whom = parts.nameOf(session);
  let said = words.act.done[act.act]?.(whom) ?? "";
  // By the server's clock alone: older than this asking, it was done for one before.
  if (again && is.now_ms - done.at_ms > took_ms) {
    const when = moment(done.at_ms, is.now_ms, parts.zone);
    const since = sinceThen(done, act, is);
    said =
      since === null
        ? words.act.doneBefore(said, when)
        : words.act.undoneSince(words.act.headings[act.act](whom), when, since);
  }
  const undo = { act: act.act, ofBySession: { [session]: done.id } };
  const result = { words: said, failed: [], ...(done.undoable ? { undo } : {}) };
  return { result, session: is };
}

/** Many are sent by exam, in parts; a part that has answered is not sent again. */
function toMany(
  { api, examOf }: SentParts,
  sessions: readonly string[],
  act: ActSent,
  particular: (session: string) => OneOfMany,
): Pick<Sent, "send" | "soFar"> {
  const parts = acts
    .batches(sessions, examOf, BATCH_MOST)
    .map((part) => ({ ...part, answer: null as BatchDone | null }));
  const unknown = sessions.filter((session) => examOf(session) === null);
  let again = false;
  const soFar = (): Result | null => {
    const answered = parts.flatMap(({ answer }) => answer ?? []);
    return answered.length === 0 ? null : resultOf(answered);
  };
  const resultOf = (answered: readonly BatchDone[]): Result => {
    const count = answered.reduce((sum, { done }) => sum + done.length, 0);
    const failed = answered.flatMap((answer) => answer.failed);
    failed.push(...failedAll(unknown, "not-found", ""));
    const said = count === 0 ? "" : (words.act.done[act.act]?.(words.act.many(count)) ?? "");
    const back = answered.flatMap(({ done }) => done.filter(({ undoable }) => undoable));
    const ofBySession = Object.fromEntries(back.map(({ session, act: id }) => [session, id]));
    return {
      words: again && count > 0 ? words.act.manyAgain(said) : said,
      failed,
      ...(back.length > 0 ? { undo: { act: act.act, ofBySession } } : {}),
    };
  };
  const send = async (isAgain: boolean): Promise<Came> => {
    for (const part of parts) {
      if (part.answer !== null) continue;
      again ||= isAgain;
      try {
        const each = Object.fromEntries(part.sessions.map((one) => [one, particular(one)]));
        part.answer = await api.actOnMany(part.exam, part.sessions, { ...act, each });
      } catch (error) {
        if (parts.length === 1 || !refusesAct(error)) throw error;
        const failed = failedAll(part.sessions, error.code, error.detail);
        part.answer = { done: [], failed };
      }
    }
    return { result: resultOf(parts.flatMap(({ answer }) => answer ?? [])), session: null };
  };
  return { send, soFar };
}

/** What is sent, as text: the same text is the same decision. */
export function whatOf(to: readonly string[], what: object): string {
  return JSON.stringify([to, what]);
}

export function announcedAs(exam: string, code: string, note: string): string {
  return whatOf([exam], { announced: note.trim(), code });
}

function failedAll(sessions: readonly string[], code: string, detail: string): Failed[] {
  return sessions.map((session) => ({ session, code, detail }));
}
