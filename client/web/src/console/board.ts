/** The wall's tiles: which there are, which of them are shown, and in which order. */

import { batch, type Signal, signal } from "@preact/signals";
import * as rules from "./tiles";
import type { Tile } from "./wall-api";

/** The order waits so long for whoever moved the pointer over the tiles, or pressed a key there. */
const HOLD_MS = 5000;
/** Who aimed before the tiles moved can't have seen that yet. */
const UNSEEN_MS = 700;

/** Told of every tile that has come or changed. */
export type Heard = (before: Tile | undefined, now: Tile) => void;

export interface BoardParts {
  /** The name of whoever looks. */
  me: () => string;
  now: () => number;
  later: (after_ms: number, what: () => void) => unknown;
}

export class Board {
  /** One signal a tile: a change redraws that tile alone. */
  readonly tiles = new Map<string, Signal<Tile>>();
  readonly wanted = signal<rules.Wanted>(rules.EVERYBODY);
  readonly counts = signal<rules.Counts>(rules.counted([], rules.EVERYBODY, ""));
  readonly groups = signal<readonly string[]>([]);
  /** The tiles on the page, in their order there. */
  readonly shown = signal<readonly string[]>([]);
  /** The order would be another, if nobody were at the tiles. */
  readonly moved = signal(false);
  /** False until the server has said who is there. */
  readonly loaded = signal(false);

  /** Those whose tile has gone: who reads of them reads their name. */
  private readonly gone = new Map<string, Tile>();
  private lastOrder: string[] = [];
  /** By `now`: until then nothing moves; and when tiles last moved unasked. */
  private held_until = { pointer: -Infinity, key: -Infinity };
  private jumped_at = -Infinity;
  private waits = false;

  constructor(private readonly parts: BoardParts) {}

  tile(session: string): Tile | null {
    return this.tiles.get(session)?.peek() ?? null;
  }

  /** Its tile, or the last that there was of it. */
  met(session: string): Tile | null {
    return this.tile(session) ?? this.gone.get(session) ?? null;
  }

  *all(): Iterable<Tile> {
    for (const tile of this.tiles.values()) yield tile.peek();
  }

  clear(): void {
    this.tiles.clear();
    this.gone.clear();
    this.groups.value = [];
    // The exam stands in the address; whom somebody looked for is theirs.
    this.wanted.value = { ...rules.EVERYBODY, exam: this.wanted.peek().exam };
    this.show([]);
    this.loaded.value = this.moved.value = false;
  }

  /** All that there are now. */
  replace(tiles: readonly Tile[], heard: Heard): void {
    const there = new Set(tiles.map((tile) => tile.session));
    for (const session of this.tiles.keys()) if (!there.has(session)) this.drop(session);
    for (const tile of tiles) this.put(tile, heard);
    this.loaded.value = true;
    this.sort();
  }

  /** What has changed of some, and who is gone. */
  change(
    tiles: readonly (Partial<Tile> & { session: string })[],
    gone: readonly string[],
    heard: Heard,
  ): void {
    let moving = gone.length > 0;
    for (const session of gone) this.drop(session);
    for (const changed of tiles) {
      const before = this.tiles.get(changed.session)?.peek();
      moving ||= before === undefined || rules.mayMove(changed);
      this.put({ ...(before ?? BLANK), ...changed }, heard);
    }
    if (moving) this.sort();
  }

  private drop(session: string): void {
    const last = this.tile(session);
    if (last !== null) this.gone.set(session, last);
    this.tiles.delete(session);
  }

  private put(tile: Tile, heard: Heard): void {
    const there = this.tiles.get(tile.session);
    const before = there?.peek();
    if (there === undefined) this.tiles.set(tile.session, signal(tile));
    else there.value = tile;
    heard(before, tile);
  }

  // The order --------------------------------------------------------------------------------

  /**
   * Nothing jumps from under whoever is at the tiles, or they would act on the wrong one. A pointer
   * that rests there, and a focus that was left there, are nobody: who needs someone comes first.
   */
  touch(by: "pointer" | "key"): void {
    this.held_until[by] = this.parts.now() + HOLD_MS;
    if (this.moved.peek()) this.wait();
  }

  /** The pointer has left the tiles. */
  leave(): void {
    this.held_until.pointer = -Infinity;
    if (!this.isHeld()) this.settle();
  }

  /** Whoever aims sees where the tiles are now. */
  look(): void {
    this.jumped_at = -Infinity;
  }

  /** Whether who presses the pointer can have seen which tile is there. */
  isSeen(): boolean {
    return Math.abs(this.parts.now() - this.jumped_at) > UNSEEN_MS;
  }

  private isHeld(): boolean {
    return this.left_ms() > 0;
  }

  private left_ms(): number {
    const left_ms = Math.max(this.held_until.pointer, this.held_until.key) - this.parts.now();
    return left_ms > HOLD_MS ? 0 : left_ms; // this computer's clock was set back meanwhile
  }

  /** Puts them into order once nobody has been at them for long enough. */
  private wait(): void {
    if (this.waits) return;
    this.waits = true;
    this.parts.later(this.left_ms(), () => {
      this.waits = false;
      if (!this.moved.peek()) return;
      if (this.isHeld()) this.wait();
      else this.jump();
    });
  }

  /** Moves what nobody has asked to be moved. */
  private jump(): void {
    const before = this.shown.peek();
    this.settle();
    if (before.length > 0 && before !== this.shown.peek()) this.jumped_at = this.parts.now();
  }

  /** Shows what somebody looks for, at once: they asked for it. */
  want(changed: Partial<rules.Wanted>): void {
    this.wanted.value = { ...this.wanted.value, ...changed };
    this.settle();
  }

  /** Puts the tiles into the order that they should have. */
  settle(): void {
    batch(() => {
      this.show(this.order());
      this.moved.value = false;
    });
  }

  /** Who needs someone after `session`, in the order shown; beyond what is shown, anybody. */
  nextInNeed(session: string | null): string | null {
    const needs = (each: string) => {
      const tile = this.tile(each);
      return tile !== null && rules.needsNow(tile).length > 0;
    };
    const known = (each: string) => this.tiles.has(each);
    const shown = rules.held(this.shown.value, this.order(), known);
    return (
      rules.nextInNeed(shown, session, needs) ??
      rules.nextInNeed([...this.tiles.keys()], session, needs)
    );
  }

  private order(): string[] {
    // Almost in order already: then one pass sorts them.
    const last = new Set(this.lastOrder);
    const tiles = this.lastOrder.flatMap((session) => this.tile(session) ?? []);
    for (const tile of this.all()) if (!last.has(tile.session)) tiles.push(tile);
    this.lastOrder = rules.ordered(tiles, this.wanted.peek(), this.parts.me());
    return this.lastOrder;
  }

  private sort(): void {
    const groups = rules.groupsOf(this.all());
    if (!rules.sameOrder(groups, this.groups.peek())) this.groups.value = groups;
    if (!this.isHeld()) {
      this.jump();
      return;
    }
    const order = this.order();
    const kept = rules.held(this.shown.peek(), order, (session) => this.tiles.has(session));
    this.show(kept);
    this.moved.value = !rules.sameOrder(kept, order);
    if (this.moved.peek()) this.wait();
  }

  private show(order: readonly string[]): void {
    const counts = rules.counted(this.all(), this.wanted.peek(), this.parts.me());
    if (!rules.FILTERS.every((each) => counts[each] === this.counts.peek()[each]))
      this.counts.value = counts;
    if (!rules.sameOrder(order, this.shown.peek())) this.shown.value = order;
  }
}

/** Before the server has said anything of a session. */
export const BLANK: Tile = {
  session: "",
  version: 0,
  learner: "",
  group: "",
  exam: "",
  state: "invited",
  section: "",
  ends_at_ms: null,
  paused_since_ms: null,
  id_check: "awaited",
  still: null,
  connected: false,
  heard_ms: null,
  quality: [],
  conduct: 0,
  flagged: null,
  needs: [],
  needs_since_ms: null,
  help: null,
  termination: null,
  interrupted: null,
  taken_by: null,
  looking: [],
  waiting_devices: 0,
  extra_s: 0,
  still_old_s: 60,
  lifted: [],
};
