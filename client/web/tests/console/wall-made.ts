/** Tiles and sessions made for the tests of the wall, and a server in memory. */

import type { Login } from "../../src/api";
import { ProblemError } from "../../src/api";
import type {
  ActSent,
  ActView,
  BatchDone,
  Failed,
  LiveSession,
  ManyActsSent,
  Proposed,
  ReasonGroup,
  Story,
  Tile,
  WallApi,
  WallMessage,
} from "../../src/console/wall-api";
import { type Line, type LineEvents } from "../../src/console/wall-link";
import { BLANK } from "../../src/console/board";
import { Wall } from "../../src/console/wall-desk";
import { MINUTE, START } from "../made";

export function tile(session: string, changed: Partial<Tile> = {}): Tile {
  return {
    ...BLANK,
    session,
    learner: session,
    exam: "sds",
    state: "running",
    section: "Part A",
    ends_at_ms: START + 30 * MINUTE,
    id_check: "accepted",
    connected: true,
    heard_ms: START,
    ...changed,
  };
}

export function live(session: string, changed: Partial<LiveSession> = {}): LiveSession {
  return {
    session,
    exam: "sds",
    state: "running",
    id_check: { state: "accepted", reason: "" },
    sections: [],
    ledger: [],
    asks: [],
    now_ms: START,
    group: "",
    version: 3,
    acts: [],
    lifted: [],
    permitted: [],
    termination: null,
    help: null,
    asking: [],
    second_camera: null,
    ...changed,
  };
}

export function act(id: string, changed: Partial<ActView> = {}): ActView {
  return {
    id,
    act: "pause",
    code: "technical/network",
    words: "A proctor paused your exam: network.",
    note: "Your line was down.",
    by: "noor",
    at_ms: START,
    undone: false,
    undoable: true,
    ...changed,
  };
}

export function proposed(changed: Partial<Proposed> = {}): Proposed {
  return { act: "a1", by: "sam", code: "", note: "", lapses_at_ms: START + MINUTE, ...changed };
}

export function story(changed: Partial<Story> = {}): Story {
  return { messages: [], flags: [], gaps: [], acts: [], cut: false, ...changed };
}

export const REASONS: ReasonGroup[] = [
  {
    category: "technical",
    words: "technical",
    reasons: [{ code: "technical/network", words: "network" }],
  },
];

/** Answers at once; what was asked stays to be looked at. */
export class Server implements WallApi {
  role: Login["role"] = "proctor";
  sent: [string, ActSent][] = [];
  many: [string, string[], ManyActsSent][] = [];
  announced: string[] = [];
  /** The ids of what was announced. */
  requests: string[] = [];
  watched: string[] = [];
  fetched: string[] = [];
  failed: Failed[] = [];
  fails: Error | null = null;
  /** Of many, only the part of this exam fails. */
  failsFor: string | null = null;
  /** What fails is done all the same: the answer is lost. */
  loses = false;
  /** An act is answered only after this. */
  slow: Promise<void> | null = null;
  /** Of the act that an answer names. */
  did: Partial<ActView> = {};
  held: Partial<LiveSession> = {};
  signedIn = true;

  private answer<T>(value: T): Promise<T> {
    const { fails } = this;
    this.fails = null;
    return fails === null ? Promise.resolve(value) : Promise.reject(fails);
  }
  signIn(name: string) {
    this.signedIn = true;
    return Promise.resolve({ name, role: this.role, exams: null, expires_at_ms: 0 });
  }
  whoAmI() {
    return this.signedIn
      ? this.signIn("noor")
      : Promise.reject(new ProblemError("login-needed", 401, "", ""));
  }
  signOut() {
    return Promise.resolve();
  }
  policy() {
    return this.answer({ title: "Closed book", terminate_needs: 2, chapters: [], rules: [] });
  }
  story() {
    return this.answer(story());
  }
  session(session: string) {
    this.fetched.push(session);
    return Promise.resolve(live(session, this.held));
  }
  reasons() {
    return Promise.resolve(REASONS);
  }
  async act(session: string, sent: ActSent) {
    if (this.loses) this.sent.push([session, sent]);
    await this.slow;
    await this.answer(null);
    this.sent.push([session, sent]);
    const done = act("a1", { act: sent.act, ...this.did });
    return { act: done, session: live(session, { ...this.held, version: 4 }) };
  }
  async actOnMany(exam: string, sessions: string[], sent: ManyActsSent): Promise<BatchDone> {
    await this.slow;
    if (this.failsFor === null || this.failsFor === exam) await this.answer(null);
    this.many.push([exam, sessions, sent]);
    const failed = this.failed.filter(({ session }) => sessions.includes(session));
    const no = new Set(failed.map(({ session }) => session));
    const done = sessions.filter((session) => !no.has(session));
    const { undoable = false } = this.did;
    return { done: done.map((session) => ({ session, act: `of-${session}`, undoable })), failed };
  }
  async announce(exam: string, _code: string, note: string, request: string) {
    this.requests.push(request);
    await this.answer(null);
    this.announced.push(`${exam}: ${note}`);
    return { told: 3, failed: [] };
  }
  watch(exam: string) {
    this.watched.push(exam);
    return Promise.resolve({ path: `/looks/${exam}`, until_ms: START + 5 * MINUTE });
  }
}

/** A clock that moves when a test says so, with what is due by then. */
export class Clock {
  now_ms = START;
  private due: { at_ms: number; what: () => void }[] = [];

  readonly now = (): number => this.now_ms;
  readonly later = (after_ms: number, what: () => void): (() => void) => {
    const one = { at_ms: this.now_ms + after_ms, what };
    this.due.push(one);
    return () => {
      this.due = this.due.filter((each) => each !== one);
    };
  };
  async pass(ms: number): Promise<void> {
    this.now_ms += ms;
    const due = this.due.filter((each) => each.at_ms <= this.now_ms);
    this.due = this.due.filter((each) => each.at_ms > this.now_ms);
    for (const { what } of due) what();
    await rest();
  }
}

/** Lets all that is under way come to rest. */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Lines that a test speaks on. */
export class Lines {
  readonly opened: { events: LineEvents; said: unknown[]; closed: boolean }[] = [];
  readonly open = (events: LineEvents): Line => {
    const line = { events, said: [] as unknown[], closed: false };
    this.opened.push(line);
    return {
      send: (text) => void line.said.push(JSON.parse(text)),
      close: () => {
        line.closed = true;
      },
    };
  };
  get last() {
    const last = this.opened.at(-1);
    if (last === undefined) throw new Error("no line was opened");
    return last;
  }
  hear(message: WallMessage): void {
    this.last.events.heard(JSON.stringify(message));
  }
  wall(tiles: Tile[], now_ms = START): void {
    const exams = [
      { id: "sds", title: "Statistics" },
      { id: "alg", title: "Algebra" },
    ];
    this.hear({ type: "wall", now_ms, me: "noor", exams, tiles });
  }
  delta(tiles: (Partial<Tile> & { session: string })[], gone: string[] = [], now_ms = START): void {
    this.hear({ type: "delta", now_ms, tiles, gone });
  }
}

export interface Watched {
  wall: Wall;
  server: Server;
  lines: Lines;
  clock: Clock;
}

/** What a tab keeps while its page is loaded anew. */
export class Tab {
  text: string | null = null;
  readonly read = (): string | null => this.text;
  readonly write = (text: string): void => {
    this.text = text;
  };
}

/** How many ids were made: none comes twice, whichever page asks. */
let made = 0;

/** A wall that shows these tiles; the first id that it makes is r1. */
export async function watching(
  tiles: Tile[],
  server = new Server(),
  keep: Tab | null = null,
): Promise<Watched> {
  const lines = new Lines();
  const clock = new Clock();
  const { open } = lines;
  if (keep?.text == null) made = 0;
  const newId = () => `r${(made += 1)}`;
  const tab = keep === null ? {} : { keep };
  const wall = new Wall({ api: server, open, ...clock, ...tab, random: () => 0.5, newId, zone: "UTC" });
  await wall.start(null);
  await rest();
  if (lines.opened.length > 0) lines.wall(tiles);
  return { wall, server, lines, clock };
}
