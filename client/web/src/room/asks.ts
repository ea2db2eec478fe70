/** What a learner is asked because the camera's pictures are not good enough: help, never suspicion. */

import type { QualityAsk, SessionView } from "../api";
import { room } from "../text/room";

/** The one that explains the others stands first; any that is not here says itself elsewhere. */
const KINDS = ["camera-lost", "covered", "dark", "no-face", "frozen"] as const;
export type AskKind = (typeof KINDS)[number];

function known(kind: string): kind is AskKind {
  return (KINDS as readonly string[]).includes(kind);
}

/** What is asked for now: one thing at a time. */
export function askedNow(asks: readonly QualityAsk[]): AskKind | null {
  const now = asks.filter(({ until_ms }) => until_ms === null).map(({ kind }) => kind);
  return KINDS.find((kind) => now.includes(kind)) ?? null;
}

/** For how long each lasted so far, ms, in the order in which they are told. */
export function lasted(
  { asks = [], asked_before = [] }: Pick<SessionView, "asks" | "asked_before">,
  now_ms: number,
): [AskKind, number][] {
  const sums = new Map<AskKind, number>();
  for (const { kind, seconds } of asked_before) if (known(kind)) sums.set(kind, seconds * 1000);
  for (const { kind, since_ms, until_ms, seconds } of asks) {
    if (!known(kind)) continue;
    const length_ms = until_ms === null ? Math.max(0, now_ms - since_ms) : seconds * 1000;
    sums.set(kind, (sums.get(kind) ?? 0) + length_ms);
  }
  return KINDS.flatMap((kind) => {
    const sum = sums.get(kind) ?? 0;
    // Under a second there is nothing to tell.
    return sum >= 1000 ? [[kind, sum] satisfies [AskKind, number]] : [];
  });
}

/** The words for one, "" for none. */
export function askWords(kind: AskKind | null): string {
  return kind === null ? "" : `${room.asks.now[kind]} ${room.asks.goOn}`;
}
