import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Flag, FlagClass, Timeline } from "../api";
import { en } from "../text/en";
import { clock, lengthWords } from "../text/when";
import type { Desk } from "./desk";
import { sliderCommand } from "./keys";
import { obey } from "./listen";
import {
  axisTimes,
  fitting,
  kindOf,
  layOut,
  nearest,
  sectionSpans,
  spansOf,
  type Stretch,
  timeAt,
  xOf,
} from "./timeline";

/** Where each lane lies: y in pixels of its middle. */
const LANE = { axis: 12, sections: 36, conduct: 64, quality: 92, gaps: 118, snapshots: 140 } as const;
const HEIGHT = 154;
const LABELS_PX = 84;

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

/** One focusable slider over snapshots. Its flags are marks to see and click; j and k step them. */
export function TimelineChart({ desk, timeline, zone }: Props) {
  const [box, width] = useWidth();
  const stretches = useMemo(
    () => layOut(spansOf(timeline), Math.max(0, width - LABELS_PX - 12)),
    [timeline, width],
  );
  const shots = desk.shots.value;
  const shot = shots[desk.shot.value];
  if (stretches.length === 0) return <p class="hint">{en.timeline.none}</p>;
  const words =
    shot === undefined
      ? en.timeline.none
      : en.timeline.at(clock(shot.at_ms, zone), desk.shot.value + 1, shots.length);
  return (
    <div
      ref={box}
      class="timeline"
      role="slider"
      tabindex={0}
      aria-label={en.timeline.label}
      aria-valuemin={Math.min(1, shots.length)}
      aria-valuemax={shots.length}
      aria-valuenow={desk.shot.value + 1}
      aria-valuetext={words}
      onKeyDown={(event) => {
        const command = sliderCommand(event.key);
        if (command === null) return;
        event.preventDefault();
        obey(desk, command);
      }}
      onClick={(event) => {
        const x = event.clientX - event.currentTarget.getBoundingClientRect().left - LABELS_PX;
        const at = timeAt(stretches, x);
        if (at !== null) desk.toShot(nearest(shots, at));
      }}
    >
      <svg width={width} height={HEIGHT} aria-hidden="true">
        <Labels />
        <g transform={`translate(${LABELS_PX} 0)`}>
          <Axis stretches={stretches} zone={zone} />
          <Sections timeline={timeline} stretches={stretches} />
          <Flags desk={desk} stretches={stretches} of="conduct" />
          <Flags desk={desk} stretches={stretches} of="quality" />
          <Gaps timeline={timeline} stretches={stretches} />
          <path class="ticks" d={ticks(shots.map(({ at_ms }) => xOf(stretches, at_ms)))} />
          {shot !== undefined && <Cursor x={xOf(stretches, shot.at_ms)} />}
        </g>
      </svg>
    </div>
  );
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useEffect(() => {
    if (box.current === null) return undefined;
    const watch = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width] as const;
}

function Labels() {
  const { sections, conduct, quality, gaps, snapshots } = en.timeline.lanes;
  const labels = [
    [LANE.sections, sections],
    [LANE.conduct, conduct],
    [LANE.quality, quality],
    [LANE.gaps, gaps],
    [LANE.snapshots, snapshots],
  ] as const;
  return (
    <g class="labels">
      {labels.map(([y, label]) => (
        <text key={label} x={0} y={y + 4}>
          {label}
        </text>
      ))}
    </g>
  );
}

function Axis({ stretches, zone }: { stretches: Stretch[]; zone: string }) {
  const first = stretches[0];
  const offset = first === undefined ? 0 : offsetOf(first.from_ms, zone);
  return (
    <g class="axis">
      {axisTimes(stretches, 64, offset).map((at) => {
        const x = xOf(stretches, at);
        return (
          <g key={at}>
            <path d={`M${x} ${LANE.axis + 6}V${HEIGHT}`} />
            <text x={x} y={LANE.axis} text-anchor={x < 18 ? "start" : "middle"}>
              {clock(at, zone, false)}
            </text>
          </g>
        );
      })}
      {stretches.slice(1).map(({ x }) => (
        <g key={x} class="pause">
          <path d={`M${x - 18} ${HEIGHT}V22M${x - 10} ${HEIGHT}V22`} />
          <title>{en.timeline.pause}</title>
        </g>
      ))}
    </g>
  );
}

/** The zone's distance from UTC, so that the axis has round local times. */
function offsetOf(at_ms: number, zone: string): number {
  const at = Math.floor(at_ms / 60_000) * 60_000;
  const part = (name: string) => Number(parts.find(({ type }) => type === name)?.value ?? 0);
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(at);
  return (
    Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute")) - at
  );
}

function Sections({ timeline, stretches }: { timeline: Timeline; stretches: Stretch[] }) {
  return (
    <g class="sections">
      {sectionSpans(timeline).map(({ id, title, span: [from, to] }) => {
        const x = xOf(stretches, from);
        const width = Math.max(2, xOf(stretches, to) - x - 1);
        const fits = width > widthOf(title) + 12;
        return (
          <g key={id}>
            <rect x={x} y={LANE.sections - 10} width={width} height={20} rx={3} />
            {fits && (
              <text x={x + 6} y={LANE.sections + 4}>
                {title}
              </text>
            )}
            <title>{title}</title>
          </g>
        );
      })}
    </g>
  );
}

function Flags({ desk, stretches, of }: { desk: Desk; stretches: Stretch[]; of: FlagClass }) {
  const marks = desk.flags.value.flatMap((flag, index) =>
    flag.flag_class === of ? [{ flag, index, x: xOf(stretches, flag.started_at_ms) }] : [],
  );
  const words = marks.map(({ flag, index }) => `${index + 1} ${flagWords(flag)}`);
  const fits = fitting(
    marks.map(({ x }) => x),
    words.map((word) => widthOf(word) + 24),
    edgeOf(stretches),
  );
  return (
    <g class={`marks ${of}`}>
      {marks.map(({ flag, index, x }, place) => (
        <Mark
          key={flag.flag}
          flag={flag}
          label={(fits[place] ? words[place] : null) ?? String(index + 1)}
          from={x}
          to={xOf(stretches, flag.ended_at_ms)}
          current={index === desk.flag.value}
          onClick={() => desk.toFlag(index)}
        />
      ))}
    </g>
  );
}

function flagWords(flag: Flag): string {
  return en.flags.kind(kindOf(flag), flag.rule);
}

/** About how wide words of the chart are, in pixels: 12 px of the system's font. */
function widthOf(words: string): number {
  return words.length * 7;
}

function edgeOf(stretches: Stretch[]): number {
  const last = stretches.at(-1);
  return last === undefined ? 0 : last.x + last.width;
}

interface MarkProps {
  flag: Flag;
  label: string;
  from: number;
  to: number;
  current: boolean;
  onClick: () => void;
}

function Mark({ flag, label, from, to, current, onClick }: MarkProps) {
  const y = LANE[flag.flag_class];
  return (
    <g
      class={current ? "current" : undefined}
      onClick={(event) => {
        event.stopPropagation(); // else the slider would move to the snapshot under the pointer
        onClick();
      }}
    >
      <title>{flagWords(flag)}</title>
      <rect class="hit" x={from - 12} y={y - 14} width={Math.max(24, to - from + 24)} height={28} />
      <rect class="span" x={from} y={y + 7} width={Math.max(3, to - from)} height={4} />
      {flag.flag_class === "conduct" ? (
        <path class="shape" d={`M${from} ${y - 11}l9 16h-18Z`} />
      ) : (
        <circle class="shape" cx={from} cy={y - 3} r={7} />
      )}
      <text x={from + 14} y={y + 2}>
        {label}
      </text>
    </g>
  );
}

function Gaps({ timeline, stretches }: { timeline: Timeline; stretches: Stretch[] }) {
  const gaps = timeline.gaps.map((gap) => {
    const x = xOf(stretches, gap.from_ms);
    const words = en.timeline.gap(gap.cause, lengthWords(gap.to_ms - gap.from_ms));
    return { gap, words, x, width: Math.max(4, xOf(stretches, gap.to_ms) - x) };
  });
  const fits = fitting(
    gaps.map(({ x }) => x),
    gaps.map(({ words, width }) => width + widthOf(words) + 6),
    edgeOf(stretches),
  );
  return (
    <g class="gaps">
      {gaps.map(({ gap, words, x, width }, place) => (
        <g key={`${gap.device} ${gap.seq}`}>
          <title>{words}</title>
          <rect x={x} y={LANE.gaps - 6} width={width} height={12} />
          {fits[place] === true && (
            <text x={x + width + 6} y={LANE.gaps + 4}>
              {words}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}

function Cursor({ x }: { x: number }) {
  return (
    <g class="cursor">
      <path d={`M${x} 20V${HEIGHT}`} />
      <path class="head" d={`M${x - 6} 18h12l-6 8Z`} />
    </g>
  );
}

/** One path for all ticks: two hours have 1,440 of them, and a pixel holds only one. */
function ticks(places: number[]): string {
  const pixels = new Set(places.map(Math.round));
  return [...pixels].map((x) => `M${x} ${LANE.snapshots - 6}v12`).join("");
}
