/** The timeline as uPlot draws it: the line of faces is its series, the lanes above are drawn with it. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Snapshot } from "../api";
import { desk as words } from "../text/desk";
import { clock } from "../text/when";
import { LANES, type Lane, type Mark } from "./happened";
import { axisTimes, clipped, fitting, type Stretch, WIDTH, xOf } from "./timeline";

export const LABELS_PX = 92;
const AXIS_PX = 20;
const LANE_PX = 20;
const FACES_PX = 32;
export const HEIGHT = AXIS_PX + LANES.length * LANE_PX + FACES_PX;
/** A pointer this near to a mark means it. */
const NEAR_PX = 12;

/** What the plot reads each time it draws. */
export interface Scene {
  marks: readonly Mark[];
  shots: readonly Snapshot[];
  stretches: readonly Stretch[];
  /** Index of the snapshot in view, of the flag in view; -1 for none. */
  shot: number;
  flag: number;
  zone: string;
  offset_ms: number;
}

export interface Ink {
  ink: string;
  soft: string;
  line: string;
  raised: string;
  ground: string;
  needs: string;
  accent: string;
}

/** The page's own colours, light or dark. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    soft: of("soft"),
    line: of("line"),
    raised: of("raised"),
    ground: of("ground"),
    needs: of("needs"),
    accent: of("accent"),
  };
}

/** Places and numbers of faces; null where nobody has counted. */
export function dataOf({ shots, stretches }: Scene): uPlot.AlignedData {
  const xs = shots.map(({ at_ms }) => xOf(stretches, at_ms));
  const faces = shots.map(({ observation }) => observation?.faces?.length ?? null);
  return xs.length === 0 ? [[0], [null]] : [xs, faces];
}

interface Wishes {
  scene: () => Scene;
  ink: () => Ink;
  zoomed: (from: number, to: number) => void;
  pointed: (mark: Mark | null, at: number | null) => void;
}

export function optionsOf(width: number, wishes: Wishes): uPlot.Options {
  const { scene, ink } = wishes;
  return {
    width,
    height: HEIGHT,
    padding: [0, 12, 0, LABELS_PX],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      x: { time: false, auto: false, range: (_u, min, max) => [min ?? 0, max ?? WIDTH] },
      // The line of faces has the lowest lane to itself.
      faces: { auto: false, range: () => [-0.4, (4 * (HEIGHT - AXIS_PX)) / FACES_PX] },
    },
    axes: [
      {
        side: 0,
        size: AXIS_PX,
        font: "12px system-ui",
        stroke: () => ink().soft,
        grid: { stroke: () => ink().line, width: 1 },
        ticks: { show: false },
        splits: (u) => {
          const { min = 0, max = WIDTH } = u.scales["x"] ?? {};
          const [from, to] = [min ?? 0, max ?? WIDTH];
          const parts = clipped(scene().stretches, from, to);
          const apart = (64 * (to - from)) / Math.max(1, u.bbox.width / uPlot.pxRatio);
          return axisTimes(parts, apart, scene().offset_ms).map((at) => xOf(parts, at));
        },
        values: (u, splits) => splits.map((x) => clock(timeOf(scene().stretches, x), scene().zone, zoomedIn(u))),
      },
      { scale: "faces", show: false },
    ],
    series: [
      {},
      {
        scale: "faces",
        stroke: () => ink().soft,
        width: 1.5,
        points: { show: false },
        paths: uPlot.paths.stepped?.({ align: 1 }) ?? (() => null),
      },
    ],
    hooks: {
      drawClear: [(u) => drawGround(u, scene(), ink())],
      draw: [(u) => drawLanes(u, scene(), ink())],
      setSelect: [
        (u) => {
          const { left, width: wide } = u.select;
          if (wide < 8) return;
          wishes.zoomed(u.posToVal(left, "x"), u.posToVal(left + wide, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [
        (u) => {
          const { left = -1, top = -1 } = u.cursor;
          if (left < 0) wishes.pointed(null, null);
          else wishes.pointed(markAt(u, scene(), left, top), timeOf(scene().stretches, u.posToVal(left, "x")));
        },
      ],
    },
  };
}

function zoomedIn(u: uPlot): boolean {
  const { min = 0, max = WIDTH } = u.scales["x"] ?? {};
  return (max ?? WIDTH) - (min ?? 0) < WIDTH / 8;
}

/** The instant at a place; the last one's before it, where it lies in a break. */
export function timeOf(stretches: readonly Stretch[], x: number): number {
  const part = stretches.findLast((each) => each.x <= x) ?? stretches[0];
  if (part === undefined || part.width === 0) return part?.from_ms ?? 0;
  const share = Math.min(1, Math.max(0, (x - part.x) / part.width));
  return part.from_ms + (part.to_ms - part.from_ms) * share;
}

/** The mark under a place in CSS pixels of the plot; the foremost one where several lie. */
export function markAt(u: uPlot, { marks, stretches }: Scene, left: number, top: number): Mark | null {
  const lane = LANES[Math.floor(top / LANE_PX)];
  if (lane === undefined || top < 0) return null;
  let best: Mark | null = null;
  let away = lane === "answers" ? 4 : NEAR_PX;
  for (const mark of marks) {
    if (mark.lane !== lane) continue;
    const [from, to] = ends(u, mark, stretches, false);
    const distance = left < from ? from - left : left > to ? left - to : 0;
    if (distance < away || (distance === 0 && best !== null)) [best, away] = [mark, distance];
  }
  return best;
}

/** Where a mark begins and ends, in pixels. */
function ends(u: uPlot, mark: Mark, stretches: readonly Stretch[], canvas: boolean): [number, number] {
  return [
    u.valToPos(xOf(stretches, mark.from_ms), "x", canvas),
    u.valToPos(xOf(stretches, mark.to_ms), "x", canvas),
  ];
}

/** The middle of a lane, in canvas pixels. */
function middle(u: uPlot, lane: Lane): number {
  return u.bbox.top + (LANES.indexOf(lane) + 0.5) * LANE_PX * uPlot.pxRatio;
}

function drawGround(u: uPlot, { stretches }: Scene, ink: Ink): void {
  const { ctx, bbox } = u;
  const px = uPlot.pxRatio;
  ctx.save();
  ctx.fillStyle = ink.soft;
  ctx.font = `${12 * px}px system-ui`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const lane of LANES) ctx.fillText(words.lanes[lane], 0, middle(u, lane));
  ctx.fillText(words.lanes.faces, 0, bbox.top + bbox.height - (FACES_PX / 2) * px);
  ctx.strokeStyle = ink.soft;
  ctx.setLineDash([2 * px, 3 * px]);
  ctx.beginPath();
  for (const [place, part] of stretches.slice(1).entries()) {
    const before = stretches[place];
    const x = u.valToPos(before === undefined ? part.x : (before.x + before.width + part.x) / 2, "x", true);
    if (x < bbox.left) continue;
    ctx.moveTo(x - 4 * px, bbox.top);
    ctx.lineTo(x - 4 * px, bbox.top + bbox.height);
    ctx.moveTo(x + 4 * px, bbox.top);
    ctx.lineTo(x + 4 * px, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

function drawLanes(u: uPlot, scene: Scene, ink: Ink): void {
  const { ctx, bbox } = u;
  const px = uPlot.pxRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - 10 * px, 0, bbox.width + 22 * px, bbox.top + bbox.height + px);
  ctx.clip();
  ctx.font = `${12 * px}px system-ui`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineWidth = 1.5 * px;
  for (const lane of LANES) drawLane(u, scene, ink, lane);
  drawShots(u, scene, ink);
  ctx.restore();
}

function drawLane(u: uPlot, scene: Scene, ink: Ink, lane: Lane): void {
  const { ctx, bbox } = u;
  const px = uPlot.pxRatio;
  const y = middle(u, lane);
  const edge = bbox.left + bbox.width;
  const there = scene.marks.filter((mark) => mark.lane === lane);
  const places = there.map((mark) => ends(u, mark, scene.stretches, true));
  if (lane === "answers") {
    drawTicks(u, places.map(([from]) => from), y - 5 * px, 10 * px, ink.soft);
    return;
  }
  const texts = there.map((mark, at) => {
    const [from, to] = places[at] ?? [0, 0];
    return (mark.shape === "gap" ? to - from : 0) + ctx.measureText(mark.label).width + 26 * px;
  });
  const fits = fitting(places.map(([from]) => from), texts, edge);
  there.forEach((mark, at) => {
    const [from, to] = places[at] ?? [0, 0];
    if (to < bbox.left - 10 * px || from > edge + 10 * px) return;
    const current = mark.flag !== undefined && mark.flag === scene.flag;
    drawShape(ctx, mark.shape, { from, to, y, px, ink, current });
    if (mark.shape === "section") drawWithin(ctx, mark.label, from, to, y, px, ink);
    else {
      const label = fits[at] === true ? mark.label : mark.flag === undefined ? "" : String(mark.flag + 1);
      ctx.fillStyle = ink.ink;
      ctx.font = `${current ? "700 " : ""}${12 * px}px system-ui`;
      ctx.fillText(label, mark.shape === "gap" ? to + 6 * px : from + 13 * px, y);
      ctx.font = `${12 * px}px system-ui`;
    }
  });
}

function drawWithin(
  ctx: CanvasRenderingContext2D,
  label: string,
  from: number,
  to: number,
  y: number,
  px: number,
  ink: Ink,
): void {
  if (ctx.measureText(label).width + 12 * px > to - from) return;
  ctx.fillStyle = ink.ink;
  ctx.fillText(label, from + 6 * px, y);
}

interface Where {
  from: number;
  to: number;
  y: number;
  px: number;
  ink: Ink;
  current: boolean;
}

function drawShape(ctx: CanvasRenderingContext2D, shape: Mark["shape"], where: Where): void {
  const { from, to, y, px, ink, current } = where;
  ctx.beginPath();
  ctx.setLineDash([]);
  switch (shape) {
    case "section":
      ctx.rect(from, y - 8 * px, Math.max(2 * px, to - from), 16 * px);
      fill(ctx, ink.raised, ink.line);
      return;
    case "triangle":
      span(ctx, ink.needs, where);
      ctx.beginPath();
      ctx.moveTo(from, y - 9 * px);
      ctx.lineTo(from + 8 * px, y + 5 * px);
      ctx.lineTo(from - 8 * px, y + 5 * px);
      ctx.closePath();
      fill(ctx, ink.needs, current ? ink.ink : ink.needs);
      return;
    case "circle":
      span(ctx, ink.soft, where);
      ctx.beginPath();
      ctx.arc(from, y - 2 * px, 6 * px, 0, 2 * Math.PI);
      fill(ctx, ink.ground, current ? ink.ink : ink.soft);
      return;
    case "gap":
      ctx.setLineDash([4 * px, 3 * px]);
      ctx.rect(from, y - 5 * px, Math.max(4 * px, to - from), 10 * px);
      fill(ctx, ink.ground, ink.soft);
      ctx.setLineDash([]);
      return;
    case "given": // a plus
      ctx.moveTo(from - 5 * px, y);
      ctx.lineTo(from + 5 * px, y);
      ctx.moveTo(from, y - 5 * px);
      ctx.lineTo(from, y + 5 * px);
      break;
    case "message": // a speech bubble
      ctx.rect(from - 6 * px, y - 6 * px, 12 * px, 8 * px);
      ctx.moveTo(from - 2 * px, y + 2 * px);
      ctx.lineTo(from - 4 * px, y + 7 * px);
      ctx.lineTo(from + 2 * px, y + 2 * px);
      break;
    case "act": // a square
      ctx.rect(from - 5 * px, y - 5 * px, 10 * px, 10 * px);
      fill(ctx, ink.soft, ink.soft);
      return;
    case "comment": // a flag on a pole
      ctx.moveTo(from, y + 7 * px);
      ctx.lineTo(from, y - 8 * px);
      ctx.lineTo(from + 9 * px, y - 4 * px);
      ctx.lineTo(from, y);
      break;
    case "tick":
      return; // drawn together
  }
  ctx.strokeStyle = shape === "comment" ? ink.accent : ink.ink;
  ctx.stroke();
}

function fill(ctx: CanvasRenderingContext2D, inside: string, edge: string): void {
  ctx.fillStyle = inside;
  ctx.fill();
  ctx.strokeStyle = edge;
  ctx.stroke();
}

/** How long a flag lasted, as a bar below its mark. */
function span(ctx: CanvasRenderingContext2D, colour: string, { from, to, y, px }: Where): void {
  ctx.fillStyle = colour;
  ctx.fillRect(from, y + 7 * px, Math.max(3 * px, to - from), 3 * px);
}

/** Two hours have 1,440 snapshots, and a pixel holds only one tick. */
function drawTicks(u: uPlot, places: readonly number[], y: number, height: number, colour: string): void {
  const { ctx } = u;
  ctx.beginPath();
  for (const x of new Set(places.map(Math.round))) {
    ctx.moveTo(x + 0.5, y);
    ctx.lineTo(x + 0.5, y + height);
  }
  ctx.lineWidth = uPlot.pxRatio;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/** Each snapshot is a tick at the foot; the one in view a line through everything. */
function drawShots(u: uPlot, { shots, stretches, shot }: Scene, ink: Ink): void {
  const { ctx, bbox } = u;
  const px = uPlot.pxRatio;
  const foot = bbox.top + bbox.height;
  const places = shots.map(({ at_ms }) => u.valToPos(xOf(stretches, at_ms), "x", true));
  drawTicks(u, places, foot - 6 * px, 6 * px, ink.soft);
  const x = places[shot];
  if (x === undefined) return;
  ctx.beginPath();
  ctx.lineWidth = 2 * px;
  ctx.strokeStyle = ctx.fillStyle = ink.accent;
  ctx.moveTo(x, bbox.top - 2 * px);
  ctx.lineTo(x, foot);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x - 6 * px, bbox.top - 6 * px);
  ctx.lineTo(x + 6 * px, bbox.top - 6 * px);
  ctx.lineTo(x, bbox.top + 2 * px);
  ctx.fill();
}
