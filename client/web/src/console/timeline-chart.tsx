import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { Timeline } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { clock, moment, zoneWords } from "../text/when";
import type { Desk } from "./desk";
import { type Happened, happened, type Mark, marks } from "./happened";
import { sliderCommand } from "./keys";
import { obey } from "./listen";
import { layOut, nearest, spansOf, WIDTH } from "./timeline";
import { dataOf, type Ink, inkOf, markAt, optionsOf, type Scene, timeOf } from "./timeline-plot";

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

/** One focusable slider over snapshots. Its marks are to see and click; j and k step the flags. */
export function TimelineChart({ desk, timeline, zone }: Props) {
  const [pointed, setPointed] = useState("");
  const stretches = useMemo(() => layOut(spansOf(timeline), WIDTH), [timeline]);
  const shots = desk.shots.value;
  const shot = shots[desk.shot.value];
  if (stretches.length === 0) return <p class="hint">{en.timeline.none}</p>;
  const at =
    shot === undefined
      ? en.timeline.none
      : en.timeline.at(clock(shot.at_ms, zone), desk.shot.value + 1, shots.length);
  return (
    <div class="timeline-box">
      <div
        class="timeline"
        role="slider"
        tabindex={0}
        aria-label={en.timeline.label}
        aria-valuemin={Math.min(1, shots.length)}
        aria-valuemax={shots.length}
        aria-valuenow={desk.shot.value + 1}
        aria-valuetext={at}
        onKeyDown={(event) => {
          const command = sliderCommand(event.key);
          if (command === null) return;
          event.preventDefault();
          obey(desk, command);
        }}
      >
        <Plot desk={desk} timeline={timeline} zone={zone} stretches={stretches} pointed={setPointed} />
      </div>
      <p class="under-timeline">
        <span aria-hidden="true">{pointed || words.chart.zoomHint}</span>
        <span>{en.session.times(zoneWords(timeline.session.now_ms, zone))}</span>
        {desk.zoom.value !== null && (
          <button type="button" class="quiet" onClick={() => (desk.zoom.value = null)}>
            {words.chart.whole} <kbd>0</kbd>
          </button>
        )}
      </p>
    </div>
  );
}

interface PlotProps extends Props {
  stretches: Scene["stretches"];
  pointed: (words: string) => void;
}

/** The canvas. Signals redraw it; nothing of it is drawn anew by the page. */
function Plot({ desk, timeline, zone, stretches, pointed }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    let ink: Ink = inkOf(element);
    const first = stretches[0];
    const now_ms = timeline.session.now_ms;
    const still = {
      marks: marks(timeline),
      shots: desk.shots.peek(),
      stretches,
      zone,
      offset_ms: first === undefined ? 0 : offsetOf(first.from_ms, zone),
    };
    const scene = (): Scene => ({ ...still, shot: desk.shot.peek(), flag: inView(desk) });
    const options = optionsOf(Math.max(320, element.clientWidth), {
      scene,
      ink: () => ink,
      zoomed: (from, to) => (desk.zoom.value = [from, to]),
      pointed: (mark, at) =>
        pointed(at === null ? "" : mark === null ? clock(at, zone) : pointedWords(mark, at, zone, now_ms)),
    });
    const plot = new uPlot(options, dataOf(scene()), element);
    plot.over.addEventListener("click", () => clicked(desk, plot, scene()));
    plot.over.addEventListener("dblclick", () => (desk.zoom.value = null));
    const stop = effect(() => {
      const [min, max] = desk.zoom.value ?? [0, WIDTH];
      plot.setScale("x", { min, max });
    });
    const follow = effect(() => {
      void [desk.shot.value, desk.flag.value, desk.deciding.value];
      plot.redraw(false);
    });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => {
      ink = inkOf(element);
      plot.redraw(false);
    };
    dark.addEventListener("change", recolour);
    const watch = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
    });
    watch.observe(element);
    return () => {
      stop();
      follow();
      dark.removeEventListener("change", recolour);
      watch.disconnect();
      plot.destroy();
    };
  }, [desk, timeline, stretches, zone]);
  return <div ref={box} class="plot" aria-hidden="true" />;
}

/** A mark that has no length says when it was, wherever beside it the pointer is. */
function pointedWords(mark: Mark, at_ms: number, zone: string, now_ms: number): string {
  const instant = mark.from_ms === mark.to_ms;
  return `${timeWords({ ...mark, at_ms: instant ? mark.from_ms : at_ms }, zone, now_ms)} · ${mark.words}`;
}

/** When something was; of what came after the end, that it did, and on which day. */
export function timeWords(told: Pick<Happened, "at_ms" | "after">, zone: string, now_ms: number): string {
  return told.after
    ? words.chart.after(moment(told.at_ms, now_ms, zone))
    : clock(told.at_ms, zone);
}

function inView(desk: Desk): number {
  return desk.deciding.peek() ? -1 : desk.flag.peek();
}

function clicked(desk: Desk, plot: uPlot, scene: Scene): void {
  const { left = -1, top = -1 } = plot.cursor;
  if (left < 0) return;
  const mark: Mark | null = markAt(plot, scene, left, top);
  if (mark?.flag !== undefined) return desk.toFlag(mark.flag);
  const at = timeOf(scene.stretches, plot.posToVal(left, "x"));
  const named = mark !== null && mark.shape !== "section";
  desk.playing.value = false;
  desk.toShot(nearest(desk.shots.value, named ? mark.from_ms : at));
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

/** The same as sentences, for whoever reads rather than looks. */
export function AllHappened({ desk, timeline, zone }: Props) {
  return (
    <details class="more">
      <summary>{words.chart.happened}</summary>
      <ol class="happened">
        {happened(timeline).map((told, index) => {
          const when = timeWords(told, zone, timeline.session.now_ms);
          return (
            <li key={index}>
              <button
                type="button"
                class="quiet"
                aria-label={`${words.chart.go} ${when}`}
                onClick={() => desk.toMoment(told.at_ms)}
              >
                {when}
              </button>{" "}
              {told.words}
            </li>
          );
        })}
      </ol>
    </details>
  );
}
