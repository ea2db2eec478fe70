/** The session that is open beside the wall: what is known of it, and when that is fetched anew. */

import { batch, signal } from "@preact/signals";
import { wall as words } from "../text/wall";
import type { Doing } from "./review-list";
import type { LiveSession, SessionPolicy, Still, Story, Tile, WallApi } from "./wall-api";

/** Pictures that stay beside the newest of the open session. */
const STILLS_KEPT = 6;
/** A session that changes all the time is not fetched more often. */
const FETCH_MS = 800;
const RENEW_MS = 8000;
/** What its devices recorded is read anew as soon as its tile has changed, and else this seldom. */
const STORY_MS = 30_000;
/** Up to about two minutes. */
const MISSES_MOST = 4;

export interface OneParts {
  api: Pick<WallApi, "session" | "policy" | "story">;
  doing: Doing;
  /** Told of what could not be fetched: what is shown is from before. */
  failed: (error: unknown) => void;
  later: (after_ms: number, what: () => void) => () => void;
  now: () => number;
}

export class OneSession {
  readonly session = signal<string | null>(null);
  readonly opened = signal<LiveSession | null>(null);
  /** What holds in it; null while it is not known. */
  readonly policy = signal<SessionPolicy | null>(null);
  /** What was said and flagged in it so far; null while that is not known. */
  readonly story = signal<Story | null>(null);
  /** The newest first. */
  readonly stills = signal<readonly Still[]>([]);
  /** When it was fetched last, by this computer's clock, while it can't be again; else null. */
  readonly old_ms = signal<number | null>(null);

  private fetching: string | null = null;
  private fetched_ms = 0;
  private got_ms = 0;
  private misses = 0;
  private stale = false;
  /** When its story is due, by this computer's clock. */
  private story_ms = 0;

  constructor(private readonly parts: OneParts) {}

  show(session: string, still: Still | null): void {
    batch(() => {
      this.hide();
      this.session.value = session;
      this.keepStill(still);
    });
    this.fetching = null;
    this.got_ms = this.parts.now();
  }

  hide(): void {
    this.session.value = this.opened.value = this.policy.value = this.old_ms.value = null;
    this.story.value = null;
    this.stills.value = [];
    this.misses = this.story_ms = 0;
  }

  isAmong(sessions: readonly string[]): boolean {
    const { value: session } = this.session;
    return session !== null && sessions.includes(session);
  }

  /** The tile of some session is another now. */
  heard(before: Tile | undefined, now: Tile): void {
    if (now.session !== this.session.peek()) return;
    this.keepStill(now.still);
    if (before !== undefined && !hasMoved(before, now)) return;
    this.story_ms = 0;
    if (!this.isMissing()) this.refetch();
  }

  /** Fetches it anew once it is old: not all of it is on the tile, such as its second camera. */
  renew(): void {
    // More seldom after each time that it could not be had.
    const after_ms = RENEW_MS * 2 ** Math.min(this.misses, MISSES_MOST);
    if (this.parts.now() - this.fetched_ms > after_ms && !this.isMissing()) this.refetch();
  }

  /** Nothing of it ever came: that is said, with a way to try again, and stays said. */
  private isMissing(): boolean {
    return this.opened.peek() === null && this.fetching === null;
  }

  /** Fetches it anew, after something about it has changed. */
  refetch(): void {
    if (this.session.peek() === null) return;
    if (this.fetching !== null) this.stale = true;
    else void this.fetch();
  }

  async fetch(): Promise<void> {
    const { api, doing, failed, later, now } = this.parts;
    const session = this.session.peek();
    if (session === null) return;
    this.fetching = session;
    this.fetched_ms = now();
    this.stale = false;
    let came = false;
    const fetched = async () => {
      const opened = await api.session(session);
      came = true;
      if (this.session.peek() === session) this.take(opened);
      if (this.policy.peek() === null) {
        const policy = await api.policy(session);
        if (this.session.peek() === session) this.policy.value = policy;
      }
      if (this.session.peek() === session && now() >= this.story_ms) await this.fetchStory(session);
    };
    try {
      if (this.opened.peek() === null) await doing(words.wait.session, fetched);
      else await fetched();
    } catch (error) {
      failed(error);
      if (!came && this.session.peek() === session) this.missed();
    }
    later(FETCH_MS, () => {
      if (this.fetching !== session) return;
      this.fetching = null;
      if (this.stale && this.session.peek() === session && !this.isMissing()) void this.fetch();
    });
  }

  private async fetchStory(session: string): Promise<void> {
    const { api, now } = this.parts;
    this.story_ms = now() + STORY_MS; // before it is asked for: what changes meanwhile counts
    try {
      const story = await api.story(session);
      if (this.session.peek() === session) this.story.value = story;
    } catch (error) {
      this.story_ms = 0;
      throw error;
    }
  }

  private take(opened: LiveSession): void {
    this.got_ms = this.parts.now();
    this.misses = 0;
    this.old_ms.value = null;
    // Asked for before an act, and answered after it: the act's own answer is the newer one.
    const version = this.opened.peek()?.version ?? 0;
    if (opened.version >= version) this.opened.value = opened;
  }

  private missed(): void {
    this.misses += 1;
    this.old_ms.value = this.got_ms;
  }

  private keepStill(still: Still | null): void {
    const kept = this.stills.peek();
    if (still === null || kept.some(({ sha256 }) => sha256 === still.sha256)) return;
    this.stills.value = [still, ...kept].slice(0, STILLS_KEPT);
  }
}

/** What changes all the time, and nothing in the session with it. */
const PASSING: readonly (keyof Tile)[] = ["still", "heard_ms", "looking", "taken_by"];

function hasMoved(before: Tile, now: Tile): boolean {
  const fields = Object.keys(now) as (keyof Tile)[];
  return fields.some(
    (field) =>
      !PASSING.includes(field) && JSON.stringify(before[field]) !== JSON.stringify(now[field]),
  );
}
