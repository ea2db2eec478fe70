/** What happened in a session, as marks for the timeline and as sentences for readers. Pure. */

import type { Flag, Timeline } from "../api";
import { desk } from "../text/desk";
import { en } from "../text/en";
import { lengthWords } from "../text/when";
import { hasEnded, inOrder, kindOf, spansOf } from "./timeline";

/** The lanes of the timeline, from the top; below them stands the line of faces. */
export const LANES = ["sections", "conduct", "quality", "time", "talk", "answers"] as const;
export type Lane = (typeof LANES)[number];

/** How a mark is drawn: each kind of thing has a shape of its own, not only a colour. */
export type Shape =
  | "section"
  | "triangle" // conduct
  | "circle" // quality
  | "gap"
  | "given"
  | "message"
  | "act"
  | "comment"
  | "tick"; // an answer saved

export interface Mark {
  lane: Lane;
  shape: Shape;
  from_ms: number;
  to_ms: number;
  /** A whole sentence. */
  words: string;
  /** What fits beside it, or nothing. */
  label: string;
  /** It was after the end of all that is drawn: it lies at the right edge, but was not then. */
  after: boolean;
  /** Index in the order of j and k, where it is a flag. */
  flag?: number;
}

/** Everything that has a place on the timeline, lane by lane, by time. */
export function marks(timeline: Timeline): Mark[] {
  const end_ms = hasEnded(timeline)
    ? Math.max(...spansOf(timeline).map(([, to_ms]) => to_ms))
    : Infinity;
  return [
    ...sections(timeline),
    ...inOrder(timeline.flags).map(flagMark),
    ...times(timeline),
    ...talk(timeline),
    ...answers(timeline),
  ].map((mark) => ({ ...mark, after: mark.from_ms > end_ms }));
}

/** One thing that happened, in words. */
export interface Happened {
  at_ms: number;
  words: string;
  after: boolean;
}

/** All that happened, by time, for those who read rather than look. Answers are told together. */
export function happened(timeline: Timeline): Happened[] {
  const told = marks(timeline)
    .filter(({ shape }) => shape !== "section" && shape !== "tick")
    .map(({ from_ms, words, after }) => ({ at_ms: from_ms, words, after }));
  for (const section of timeline.session.sections) {
    const { title, opened_at_ms, closed_at_ms, closed_by } = section;
    if (opened_at_ms === null) continue; // what was never opened closes with the exam
    told.push({ at_ms: opened_at_ms, words: desk.chart.opened(title), after: false });
    if (closed_at_ms !== null)
      told.push({
        at_ms: closed_at_ms,
        words: desk.chart.closed(title, closed_by ?? ""),
        after: false,
      });
  }
  return told.sort((a, b) => a.at_ms - b.at_ms);
}

type Drawn = Omit<Mark, "after">;

function sections({ session }: Timeline): Drawn[] {
  return session.sections.flatMap(({ title, opened_at_ms: from_ms, closed_at_ms }) => {
    if (from_ms === null) return [];
    const to_ms = closed_at_ms ?? Math.max(from_ms, session.now_ms);
    return [{ lane: "sections", shape: "section", from_ms, to_ms, words: title, label: title }];
  });
}

function flagMark(flag: Flag, index: number): Drawn {
  const kind = en.flags.kind(kindOf(flag), flag.rule);
  return {
    lane: flag.flag_class,
    shape: flag.flag_class === "conduct" ? "triangle" : "circle",
    from_ms: flag.started_at_ms,
    to_ms: flag.ended_at_ms,
    words: desk.chart.flag(kind, flag.flag_class),
    label: `${index + 1} ${kind}`,
    flag: index,
  };
}

function times({ gaps, ledger }: Timeline): Drawn[] {
  const gone = gaps.map(({ cause, from_ms, to_ms }): Drawn => {
    const words = en.timeline.gap(cause, lengthWords(to_ms - from_ms));
    return { lane: "time", shape: "gap", from_ms, to_ms, words, label: words };
  });
  const given = ledger.map(({ seconds, cause, at_ms }): Drawn => {
    const words = desk.chart.ledger(seconds, cause);
    return { lane: "time", shape: "given", from_ms: at_ms, to_ms: at_ms, words, label: words };
  });
  return [...gone, ...given].sort(byTime);
}

function talk({ messages = [], acts = [], comments = [] }: Timeline): Drawn[] {
  const instant = (shape: Shape, at_ms: number, words: string): Drawn => ({
    lane: "talk",
    shape,
    from_ms: at_ms,
    to_ms: at_ms,
    words,
    label: "",
  });
  return [
    ...messages.map((message) =>
      instant(
        "message",
        message.at_ms,
        message.raised === false ? desk.chart.handDown : desk.chart.message(message),
      ),
    ),
    ...acts.map((act) => instant("act", act.at_ms, desk.chart.act(act))),
    ...comments.map(({ at_ms, by, text }) =>
      instant("comment", at_ms, desk.chart.comment(by, text)),
    ),
  ].sort(byTime);
}

function answers(timeline: Timeline): Drawn[] {
  return timeline.answers
    .flatMap(({ item, at_ms, last_at_ms }) =>
      (at_ms ?? [last_at_ms]).map((at): Drawn => {
        const words = desk.chart.answer(item);
        return { lane: "answers", shape: "tick", from_ms: at, to_ms: at, words, label: "" };
      }),
    )
    .sort(byTime);
}

function byTime(a: Drawn, b: Drawn): number {
  return a.from_ms - b.from_ms;
}
