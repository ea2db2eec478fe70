/** Which key does what on the wall. Pure, by the rules of `keys.ts`. */

import type { Press } from "./keys";

export type WallCommand =
  | { do: "message" | "pause" | "time" | "next" | "select" | "take" | "update" }
  | { do: "search" | "close" | "keys" };

const LETTERS: Readonly<Record<string, WallCommand>> = {
  m: { do: "message" },
  p: { do: "pause" },
  t: { do: "time" },
  n: { do: "next" },
  x: { do: "select" },
  g: { do: "take" },
  u: { do: "update" },
  "/": { do: "search" },
  "?": { do: "keys" },
};

export function wallCommandFor(press: Press, letters: boolean): WallCommand | null {
  const { key, ctrl, alt, place } = press;
  if (place === "dialog" || alt || ctrl || place === "text") return null;
  if (key === "Escape") return { do: "close" };
  return letters ? (LETTERS[key] ?? null) : null;
}

/** The tile that an arrow leads to, among `count` in rows of `columns`; null: none. */
export function arrowTo(key: string, at: number, count: number, columns: number): number | null {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (by === undefined) return null;
  const to = at + by;
  return to < 0 || to >= count ? null : to;
}
