/** Which tiles the wall shows, and in which order. Pure. */

import { NEEDS, type Still, type Tile } from "./wall-api";

export const FILTERS = [
  "needs",
  "mine",
  "working",
  "offline",
  "paused",
  "ready",
  "check-in",
  "invited",
  "done",
  "all",
] as const;
export type Filter = (typeof FILTERS)[number];
export type Sort = "need" | "name";
export type Counts = Readonly<Record<Filter, number>>;

/** What somebody looks for. */
export interface Wanted {
  filter: Filter;
  /** Any part of a name, a group or a session's id. */
  search: string;
  /** null: of every group. */
  group: string | null;
  exam: string | null;
  sort: Sort;
}

export const EVERYBODY: Wanted = { filter: "all", search: "", group: null, exam: null, sort: "need" };

const DONE: readonly string[] = ["submitted", "terminated", "expired"];
/** Of those who need nobody: who works comes before who does not. */
const STATES: readonly string[] = ["paused", "running", "ready", "check-in", "invited", ...DONE];

export function isOver(tile: { state: string; id_check: string }): boolean {
  return DONE.includes(tile.state) || isRefused(tile);
}

/**
 * Two people refused the ID check before the exam began. The session has not ended, for a refusal
 * can be taken back; until then its learner is not let in, and nothing reaches them.
 */
export function isRefused(tile: { state: string; id_check: string }): boolean {
  return tile.state === "check-in" && tile.id_check === "refused";
}

/** In the exam, and nothing is heard of them. */
export function isOffline(tile: Tile): boolean {
  return !tile.connected && (tile.state === "running" || tile.state === "paused");
}

/** What somebody waits with for a person; whose ID check waits while they work waits for nobody. */
export function needsNow({ needs }: Tile): string[] {
  return needs.filter((need) => need !== "id-check-later");
}

/** The age of a still that shows how it was, not how it is; 0 for one of now. */
export function oldFor(still: Still, old_s: number, now_ms: number): number {
  const age_ms = now_ms - still.at_ms;
  return age_ms > old_s * 1000 ? age_ms : 0;
}

export function passes(tile: Tile, filter: Filter, me: string): boolean {
  switch (filter) {
    case "needs":
      return needsNow(tile).length > 0;
    case "mine":
      return tile.taken_by === me;
    case "working":
      return tile.state === "running";
    case "offline":
      return isOffline(tile);
    case "check-in":
      return tile.state === filter && !isRefused(tile);
    case "paused":
    case "ready":
    case "invited":
      return tile.state === filter;
    case "done":
      return isOver(tile);
    case "all":
      return true;
  }
}

/** How many each filter would show, whatever is searched for. */
export function counted(tiles: Iterable<Tile>, wanted: Wanted, me: string): Counts {
  const counts = Object.fromEntries(FILTERS.map((filter) => [filter, 0])) as Record<Filter, number>;
  for (const tile of tiles) {
    if (!belongs(tile, wanted)) continue;
    for (const filter of FILTERS) if (passes(tile, filter, me)) counts[filter] += 1;
  }
  return counts;
}

/** The sessions to show, those first that come first. */
export function ordered(tiles: Iterable<Tile>, wanted: Wanted, me: string): string[] {
  const searched = plain(wanted.search.trim());
  const found = [...tiles].filter(
    (tile) =>
      belongs(tile, wanted) &&
      passes(tile, wanted.filter, me) &&
      (searched === "" || plain(`${tile.learner} ${tile.group} ${tile.session}`).includes(searched)),
  );
  const first = wanted.sort === "need" ? (a: Tile, b: Tile) => byNeed(a, b, me) : byName;
  return found.sort(first).map((tile) => tile.session);
}

/** Kept in the page above and below the rows that are seen: so a quick hand meets no holes. */
const BESIDE = 1;

/** The rows of tiles, `[from, to)`, of a window so high that begins so far below the first. */
export function rowsInSight(
  top_px: number,
  height_px: number,
  row_px: number,
): { from: number; to: number } {
  return {
    from: Math.max(0, Math.floor(top_px / row_px) - BESIDE),
    to: Math.max(0, Math.ceil((top_px + height_px) / row_px) + BESIDE),
  };
}

function belongs(tile: Tile, { group, exam }: Wanted): boolean {
  return (group === null || tile.group === group) && (exam === null || tile.exam === exam);
}

function byNeed(a: Tile, b: Tile, me: string): number {
  return (
    urgency(a) - urgency(b) ||
    helped(a, me) - helped(b, me) ||
    (a.needs_since_ms ?? 0) - (b.needs_since_ms ?? 0) ||
    placeOf(a) - placeOf(b) ||
    byName(a, b)
  );
}

function placeOf(tile: Tile): number {
  return isRefused(tile) ? STATES.length : STATES.indexOf(tile.state);
}

function urgency(tile: Tile): number {
  const [first] = tile.needs;
  if (first === undefined) return NEEDS.length + 1;
  const place = NEEDS.findIndex((need) => need === first);
  return place < 0 ? NEEDS.length : place; // a need of a newer server: after those known
}

/** Whoever another proctor has taken comes after whoever nobody has. */
function helped(tile: Tile, me: string): number {
  return tile.needs.length > 0 && tile.taken_by !== null && tile.taken_by !== me ? 1 : 0;
}

const names = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

function byName(a: Tile, b: Tile): number {
  return names.compare(a.learner, b.learner) || (a.session < b.session ? -1 : 1);
}

/** Without capitals and accents: "jose" finds "José". */
function plain(words: string): string {
  return words.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
}

/**
 * The order that moves nothing: what is shown stays where it is, what is new comes after it.
 * `known`: whether the wall still has a session at all.
 */
export function held(
  shown: readonly string[],
  wanted: readonly string[],
  known: (session: string) => boolean,
): string[] {
  const there = new Set(shown);
  return [...shown.filter(known), ...wanted.filter((session) => !there.has(session))];
}

export function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((session, place) => session === b[place]);
}

/** Changes that may move a tile, or count it elsewhere. */
const MOVERS: readonly (keyof Tile)[] = [
  "learner",
  "group",
  "exam",
  "state",
  "id_check",
  "connected",
  "needs",
  "needs_since_ms",
  "taken_by",
];

export function mayMove(changed: Partial<Tile>): boolean {
  return MOVERS.some((field) => field in changed);
}

/** Groups of whom there are, by name. */
export function groupsOf(tiles: Iterable<Tile>): string[] {
  const groups = new Set<string>();
  for (const { group } of tiles) if (group !== "") groups.add(group);
  return [...groups].sort(names.compare);
}

/** Who needs someone after `session` in the order shown; around the end to the first. */
export function nextInNeed(
  order: readonly string[],
  session: string | null,
  needs: (session: string) => boolean,
): string | null {
  const here = session === null ? -1 : order.indexOf(session);
  const around = [...order.slice(here + 1), ...order.slice(0, Math.max(0, here))];
  return around.find(needs) ?? null;
}
