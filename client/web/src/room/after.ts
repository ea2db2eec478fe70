/** What a learner reads once the exam has ended, and what they answer: values alone. */

import type {
  AnswerSaved,
  Attachment,
  Flag,
  Gap,
  LedgerEntry,
  Look,
  Message,
  SectionView,
  Snapshot,
  SnapshotRef,
} from "../api";
import { after } from "../text/after";
import { lengthWords } from "../text/when";
import { type Act, actsOf } from "./acts";
import { fieldsOf } from "./items";

export const MAX_TEXT_CHARS = 4000;
export const MAX_ALL_CHARS = 40_000;
export const MAX_FILES = 5;
export const MAX_FILE_BYTES = 2 * 1024 * 1024;
export const MAX_NAME_CHARS = 120;

/** A flag, and what people made of it: null where nobody judged it by itself. */
export interface Judged extends Flag {
  outcome: string | null;
  reason: string;
}

/** What the learner answered. */
export interface Answered {
  text: string;
  flags: ReadonlyMap<string, string>;
  attachments: readonly Attachment[];
  at_ms: number;
}

/** What people decided, and whether it can be answered. */
export interface Decision {
  /** awaiting, decided, contested or final; or unjudged, where nobody had to judge it. */
  state: string;
  outcome: string | null;
  reasons: string;
  /** Null where it can't be answered, or not any more. */
  contest_until_ms: number | null;
  results_held: boolean;
}

/** All that is on the page. */
export interface After {
  session: string;
  now_ms: number;
  sections: readonly SectionView[];
  /** By time. */
  snapshots: readonly Snapshot[];
  /** By time; null before it is decided: until then a flag is nobody's judgement. */
  flags: readonly Judged[] | null;
  gaps: readonly Gap[];
  ledger: readonly LedgerEntry[];
  messages: readonly Message[];
  answers: readonly AnswerSaved[];
  acts: readonly Act[];
  decision: Decision;
  answered: Answered | null;
  looks: readonly Look[];
}

/**
 * Puts together what GET /session/timeline, /session/outcome and /session/looks told.
 *
 * Page and server are built from the same tree: only what may be absent is looked at.
 */
export function afterOf(timeline: unknown, outcome: unknown, looks: unknown): After {
  const told = fieldsOf(timeline);
  const session = fieldsOf(told["session"]);
  const { flags, contest_until_ms: until_ms } = told;
  return {
    session: String(session["session"] ?? ""),
    now_ms: Number(session["now_ms"] ?? 0),
    sections: list(session["sections"]),
    snapshots: [...list<Snapshot>(told["snapshots"])].sort(byTime),
    flags: Array.isArray(flags) ? [...list<Judged>(flags)].sort(byStart) : null,
    gaps: list(told["gaps"]),
    ledger: list(told["ledger"]),
    messages: list(told["messages"]),
    answers: list(told["answers"]),
    acts: actsOf(told),
    decision: {
      state: told["released_unjudged"] === true ? "unjudged" : text(told["review"]) || "awaiting",
      outcome: text(told["outcome"]) || null,
      reasons: text(told["reasons"]),
      contest_until_ms: typeof until_ms === "number" ? until_ms : null,
      results_held: fieldsOf(outcome)["results_held"] === true,
    },
    answered: answeredOf(told["contest"]),
    looks: list<Look>(looks),
  };
}

function answeredOf(contest: unknown): Answered | null {
  const { text: words, flags, attachments, at_ms } = fieldsOf(contest);
  if (typeof at_ms !== "number") return null;
  const answers = list(flags).map((one): [string, string] => {
    const { flag, text: answer } = fieldsOf(one);
    return [text(flag), text(answer)];
  });
  return { text: text(words), flags: new Map(answers), attachments: list(attachments), at_ms };
}

/** Whether an answer can be given now. */
export function mayAnswer({ decision, answered, now_ms }: After): boolean {
  const { state, contest_until_ms } = decision;
  return (
    state === "decided" &&
    answered === null &&
    contest_until_ms !== null &&
    now_ms < contest_until_ms
  );
}

// --- the exam in time ---------------------------------------------------------------------------

export interface Moment {
  at_ms: number;
  words: string;
  /** What somebody wrote to it; may be empty. */
  note: string;
}

/** All that happened, in words, by time. */
export function momentsOf(told: After): Moment[] {
  const { time } = after;
  const title = (id: string) => told.sections.find((section) => section.id === id)?.title ?? id;
  const said = (at_ms: number, words: string, note = ""): Moment => ({ at_ms, words, note });
  const moments = [
    ...told.sections.flatMap(({ title, opened_at_ms, closed_at_ms, closed_by }) => {
      if (opened_at_ms === null) return [];
      const { closed } = time;
      const end =
        closed_by === "handed-in" || closed_by === "time-up" ? closed[closed_by] : closed.other;
      return [
        said(opened_at_ms, time.opened(title)),
        ...(closed_at_ms === null ? [] : [said(closed_at_ms, end(title))]),
      ];
    }),
    ...(told.flags ?? []).map(({ started_at_ms, rule }) => said(started_at_ms, time.flagged(rule))),
    ...told.gaps.map(({ of, cause, from_ms, to_ms }) =>
      said(from_ms, time.gap(of, cause, lengthWords(to_ms - from_ms))),
    ),
    ...told.ledger.map(({ at_ms, seconds, cause, section, reason }) =>
      said(at_ms, time.ledger(seconds, cause, title(section), reason)),
    ),
    ...told.messages.map(({ at_ms, topic, text, raised }) => {
      if (topic !== "hand") return said(at_ms, time.said(text));
      return said(at_ms, time.hand(raised !== false), text);
    }),
    ...told.acts.map(({ at_ms, words, note }) => said(at_ms, words, note)),
  ];
  return moments.sort(byTime);
}

/** From the first to the last thing of an exam, ms; never empty. */
export function spanOf(told: After): { from_ms: number; to_ms: number } {
  const times = [
    ...told.sections.flatMap(({ opened_at_ms, closed_at_ms }) => [opened_at_ms, closed_at_ms]),
    ...told.snapshots.map(({ at_ms }) => at_ms),
  ].filter((at_ms) => at_ms !== null);
  // Not Math.min(...times): a long exam has more of them than a call takes arguments.
  const from_ms = times.reduce((least, at_ms) => Math.min(least, at_ms), Infinity);
  const to_ms = times.reduce((most, at_ms) => Math.max(most, at_ms), -Infinity);
  return to_ms > from_ms ? { from_ms, to_ms } : { from_ms: told.now_ms - 1, to_ms: told.now_ms };
}

/** Where a snapshot stands among all; -1 where it is not. */
export function placeOf(snapshots: readonly Snapshot[], { device, seq }: SnapshotRef): number {
  return snapshots.findIndex((one) => one.device === device && one.seq === seq);
}

/** Of many, `most` that are spread evenly, the first and the last among them. */
export function spread<Thing>(things: readonly Thing[], most: number): Thing[] {
  if (things.length <= most) return [...things];
  const step = (things.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, at) => things[Math.round(at * step)] as Thing);
}

// --- the answer ---------------------------------------------------------------------------------

export interface File_ {
  name: string;
  type: string;
  size: number;
}

// What the exam server takes in no name.
const NOT_IN_NAMES = /[\x00-\x1f\x7f/\\]/;

/** Why a file can't be added to so many that are there, in words; null where it can. */
export function fileProblem(there: number, { name, size }: File_): string | null {
  const { problem } = after.answer;
  if (size > MAX_FILE_BYTES) return problem.large(name, MAX_FILE_BYTES);
  if (size === 0) return problem.empty(name);
  if (NOT_IN_NAMES.test(name)) return problem.named(name);
  if (there >= MAX_FILES) return problem.many(name, MAX_FILES);
  return null;
}

/** Why an answer can't be sent, in words; null where it can. */
export function answerProblem(words: string, flags: ReadonlyMap<string, string>): string | null {
  const texts = [words, ...flags.values()].map((each) => each.trim());
  if (texts.every((each) => each === "")) return after.answer.problem.nothing;
  if (texts.some((each) => each.length > MAX_TEXT_CHARS)) {
    return after.answer.problem.long(MAX_TEXT_CHARS);
  }
  const all = texts.reduce((sum, { length }) => sum + length, 0);
  if (all > MAX_ALL_CHARS) return after.answer.problem.longInAll(all, MAX_ALL_CHARS);
  return null;
}

/** The body of POST /session/contest. */
export function contestOf(
  words: string,
  flags: ReadonlyMap<string, string>,
  attachments: readonly { name: string; type: string; data_base64: string }[],
): object {
  const answers = [...flags]
    .map(([flag, answer]) => ({ flag, text: answer.trim() }))
    .filter(({ text: answer }) => answer !== "");
  return { text: words.trim(), flags: answers, attachments };
}

/** Whether what was answered is all that stands here: its words, those to flags, and its files. */
export function isSame(
  answered: Answered,
  words: string,
  flags: ReadonlyMap<string, string>,
  files: readonly File_[],
): boolean {
  const here = [...flags].map(([flag, each]) => [flag, each.trim()] as const);
  const said = here.filter(([, each]) => each !== "");
  return (
    answered.text === words.trim() &&
    answered.flags.size === said.length &&
    said.every(([flag, each]) => answered.flags.get(flag) === each) &&
    answered.attachments.length === files.length &&
    files.every(({ name, size }, at) => {
      const kept = answered.attachments[at];
      return kept?.name === name && kept.size === size;
    })
  );
}

function list<Thing = unknown>(value: unknown): Thing[] {
  return Array.isArray(value) ? (value as Thing[]) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function byTime(one: { at_ms: number }, other: { at_ms: number }): number {
  return one.at_ms - other.at_ms;
}

function byStart(one: Flag, other: Flag): number {
  return one.started_at_ms - other.started_at_ms;
}
