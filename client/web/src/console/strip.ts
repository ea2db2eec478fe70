/** Which thumbnails of a long strip are in the page, and which part of which sheet each shows. Pure. */

import type { Snapshot } from "../api";

/** As the server makes the sheets: 10 columns of 6 rows, 96 × 72 pixels each. */
export const SHEET = { columns: 10, rows: 6, width: 96, height: 72 } as const;
const ON_SHEET = SHEET.columns * SHEET.rows;
/** A thumbnail, its frame and the gap to the next, CSS pixels. */
export const CELL_PX = 104;
/** Kept on each side of what is seen, so that a quick hand meets no holes. */
const BESIDE = 8;
/** The part in the page changes only after so many: between, the browser scrolls alone. */
const CHUNK = 4;

/** Part of the strip, `[from, to)`. */
export interface Part {
  from: number;
  to: number;
}

/** What must be in the page of a strip of `count`, scrolled to `left` in a box of `width` pixels. */
export function partOf(left: number, width: number, count: number): Part {
  const first = Math.floor(left / CELL_PX / CHUNK) * CHUNK - BESIDE;
  const last = Math.ceil((left + width) / CELL_PX / CHUNK) * CHUNK + BESIDE;
  return { from: Math.max(0, Math.min(first, count)), to: Math.max(0, Math.min(last, count)) };
}

/** Where to scroll so that a thumbnail stands in the middle. */
export function scrolledTo(index: number, width: number): number {
  return Math.max(0, index * CELL_PX - (width - CELL_PX) / 2);
}

/** Which sheet a thumbnail is on, and where, in pixels from that sheet's left and top. */
export interface Place {
  sheet: number;
  x: number;
  y: number;
}

export function placeOf(number: number): Place {
  const at = number % ON_SHEET;
  return {
    sheet: Math.floor(number / ON_SHEET),
    x: (at % SHEET.columns) * SHEET.width,
    y: Math.floor(at / SHEET.columns) * SHEET.height,
  };
}

/** The number of each periodic snapshot on the sheets, by device and seq: in the server's order. */
export function numbers(snapshots: readonly Snapshot[]): ReadonlyMap<string, number> {
  const periodic = snapshots.filter(({ purpose }) => purpose === "periodic");
  return new Map(periodic.map((shot, number) => [nameOf(shot), number]));
}

export function nameOf({ device, seq }: { device: string; seq: number }): string {
  return `${device} ${seq}`;
}
