/** The session that is open beside the wall: what is known of it, and when that is fetched anew. */

import { batch, signal } from "@preact/signals";
import { wall as words } from "../text/wall";
import type { Doing } from "./review-list";
import type { LiveSession, SessionPolicy, Still, Tile, WallApi } from "./wall-api";

/** Pictures that stay beside the newest of the open session. */
const STILLS_KEPT = 6;
/** A session that changes all the time is not fetched more often. */
const FETCH_MS = 800;
const RENEW_MS = 8000;

export interface OneParts {
  api: Pick<WallApi, "session" | "policy">;
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
  /** The newest first. */
  readonly stills = signal<readonly Still[]>([]);

  private fetching: string | null = null;
  private fetched_ms = 0;
  private stale = false;

  constructor(private readonly parts: OneParts) {}

  show(session: string, still: Still | null): void {
    batch(() => {
      this.hide();
      this.session.value = session;
      this.keepStill(still);
    });
    this.fetching = null;
  }

  hide(): void {
    this.session.value = this.opened.value = this.policy.value = null;
    this.stills.value = [];
  }

  isAmong(sessions: readonly string[]): boolean {
    const { value: session } = this.session;
    return session !== null && sessions.includes(session);
  }

  /** The tile of some session is another now. */
  heard(before: Tile | undefined, now: Tile): void {
    if (now.session !== this.session.peek()) return;
    this.keepStill(now.still);
    if (before === undefined || hasMoved(before, now)) this.refetch();
  }

  /** Fetches it anew once it is old: what another proctor writes to the learner changes no tile. */
  renew(): void {
    if (this.parts.now() - this.fetched_ms > RENEW_MS) this.refetch();
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
    const fetched = async () => {
      const opened = await api.session(session);
      if (this.session.value === session) this.opened.value = opened;
      if (this.policy.peek() !== null) return;
      const policy = await api.policy(session);
      if (this.session.value === session) this.policy.value = policy;
    };
    try {
      if (this.opened.peek() === null) await doing(words.wait.session, fetched);
      else await fetched();
    } catch (error) {
      failed(error);
    }
    later(FETCH_MS, () => {
      if (this.fetching !== session) return;
      this.fetching = null;
      if (this.stale && this.session.value === session) void this.fetch();
    });
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
