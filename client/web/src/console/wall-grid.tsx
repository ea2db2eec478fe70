import { useComputed } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { search } from "./id-check";
import { opensElsewhere } from "./rows";
import { isOffline, isOver, isRefused, needsNow, oldFor } from "./tiles";
import type { Tile } from "./wall-api";
import type { Wall } from "./wall-desk";
import { arrowTo } from "./wall-keys";

/** Somebody in the exam of whom nothing was heard for so long: their tile says so. */
const QUIET_MS = 20_000;

/** Tells the wall which tiles can be seen. */
const Watch = createContext<IntersectionObserver | null>(null);

/** All tiles that are shown. A tile that changes draws itself anew, and no other. */
export function Grid({ wall }: { wall: Wall }) {
  const list = useRef<HTMLUListElement>(null);
  const watch = useMemo(() => watching(wall), [wall]);
  const order = wall.board.shown.value;
  const focusOn = wall.focusOn.value;
  const at = useRef("");
  useEffect(() => () => watch.disconnect(), [watch]);
  useFocusKept(list, order);
  useLayoutEffect(() => {
    if (focusOn === null) return;
    wall.focusOn.value = null;
    openerOf(list.current, focusOn.session)?.focus();
  }, [focusOn]);
  return (
    <Watch.Provider value={watch}>
      <ul
        ref={list}
        class="tiles"
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
        onKeyDown={(event) => {
          wall.board.touch("key");
          const to = neighbour(list.current, event.target, event.key);
          if (to === null || event.ctrlKey || event.altKey || event.metaKey) return;
          event.preventDefault();
          to.focus();
        }}
      >
        {order.map((session) => (
          <OneTile key={session} wall={wall} session={session} />
        ))}
      </ul>
    </Watch.Provider>
  );
}

/** A tile that moves keeps the focus; where one goes, the next in its place has it. */
function useFocusKept(list: { current: HTMLUListElement | null }, order: readonly string[]): void {
  // While this is drawn, all is still as it was before.
  const { activeElement: had } = document;
  const tile = had?.closest("li") ?? null;
  const inside = tile !== null && tile.parentElement === list.current;
  const place = inside ? [...(list.current?.children ?? [])].indexOf(tile) : -1;
  useLayoutEffect(() => {
    if (place < 0 || document.activeElement === had) return;
    const next = list.current?.children[Math.min(place, order.length - 1)]?.querySelector("a");
    const to = had instanceof HTMLElement && had.isConnected ? had : next;
    to?.focus({ preventScroll: true });
  }, [order]);
}

function watching(wall: Wall): IntersectionObserver {
  return new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const session = (target as HTMLElement).dataset["session"];
        if (session !== undefined) wall.seen(session, isIntersecting);
      }
    },
    { rootMargin: "240px 0px" },
  );
}

function openerOf(list: HTMLElement | null, session: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`[data-session="${CSS.escape(session)}"] a`) ?? null;
}

/** Where an arrow leads from a tile, by the columns that there are now. */
function neighbour(list: HTMLElement | null, from: EventTarget | null, key: string): HTMLElement | null {
  const tile = from instanceof Element ? from.closest<HTMLElement>("li") : null;
  if (list === null || tile === null || !key.startsWith("Arrow")) return null;
  const tiles = [...list.children] as HTMLElement[];
  const top = tiles[0]?.offsetTop;
  const below = tiles.findIndex((each) => each.offsetTop !== top);
  const columns = below < 0 ? tiles.length : below;
  const to = arrowTo(key, tiles.indexOf(tile), tiles.length, columns);
  return to === null ? null : (tiles[to]?.querySelector("a") ?? null);
}

interface Props {
  wall: Wall;
  session: string;
}

function OneTile({ wall, session }: Props) {
  const box = useRef<HTMLLIElement>(null);
  const watch = useContext(Watch);
  useEffect(() => {
    const tile = box.current;
    if (tile === null) return undefined;
    watch?.observe(tile);
    return () => {
      watch?.unobserve(tile);
      wall.seen(session, false);
    };
  }, [watch, session]);
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
    <li ref={box} class={kinds} data-session={session} aria-current={open}>
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
        loading="lazy"
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
