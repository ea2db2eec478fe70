/** The arithmetic of the timeline: what lies where, and what comes next. No pixels are drawn here. */

import type { Flag, FlagClass, Snapshot, SnapshotRef, Timeline } from "../api";

/** `[from_ms, to_ms]`, from <= to. */
export type Span = readonly [number, number];

/** A stretch of time that is drawn, and where: x in pixels from the left edge. */
export interface Stretch {
  from_ms: number;
  to_ms: number;
  x: number;
  width: number;
}

/** The width of everything, in places on the timeline. */
export const WIDTH = 1000;
/** A part of the timeline that is shown large, as places on it; null: all of it. */
export type Zoom = readonly [number, number] | null;
const SMALLEST = 20;

/** Half as much, or twice, around a place. */
export function enlarged(zoom: Zoom, around: number, by: "in" | "out"): Zoom {
  const [from, to] = zoom ?? [0, WIDTH];
  const width = Math.max(SMALLEST, by === "in" ? (to - from) / 2 : (to - from) * 2);
  if (width >= WIDTH) return null;
  const left = Math.min(Math.max(0, around - width / 2), WIDTH - width);
  return [left, left + width];
}

/** A pause longer than this is drawn as a break, not as length: sections can be days apart. */
export const BREAK_MS = 20 * 60_000;
const BREAK_PX = 28;

/** Joins spans that touch or are less than `apart_ms` apart. Sorted, disjoint. */
export function joined(spans: readonly Span[], apart_ms: number): Span[] {
  const out: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && from - last[1] <= apart_ms) last[1] = Math.max(last[1], to);
    else out.push([from, Math.max(from, to)]);
  }
  return out;
}

/** All that happened, as spans: what the timeline must have room for. */
export function spansOf(timeline: Timeline): Span[] {
  return [
    ...sectionSpans(timeline).map(({ span }) => span),
    ...periodic(timeline.snapshots).map((shot): Span => [shot.at_ms, shot.at_ms]),
    ...timeline.flags.map((flag): Span => [flag.started_at_ms, flag.ended_at_ms]),
    ...timeline.gaps.map((gap): Span => [gap.from_ms, gap.to_ms]),
  ];
}

const ENDED: ReadonlySet<string> = new Set(["submitted", "terminated", "expired"]);

export function hasEnded({ session }: Timeline): boolean {
  return ENDED.has(session.state);
}

export function sectionSpans(timeline: Timeline): { id: string; title: string; span: Span }[] {
  return timeline.session.sections.flatMap(({ id, title, opened_at_ms, closed_at_ms }) =>
    opened_at_ms === null
      ? []
      : [
          {
            id,
            title,
            span: [opened_at_ms, closed_at_ms ?? Math.max(opened_at_ms, timeline.session.now_ms)],
          },
        ],
  );
}

/** Lays the spans out over `width` pixels, long breaks cut to a notch of the same small width. */
export function layOut(spans: readonly Span[], width: number): Stretch[] {
  const parts = joined(spans, BREAK_MS);
  // An instant alone still needs room: a minute of it.
  const lengths = parts.map(([from, to]) => Math.max(to - from, 60_000));
  const sum = lengths.reduce((total, length) => total + length, 0);
  const room = Math.max(0, width - BREAK_PX * (parts.length - 1));
  let x = 0;
  return parts.map(([from, to], index) => {
    const length = lengths[index] ?? 0;
    const stretch = { from_ms: from, to_ms: Math.max(to, from + length), x, width: (room * length) / sum };
    x += stretch.width + BREAK_PX;
    return stretch;
  });
}

/** Where an instant lies; inside a break it lies at the end of the stretch before. */
export function xOf(stretches: readonly Stretch[], at_ms: number): number {
  let x = 0;
  for (const part of stretches) {
    if (at_ms < part.from_ms) return x;
    const share = Math.min(1, (at_ms - part.from_ms) / (part.to_ms - part.from_ms));
    x = part.x + part.width * share;
    if (at_ms <= part.to_ms) return x;
  }
  return x;
}

/** The instant at a place; inside a break, the nearer edge. */
export function timeAt(stretches: readonly Stretch[], x: number): number | null {
  let nearest: { ms: number; away: number } | null = null;
  for (const part of stretches) {
    const inside = Math.min(Math.max(x, part.x), part.x + part.width);
    const away = Math.abs(x - inside);
    const share = part.width === 0 ? 0 : (inside - part.x) / part.width;
    const ms = part.from_ms + (part.to_ms - part.from_ms) * share;
    if (nearest === null || away < nearest.away) nearest = { ms, away };
  }
  return nearest?.ms ?? null;
}

/** The parts of the stretches between two places. */
export function clipped(stretches: readonly Stretch[], from: number, to: number): Stretch[] {
  return stretches.flatMap((part) => {
    const [left, right] = [Math.max(part.x, from), Math.min(part.x + part.width, to)];
    if (right <= left) return [];
    const at = (x: number) =>
      part.from_ms + ((part.to_ms - part.from_ms) * (x - part.x)) / part.width;
    return [{ from_ms: at(left), to_ms: at(right), x: left, width: right - left }];
  });
}

const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120];

/** Round instants to write on the axis, at least `apart_px` apart. `offset_ms` is the zone's. */
export function axisTimes(
  stretches: readonly Stretch[],
  apart_px: number,
  offset_ms: number,
): number[] {
  const times: number[] = [];
  for (const { from_ms, to_ms, width } of stretches) {
    const most = Math.floor(width / apart_px);
    const step_min = STEPS_MIN.find((step) => (to_ms - from_ms) / (step * 60_000) <= most);
    if (step_min === undefined) {
      times.push(from_ms); // too narrow for more than where it begins
      continue;
    }
    const step = step_min * 60_000;
    const first = Math.ceil((from_ms + offset_ms) / step) * step - offset_ms;
    if (first > to_ms) times.push(from_ms);
    for (let at = first; at <= to_ms; at += step) times.push(at);
  }
  return times;
}

/** For each place, whether words of that width fit before the next place or the right edge. */
export function fitting(places: readonly number[], widths: readonly number[], edge: number): boolean[] {
  return places.map((x, index) => {
    const next = Math.min(edge, ...places.filter((other) => other > x));
    return x + (widths[index] ?? 0) <= next;
  });
}

/** The snapshots of the exam itself, by time. Check-in and uploads are not part of the strip. */
export function periodic(snapshots: readonly Snapshot[]): Snapshot[] {
  return snapshots
    .filter((shot) => shot.purpose === "periodic")
    .sort((a, b) => a.at_ms - b.at_ms || a.device.localeCompare(b.device) || a.seq - b.seq);
}

/** The face the learner showed at check-in: the last one sent, because a retake replaces it. */
export function checkInFace(snapshots: readonly Snapshot[]): Snapshot | null {
  return lastOf(snapshots, "face");
}

/** What a second camera showed at an instant: its last picture before, or its first; or null. */
export function roomAt(snapshots: readonly Snapshot[], at_ms: number): Snapshot | null {
  const shown = snapshots
    .filter((shot) => shot.purpose === "room")
    .sort((a, b) => a.at_ms - b.at_ms || a.seq - b.seq);
  return shown.findLast((shot) => shot.at_ms <= at_ms) ?? shown[0] ?? null;
}

/** The last picture of this purpose, or null. */
export function lastOf(snapshots: readonly Snapshot[], purpose: string): Snapshot | null {
  return snapshots
    .filter((shot) => shot.purpose === purpose)
    .reduce<Snapshot | null>(
      (last, shot) => (last === null || shot.at_ms >= last.at_ms ? shot : last),
      null,
    );
}

/** Conduct first, then quality; each by time. The order of j and k, and of the numbers. */
export function inOrder(flags: readonly Flag[]): Flag[] {
  const rank: Record<FlagClass, number> = { conduct: 0, quality: 1 };
  return [...flags].sort(
    (a, b) =>
      rank[a.flag_class] - rank[b.flag_class] ||
      a.started_at_ms - b.started_at_ms ||
      a.flag.localeCompare(b.flag),
  );
}

/** The kind of a flag, "person-count": its id begins with the rule that raised it. */
export function kindOf(flag: Pick<Flag, "flag">): string {
  const name = flag.flag.split(".")[0] ?? "";
  return name.replace(/-\d+$/, "");
}

export function same(a: SnapshotRef, b: SnapshotRef): boolean {
  return a.device === b.device && a.seq === b.seq;
}

/** Index of the snapshot nearest in time; the earlier of two as near; -1 for none. */
export function nearest(shots: readonly Snapshot[], at_ms: number): number {
  let best = -1;
  let away = Infinity;
  shots.forEach((shot, index) => {
    const distance = Math.abs(shot.at_ms - at_ms);
    if (distance < away) [best, away] = [index, distance];
  });
  return best;
}

/** Index of the first snapshot a flag names, else the one nearest to its start; -1 for none. */
export function snapshotOf(shots: readonly Snapshot[], flag: Flag): number {
  const named = shots.findIndex((shot) => flag.snapshots.some((ref) => same(ref, shot)));
  return named >= 0 ? named : nearest(shots, flag.started_at_ms);
}

/** The flags that name this snapshot. */
export function flagsOn(flags: readonly Flag[], shot: SnapshotRef): Flag[] {
  return flags.filter((flag) => flag.snapshots.some((ref) => same(ref, shot)));
}

/** A step that stops at both ends. `length` 0 gives -1. */
export function stepped(index: number, by: number, length: number): number {
  return Math.min(Math.max(index + by, 0), length - 1);
}
