import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { search } from "./id-check";
import { opensElsewhere } from "./rows";
import { isOffline, isOver, isRefused, needsNow, oldFor, rowsInSight } from "./tiles";
import type { Tile } from "./wall-api";
import type { Wall } from "./wall-desk";
import { arrowTo } from "./wall-keys";

/** Somebody in the exam of whom nothing was heard for so long: their tile says so. */
const QUIET_MS = 20_000;

/**
 * All tiles that are shown, of which those in sight and the one with the focus are in the page. A
 * tile that changes draws itself anew, and no other.
 */
export function Grid({ wall }: { wall: Wall }) {
  const list = useRef<HTMLUListElement>(null);
  const { columns, from, to } = useSight(list);
  const order = wall.board.shown.value;
  const focusOn = wall.focusOn.value;
  const [focused, setFocused] = useState("");
  const at = useRef("");
  useFocusKept(list, order);
  useEffect(() => wall.inSight(order.slice(from * columns, to * columns)), [order, columns, from, to]);
  useEffect(() => () => wall.inSight([]), [wall]);
  useLayoutEffect(() => {
    if (focusOn === null || columns === 0) return;
    wall.focusOn.value = null;
    openerOf(list.current, focusOn.session)?.focus();
  }, [focusOn, columns]);
  const places = columns === 0 ? [] : order.map((session, place) => ({ session, place }));
  const inPage = places.filter(
    ({ session, place }) =>
      (place >= from * columns && place < to * columns) ||
      session === focused ||
      session === focusOn?.session,
  );
  return (
    <ul
      ref={list}
      class="tiles"
      style={{ "--columns": columns, "--rows": Math.ceil(order.length / Math.max(1, columns)) }}
      aria-label={words.tile.list}
      onPointerMove={({ screenX, screenY }) => {
        // Browsers say so too where the tiles have moved, and the pointer has not.
        if (at.current === `${screenX} ${screenY}`) return;
        at.current = `${screenX} ${screenY}`;
        wall.board.touch("pointer");
        wall.board.look();
      }}
      onPointerDown={() => wall.board.touch("pointer")}
      onPointerLeave={({ pointerType }) => {
        // A finger leaves with each tap, before it is known what was tapped.
        if (pointerType !== "touch") wall.board.leave();
      }}
      onClickCapture={(event) => {
        // By a key, it is the tile with the focus, wherever that has come to be.
        if (event.detail === 0 || wall.board.isSeen()) return;
        event.preventDefault();
        event.stopPropagation();
        wall.sending.tell({ words: words.order.justNow, failed: [] });
      }}
      onFocusIn={({ target }) => setFocused(sessionOf(target))}
      onKeyDown={(event) => {
        wall.board.touch("key");
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        const here = order.indexOf(sessionOf(event.target));
        const next = order[arrowTo(event.key, here, order.length, columns) ?? -1];
        if (here < 0 || next === undefined) return;
        event.preventDefault();
        wall.focusOn.value = { session: next };
      }}
    >
      {inPage.map(({ session, place }) => (
        <OneTile
          key={session}
          wall={wall}
          session={session}
          place={place}
          columns={columns}
          of={order.length}
        />
      ))}
    </ul>
  );
}

/** Which rows of the tiles, `[from, to)`, are in sight or nearly; 0 columns: none are laid out. */
function useSight(list: { current: HTMLUListElement | null }): Sight {
  const [sight, setSight] = useState<Sight>({ columns: 0, from: 0, to: 0 });
  useLayoutEffect(() => {
    const { current: tiles } = list;
    if (tiles === null) return undefined;
    const look = () => {
      const now = sightOf(tiles);
      setSight((was) =>
        was.columns === now.columns && was.from === now.from && was.to === now.to ? was : now,
      );
    };
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(tiles);
    sizes.observe(document.body); // what stands above the tiles moves them
    addEventListener("resize", look);
    addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      removeEventListener("resize", look);
      removeEventListener("scroll", look);
    };
  }, []);
  return sight;
}

interface Sight {
  columns: number;
  from: number;
  to: number;
}

function sightOf(tiles: HTMLUListElement): Sight {
  if (tiles.clientWidth === 0) return { columns: 0, from: 0, to: 0 };
  const styles = getComputedStyle(tiles);
  const gap_px = Number.parseFloat(styles.rowGap);
  const rem_px = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const tile_px = Number.parseFloat(styles.getPropertyValue("--tile")) * rem_px;
  const row_px = Number.parseFloat(styles.gridAutoRows) + gap_px;
  const { top, width } = tiles.getBoundingClientRect();
  const columns = Math.max(1, Math.floor((width + gap_px) / (tile_px + gap_px)));
  return { columns, ...rowsInSight(-top, document.documentElement.clientHeight, row_px) };
}

/** A tile that moves keeps the focus; where one goes, the next in its place has it. */
function useFocusKept(list: { current: HTMLUListElement | null }, order: readonly string[]): void {
  // While this is drawn, all is still as it was before.
  const { activeElement: had } = document;
  const inside = list.current?.contains(had) ?? false;
  const before = useRef(order);
  const place = inside ? before.current.indexOf(sessionOf(had)) : -1;
  useLayoutEffect(() => {
    before.current = order;
    if (place < 0 || document.activeElement === had) return;
    const next = openerOf(list.current, order[Math.min(place, order.length - 1)] ?? "");
    const to = had instanceof HTMLElement && had.isConnected ? had : next;
    to?.focus({ preventScroll: true });
  }, [order]);
}

function openerOf(list: HTMLElement | null, session: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`[data-session="${CSS.escape(session)}"] a`) ?? null;
}

/** The session of the tile that something is in; "": of none. */
function sessionOf(inside: EventTarget | null): string {
  const tile = inside instanceof Element ? inside.closest<HTMLElement>("[data-session]") : null;
  return tile?.dataset["session"] ?? "";
}

interface Props {
  wall: Wall;
  session: string;
}

interface Placed extends Props {
  /** In the order of all, from 0. */
  place: number;
  columns: number;
  /** How many there are. */
  of: number;
}

function OneTile({ wall, session, place, columns, of }: Placed) {
  const selected = useComputed(() => wall.selected.value.has(session));
  const open = useComputed(() => (wall.one.session.value === session ? "true" : undefined));
  const kinds = useComputed(() => kindsOf(wall, session));
  // A sign of life changes the tile, but none of this: then nothing is drawn anew.
  const learner = useComputed(() => wall.board.tiles.get(session)?.value.learner ?? "").value;
  const also = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    return tile === undefined ? undefined : alsoWords(tile);
  });
  return (
    <li
      class={kinds}
      data-session={session}
      aria-current={open}
      aria-posinset={place + 1}
      aria-setsize={of}
      style={{ gridArea: `${Math.floor(place / columns) + 1} / ${(place % columns) + 1}` }}
    >
      <Picture wall={wall} session={session} learner={learner} />
      <input
        type="checkbox"
        checked={selected}
        aria-label={words.tile.select(learner)}
        onChange={() => wall.toggle(session)}
      />
      <a
        href={search(session, wall.board.wanted.peek().exam)}
        // It covers the tile: whoever points anywhere there reads it.
        title={also}
        onClick={(event) => {
          if (opensElsewhere(event)) return;
          event.preventDefault();
          void wall.open(session);
        }}
      >
        {learner}
      </a>
      <Why wall={wall} session={session} />
      <Work wall={wall} session={session} />
      <Marks wall={wall} session={session} />
      <Hands wall={wall} session={session} />
    </li>
  );
}

function kindsOf(wall: Wall, session: string): string {
  const tile = wall.board.tiles.get(session)?.value;
  const kinds = ["tile"];
  if (tile !== undefined && needsNow(tile).length > 0) kinds.push("needs");
  if (tile !== undefined && isOver(tile)) kinds.push("over");
  if (tile !== undefined && tile.state === "paused") kinds.push("paused");
  if (wall.selected.value.has(session)) kinds.push("chosen");
  return kinds.join(" ");
}

function Picture({ wall, session, learner }: Props & { learner: string }) {
  const [broken, setBroken] = useState("");
  const still = useComputed(() => wall.board.tiles.get(session)?.value.still ?? null).value;
  const exam = useComputed(() => wall.board.tiles.get(session)?.value.exam ?? "").value;
  const over = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    return tile !== undefined && isOver(tile);
  }).value;
  const age = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    if (tile === undefined || tile.still === null) return "";
    const age_ms = oldFor(tile.still, tile.still_old_s, wall.now_ms.value);
    return age_ms === 0 ? "" : words.tile.stillOld(age_ms);
  }).value;
  // The server shows live pictures of what goes on: whatever has ended is not asked for.
  if (over) return <p class="still">{words.tile.noStill.over}</p>;
  if (still === null) return <p class="still">{words.tile.noStill.off}</p>;
  const path = wall.tickets.path(exam).value;
  if (path === null) return <p class="still">{words.tile.noStill.wait}</p>;
  const src = `${path}/${session}/${still.sha256}`;
  // By its address: with a new ticket the same picture is tried again.
  if (broken === src) return <p class="still">{words.tile.noStill.broken}</p>;
  return (
    <>
      <img
        class={age === "" ? "still" : "still old"}
        src={src}
        alt={words.tile.still(learner)}
        decoding="async"
        width={200}
        height={150}
        onError={() => setBroken(src)}
      />
      {age !== "" && <p class="age">{age}</p>}
    </>
  );
}

/** Why this one comes first, in two or three words, and for how long. */
function Why({ wall, session }: Props) {
  const said = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    const [first, ...others] = tile === undefined ? [] : needsNow(tile);
    if (tile === undefined || first === undefined) return "";
    const now_ms = wall.now_ms.value;
    const lapses_ms = tile.termination === null ? null : tile.termination.lapses_at_ms - now_ms;
    const since =
      tile.needs_since_ms === null || first === "terminate-proposed"
        ? ""
        : ` ·\u00a0${words[first === "conduct" ? "ago" : "since"](now_ms - tile.needs_since_ms)}`;
    const more = others.length === 0 ? "" : ` (+${others.length})`;
    return `${words.why(first, tile, lapses_ms)}${more}${since}`;
  });
  return said.value === "" ? null : <p class="why">{said}</p>;
}

/** What "(+2)" stands for; undefined where there is but one need. */
export function alsoWords(tile: Tile): string | undefined {
  const [, ...others] = needsNow(tile);
  if (others.length === 0) return undefined;
  return words.also(others.map((need) => words.why(need, tile, null)));
}

/** What they work at, and for how long still. */
function Work({ wall, session }: Props) {
  const said = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    return tile === undefined ? "" : workWords(tile, wall.now_ms.value);
  });
  return <p class="part">{said}</p>;
}

/** How a session stands, in words: of who has not ended, what they do, not what may be done. */
export function standsWords(tile: Tile): string {
  if (isRefused(tile)) return words.tile.refused;
  // Who has opened the link and shown nothing may be there, or have closed the page again.
  if (tile.state === "check-in" && tile.id_check === "awaited") return words.tile.opened;
  if (tile.state === "running" && tile.section === "") return words.tile.between;
  return words.tile.state(tile.state);
}

export function workWords(tile: Tile, now_ms: number): string {
  const { state, section, ends_at_ms, paused_since_ms, extra_s } = tile;
  if (state === "paused" && paused_since_ms !== null) {
    const paused = [words.tile.pausedFor(now_ms - paused_since_ms)];
    // It stands still: what passes is given back.
    if (ends_at_ms !== null) paused.push(words.tile.left(ends_at_ms - paused_since_ms));
    return [...paused, section].filter(Boolean).join(" · ");
  }
  if (state !== "running" || section === "") return standsWords(tile);
  // The time first: it is what a narrow tile must not cut off.
  const left = ends_at_ms === null ? [] : [words.tile.left(ends_at_ms - now_ms)];
  if (extra_s > 0) left.push(words.tile.extra(extra_s));
  return [...left, section].join(" · ");
}

function Marks({ wall, session }: Props) {
  const said = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    return tile === undefined ? "" : marksOf(tile, wall.now_ms.value).join(" · ");
  });
  return <p class="marks">{said}</p>;
}

/** What else there is to know, in words; not again what the first line says. */
export function marksOf(tile: Tile, now_ms: number): string[] {
  const [first] = tile.needs;
  const marks: string[] = [];
  if (tile.conduct > 0 && first !== "conduct") marks.push(words.tile.conduct(tile));
  for (const kind of tile.quality.slice(first === "quality" ? 1 : 0))
    marks.push(words.tile.quality(kind));
  if (tile.waiting_devices > 0 && first !== "device-asks")
    marks.push(words.tile.devices(tile.waiting_devices));
  if (tile.needs.includes("id-check-later"))
    marks.push(words.why("id-check-later", tile, null));
  const silent_ms = tile.heard_ms === null ? 0 : now_ms - tile.heard_ms;
  if (isOffline(tile) && first !== "offline" && tile.heard_ms === null)
    marks.push(words.why("offline", tile, null));
  else if (!isOver(tile) && tile.heard_ms !== null && (isOffline(tile) || silent_ms > QUIET_MS))
    marks.push(words.tile.heard(silent_ms));
  return marks;
}

function Hands({ wall, session }: Props) {
  const said = useComputed(() => {
    const tile = wall.board.tiles.get(session)?.value;
    return tile === undefined ? "" : handsOf(tile, wall.me()).join(" · ");
  });
  return <p class="hands">{said}</p>;
}

/** Who of the proctors looks after them, or looks. */
function handsOf(tile: Tile, me: string): string[] {
  const said: string[] = [];
  if (tile.taken_by !== null)
    said.push(tile.taken_by === me ? words.tile.mine : words.tile.taken(tile.taken_by));
  const others = tile.looking.filter((name) => name !== me);
  if (others.length > 0) said.push(words.tile.looks(others));
  return said;
}
