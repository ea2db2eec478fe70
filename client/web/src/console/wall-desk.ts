/** What the wall shows, and what a proctor can do there. Components render these signals. */

import { batch, computed, type Signal, signal } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import { wall as words } from "../text/wall";
import { troubleWords } from "../text/problems";
import * as acts from "./acts";
import { LookTickets } from "./look-tickets";
import { StaffPage } from "./login";
import * as rules from "./tiles";
import {
  type ActSent,
  BATCH_MOST,
  type Failed,
  type LiveSession,
  type SessionPolicy,
  type ReasonGroup,
  type Still,
  type Tile,
  VIEW_MOST,
  type WallApi,
  type ExamName,
  type WallMessage,
  type WallWord,
} from "./wall-api";
import { type LineEvents, type Line, type LinkState, WallLink } from "./wall-link";

/** Pictures that stay beside the newest of the open session. */
const STILLS_KEPT = 6;
/** A session that changes all the time is not fetched more often. */
const FETCH_MS = 800;
const RENEW_MS = 8000;
const VIEW_MS = 150;
const TOLD_MS = 12_000;

/** What came of the last act, said until the next. */
export interface Result {
  words: string;
  failed: Failed[];
}

export interface WallParts {
  api: WallApi;
  open: (events: LineEvents) => Line;
  /** Called with the session and the exam that the address should name, or null. */
  went?: (session: string | null, exam: string | null) => void;
  later?: (after_ms: number, what: () => void) => () => void;
  now?: () => number;
  random?: () => number;
}

export class Wall extends StaffPage {
  readonly link: WallLink;
  readonly line = signal<LinkState>({ is: "connecting" });
  readonly exams = signal<readonly ExamName[]>([]);
  readonly me = signal("");
  /** One signal a tile: a change redraws that tile alone. */
  readonly tiles = new Map<string, Signal<Tile>>();
  readonly wanted = signal<rules.Wanted>(rules.EVERYBODY);
  readonly counts = signal<rules.Counts>(rules.counted([], rules.EVERYBODY, ""));
  readonly groups = signal<readonly string[]>([]);
  /** The tiles on the page, in their order there. */
  readonly shown = signal<readonly string[]>([]);
  /** The order would be another, if nobody pointed at the wall. */
  readonly moved = signal(false);
  /** Null until the server has said who is there. */
  readonly loaded = signal(false);
  /** Whoever is signed in may watch. */
  readonly allowed = computed(() => {
    const who = this.who.value;
    return who.is === "in" && (who.login.role === "proctor" || who.login.role === "lead");
  });
  /** The server's time, to the second. */
  readonly now_ms: Signal<number>;
  readonly selected = signal<ReadonlySet<string>>(new Set());
  readonly session = signal<string | null>(null);
  readonly opened = signal<LiveSession | null>(null);
  /** What holds in the open session; null while it is not known. */
  readonly policy = signal<SessionPolicy | null>(null);
  readonly stills = signal<readonly Still[]>([]);
  readonly reasons = signal<readonly ReasonGroup[]>([]);
  readonly draft = signal<acts.ActDraft | null>(null);
  /** Whether the dialog was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  readonly doingAct = signal(false);
  readonly actTrouble = signal<string | null>(null);
  readonly result = signal<Result | null>(null);
  readonly announcing = signal(false);
  /** What is typed as an answer, by session: it waits for whoever looks elsewhere meanwhile. */
  readonly answers = signal<Readonly<Record<string, string>>>({});
  readonly tickets: LookTickets;
  /** The focus is to go to this tile: the grid does it, and forgets. */
  readonly focusOn = signal<{ session: string } | null>(null);
  /** Said once, for who can't see the wall: somebody needs a person. */
  readonly said = signal("");

  readonly lacks = computed(() => (this.draft.value === null ? [] : acts.lacks(this.draft.value)));

  /** How often an act was asked for: which asking a dialog shows. */
  asked = 0;

  private readonly api: WallApi;
  private readonly went: NonNullable<WallParts["went"]>;
  private readonly later: NonNullable<WallParts["later"]>;
  private readonly now: () => number;
  private readonly last = new Map<acts.AskingAct, acts.Remembered>();
  private readonly inView = new Set<string>();
  private lastOrder: string[] = [];
  private ahead_ms = 0;
  private pointed = false;
  private focused = false;
  private viewing = false;
  private fetching: string | null = null;
  private fetched_ms = 0;
  private stale = false;

  constructor(parts: WallParts) {
    super(parts.api);
    const { open, went = () => undefined, now = Date.now, random = Math.random } = parts;
    this.api = parts.api;
    this.went = went;
    this.now = now;
    this.later =
      parts.later ??
      ((after_ms, what) => {
        const timer = setTimeout(what, after_ms);
        return () => clearTimeout(timer);
      });
    this.now_ms = signal(now());
    this.link = new WallLink({
      open,
      onMessage: (message) => this.hear(message),
      onState: (state) => this.lineIs(state),
      mayTry: () => this.mayTry(),
      later: this.later,
      now,
      random,
    });
    this.tickets = new LookTickets({
      fetch: (exam) => this.api.watch(exam),
      now: () => this.serverNow(),
      later: this.later,
      failed: (error) => void this.noted(error),
    });
  }

  // Beginning and end ------------------------------------------------------------------------

  async start(session: string | null, exam: string | null = null): Promise<void> {
    this.session.value = session;
    this.wanted.value = { ...this.wanted.value, exam };
    await this.recognise();
    if (this.who.value.is === "in") await this.load();
  }

  async load(): Promise<void> {
    const who = this.who.value;
    if (who.is !== "in") return;
    if (!this.allowed.value) {
      this.trouble.value = words.trouble.forbidden;
      return;
    }
    this.me.value = who.login.name;
    this.link.start();
    await this.fetchReasons();
    if (this.session.value !== null) await this.open(this.session.value);
  }

  protected forgetDrafts(): void {
    this.draft.value = null;
    this.answers.value = {};
    this.last.clear();
  }

  protected clear(): void {
    this.link.stop();
    this.tickets.forget();
    this.tiles.clear();
    this.inView.clear();
    this.selected.value = new Set();
    this.shown.value = [];
    this.loaded.value = this.moved.value = false;
    this.result.value = null;
    this.closePanel();
  }

  // The line ---------------------------------------------------------------------------------

  private lineIs(state: LinkState): void {
    this.line.value = state;
    if (state.is !== "live") return;
    this.sendView();
    this.say({ type: "look", session: this.session.value });
    if (this.session.value !== null) this.refetch(this.session.value);
  }

  /** A login that has ended: nothing more is asked for until somebody signs in. */
  protected override lostLogin(error: unknown): boolean {
    const lost = super.lostLogin(error);
    if (lost) this.link.stop();
    return lost;
  }

  /** Before a new try: a login that has ended is asked for, not tried for ever. */
  private async mayTry(): Promise<boolean> {
    try {
      await this.api.whoAmI();
      return true;
    } catch (error) {
      return !this.lostLogin(error);
    }
  }

  private say(word: WallWord): boolean {
    return this.link.send(word);
  }

  private hear(message: WallMessage): void {
    this.ahead_ms = message.now_ms - this.now();
    batch(() => {
      this.tick();
      if (message.type === "wall") {
        this.me.value = message.me;
        this.exams.value = message.exams;
        this.replace(message.tiles);
      } else {
        this.change(message.tiles ?? [], message.gone ?? []);
      }
    });
  }

  private replace(tiles: readonly Tile[]): void {
    const there = new Set(tiles.map((tile) => tile.session));
    for (const session of this.tiles.keys()) if (!there.has(session)) this.tiles.delete(session);
    for (const tile of tiles) this.put(tile);
    this.loaded.value = true;
    this.unselectGone();
    this.sort();
  }

  private change(
    tiles: readonly (Partial<Tile> & { session: string })[],
    gone: readonly string[],
  ): void {
    let moving = gone.length > 0;
    for (const session of gone) this.tiles.delete(session);
    for (const changed of tiles) {
      const before = this.tiles.get(changed.session)?.peek();
      moving ||= before === undefined || rules.mayMove(changed);
      this.announceNeed(before, changed);
      this.put({ ...(before ?? BLANK), ...changed });
    }
    if (gone.length > 0) this.unselectGone();
    if (moving) this.sort();
  }

  private put(tile: Tile): void {
    const there = this.tiles.get(tile.session);
    const before = there?.peek();
    if (there === undefined) this.tiles.set(tile.session, signal(tile));
    else there.value = tile;
    if (tile.session !== this.session.peek()) return;
    this.keepStill(tile.still);
    if (before === undefined || hasMoved(before, tile)) this.refetch(tile.session);
  }

  /** Speaks seldom: only when somebody begins to need a person. */
  private announceNeed(before: Tile | undefined, changed: Partial<Tile>): void {
    const [first] = changed.needs ?? [];
    if (first === undefined || first === before?.needs[0]) return;
    const tile: Tile = { ...(before ?? BLANK), ...changed };
    this.said.value = `${tile.learner}: ${words.why(first, tile, null)}`;
  }

  // Time -------------------------------------------------------------------------------------

  serverNow(): number {
    return this.now() + this.ahead_ms;
  }

  /** To be called once a second while somebody can see the page. */
  tick(): void {
    this.now_ms.value = Math.floor(this.serverNow() / 1000) * 1000;
    this.link.tick();
    const { value: session } = this.session;
    // What another proctor writes to the learner changes no tile.
    const due = this.line.peek().is === "live" && this.now() - this.fetched_ms > RENEW_MS;
    if (session !== null && due) this.refetch(session);
  }

  /** The server's time of something that this computer's clock saw. */
  serverTime(at_ms: number): number {
    return at_ms + this.ahead_ms;
  }

  // The order --------------------------------------------------------------------------------

  /** Nothing jumps from under whoever points at the wall or is in it with the keyboard. */
  hold(by: "pointer" | "focus", on: boolean): void {
    if (by === "pointer") this.pointed = on;
    else this.focused = on;
    if (!this.pointed && !this.focused) this.settle();
  }

  /** Shows what somebody looks for, at once: they asked for it. */
  want(changed: Partial<rules.Wanted>): void {
    const exam = this.wanted.value.exam;
    this.wanted.value = { ...this.wanted.value, ...changed };
    if (this.wanted.value.exam !== exam) this.went(this.session.value, this.wanted.value.exam);
    this.settle();
  }

  /** Puts the tiles into the order that they should have. */
  settle(): void {
    batch(() => {
      this.show(this.order());
      this.moved.value = false;
    });
  }

  private order(): string[] {
    // Almost in order already: then one pass sorts them.
    const last = new Set(this.lastOrder);
    const tiles = this.lastOrder.flatMap((session) => this.tile(session) ?? []);
    for (const tile of this.all()) if (!last.has(tile.session)) tiles.push(tile);
    this.lastOrder = rules.ordered(tiles, this.wanted.peek(), this.me.peek());
    return this.lastOrder;
  }

  private sort(): void {
    const groups = rules.groupsOf(this.all());
    if (!rules.sameOrder(groups, this.groups.peek())) this.groups.value = groups;
    const order = this.order();
    if (this.pointed || this.focused) {
      const kept = rules.held(this.shown.peek(), order, (session) => this.tiles.has(session));
      this.show(kept);
      this.moved.value = !rules.sameOrder(kept, order);
    } else {
      this.show(order);
      this.moved.value = false;
    }
  }

  private show(order: readonly string[]): void {
    const counts = rules.counted(this.all(), this.wanted.peek(), this.me.peek());
    if (!rules.FILTERS.every((each) => counts[each] === this.counts.peek()[each]))
      this.counts.value = counts;
    if (!rules.sameOrder(order, this.shown.peek())) this.shown.value = order;
  }

  private *all(): Iterable<Tile> {
    for (const tile of this.tiles.values()) yield tile.peek();
  }

  tile(session: string): Tile | null {
    return this.tiles.get(session)?.peek() ?? null;
  }

  examTitle(exam: string): string {
    return this.exams.value.find(({ id }) => id === exam)?.title ?? exam;
  }

  // What is in view --------------------------------------------------------------------------

  /** Tells that a tile can be seen, or no longer: the server sends pictures of those alone. */
  seen(session: string, visible: boolean): void {
    if (visible) this.inView.add(session);
    else this.inView.delete(session);
    if (this.viewing) return;
    this.viewing = true;
    this.later(VIEW_MS, () => {
      this.viewing = false;
      this.sendView();
    });
  }

  private sendView(): void {
    const open = this.session.peek();
    const seen = [...this.inView].filter((session) => this.tiles.has(session));
    const sessions = open === null ? seen : [open, ...seen.filter((session) => session !== open)];
    this.say({ type: "view", sessions: sessions.slice(0, VIEW_MOST) });
  }

  // Selecting --------------------------------------------------------------------------------

  toggle(session: string): void {
    const selected = new Set(this.selected.value);
    if (!selected.delete(session) && this.tiles.has(session) && selected.size < BATCH_MOST)
      selected.add(session);
    this.selected.value = selected;
  }

  select(sessions: readonly string[]): void {
    const known = sessions.filter((session) => this.tiles.has(session));
    this.selected.value = new Set(known.slice(0, BATCH_MOST));
  }

  private unselectGone(): void {
    const left = [...this.selected.peek()].filter((session) => this.tiles.has(session));
    if (left.length < this.selected.peek().size) this.selected.value = new Set(left);
  }

  // One session ------------------------------------------------------------------------------

  async open(session: string): Promise<void> {
    batch(() => {
      this.session.value = session;
      this.opened.value = this.policy.value = null;
      this.trouble.value = null;
      this.stills.value = [];
      this.keepStill(this.tile(session)?.still ?? null);
    });
    this.went(session, this.wanted.value.exam);
    this.say({ type: "look", session });
    this.sendView();
    this.fetching = null;
    await this.fetch(session);
  }

  /** Closes the session at the right; the focus goes back to its tile. */
  close(): void {
    const { value: session } = this.session;
    if (session === null) return;
    this.closePanel();
    this.went(null, this.wanted.value.exam);
    this.say({ type: "look", session: null });
    this.focusOn.value = { session };
  }

  private closePanel(): void {
    this.session.value = this.opened.value = this.policy.value = null;
    this.stills.value = [];
    this.trouble.value = null;
  }

  /** Fetches the open session anew, after something about it has changed. */
  private refetch(session: string): void {
    if (this.fetching !== null) {
      this.stale = true;
      return;
    }
    void this.fetch(session);
  }

  private async fetch(session: string): Promise<void> {
    this.fetching = session;
    this.fetched_ms = this.now();
    this.stale = false;
    try {
      const first = this.opened.peek() === null;
      const fetched = async () => {
        const opened = await this.api.session(session);
        if (this.session.value === session) this.opened.value = opened;
        if (this.policy.peek() !== null) return;
        const policy = await this.api.policy(session);
        if (this.session.value === session) this.policy.value = policy;
      };
      if (first) await this.doing(words.wait.session, fetched);
      else await fetched();
    } catch (error) {
      this.noted(error); // the line says that the server is away; what is shown is from before
    }
    this.later(FETCH_MS, () => {
      if (this.fetching !== session) return;
      this.fetching = null;
      if (this.stale && this.session.value === session) void this.fetch(session);
    });
  }

  private keepStill(still: Still | null): void {
    const kept = this.stills.peek();
    if (still === null || kept.some(({ sha256 }) => sha256 === still.sha256)) return;
    this.stills.value = [still, ...kept].slice(0, STILLS_KEPT);
  }

  /** Goes to the next who needs someone, in the order shown. */
  next(): void {
    const needs = (session: string) => (this.tile(session)?.needs.length ?? 0) > 0;
    const known = (each: string) => this.tiles.has(each);
    const shown = rules.held(this.shown.value, this.order(), known);
    const everybody = [...this.tiles.keys()];
    const session =
      rules.nextInNeed(shown, this.session.value, needs) ??
      rules.nextInNeed(everybody, this.session.value, needs);
    if (session !== null) void this.open(session);
  }

  // Taking -----------------------------------------------------------------------------------

  take(sessions: readonly string[], on: boolean): void {
    const some = sessions.slice(0, BATCH_MOST);
    const told = this.say({ type: on ? "take" : "release", sessions: some });
    if (!told) this.result.value = { words: words.line.notSent, failed: [] };
  }

  /** Takes a session that this proctor has not, releases one that they have. */
  toggleTake(sessions: readonly string[]): void {
    const mine = sessions.every((session) => this.tile(session)?.taken_by === this.me.value);
    this.take(sessions, !mine);
  }

  // Acts -------------------------------------------------------------------------------------

  /** Whom a key acts on: those selected, or else the tile with the focus, or the open session. */
  targets(focused: string | null): readonly string[] {
    const { value: selected } = this.selected;
    if (selected.size > 0) return [...selected];
    const session = focused ?? this.session.value;
    return session === null ? [] : [session];
  }

  /** Asks for what an act needs; nothing is sent. */
  ask(
    act: acts.AskingAct,
    sessions: readonly string[],
    changed: Partial<acts.ActDraft> = {},
  ): void {
    if (sessions.length === 0) return;
    this.asked += 1;
    batch(() => {
      this.draft.value = acts.draftOf(act, sessions, this.last.get(act), changed);
      this.tried.value = false;
      this.actTrouble.value = null;
    });
    if (this.reasons.value.length === 0) void this.fetchReasons();
  }

  write(changed: Partial<acts.ActDraft>): void {
    if (this.draft.value !== null) this.draft.value = { ...this.draft.value, ...changed };
  }

  cancel(): void {
    this.draft.value = null;
    this.actTrouble.value = null;
  }

  /** Hands the dialog in: says what is missing, or does it. */
  async confirm(): Promise<void> {
    const { value: draft } = this.draft;
    if (draft === null || this.doingAct.value) return;
    this.tried.value = true;
    if (this.lacks.value.length > 0) return;
    const { act, code, minutes, rule, of } = draft;
    this.last.set(act, { code, minutes, rule, of });
    const done = await this.send(draft.sessions, acts.sentOf(draft));
    if (done && this.draft.value !== null) this.draft.value = null;
  }

  /** Pauses whoever works, or lets go on whoever is paused: `p` does either. */
  pauseOrResume(sessions: readonly string[]): void {
    const tiles = sessions.flatMap((session) => this.tile(session) ?? []);
    const paused = tiles.filter((tile) => acts.fits("resume", tile));
    const working = tiles.filter((tile) => acts.fits("pause", tile));
    if (working.length === 0 && paused.length > 0)
      void this.send(paused.map(({ session }) => session), { act: "resume" });
    else if (working.length > 0) this.ask("pause", working.map(({ session }) => session));
  }

  /** Sends one act for one session or many; true once the server has done it for any. */
  async send(sessions: readonly string[], act: ActSent): Promise<boolean> {
    this.doingAct.value = true;
    this.actTrouble.value = null;
    try {
      return sessions.length === 1 && sessions[0] !== undefined
        ? await this.sendOne(sessions[0], act)
        : await this.sendMany(sessions, act);
    } catch (error) {
      await this.refused(error, sessions);
      return false;
    } finally {
      this.doingAct.value = false;
    }
  }

  private async sendOne(session: string, act: ActSent): Promise<boolean> {
    const { value: opened } = this.opened;
    const known = opened?.session === session ? { version: opened.version } : {};
    const now = await this.api.act(session, { ...act, ...known });
    if (this.session.value === session) this.opened.value = now;
    this.tell(this.doneWords(act, this.nameOf(session)), []);
    return true;
  }

  private async sendMany(sessions: readonly string[], act: ActSent): Promise<boolean> {
    const failed: Failed[] = [];
    let done = 0;
    const examOf = (session: string) => this.tile(session)?.exam ?? null;
    for (const part of acts.batches(sessions, examOf, BATCH_MOST)) {
      const answer = await this.api.actOnMany(part.exam, part.sessions, act);
      done += answer.done.length;
      failed.push(...answer.failed);
    }
    this.tell(done === 0 ? "" : this.doneWords(act, words.act.many(done)), failed);
    const { value: open } = this.session;
    if (open !== null && sessions.includes(open)) this.refetch(open);
    return true;
  }

  /** Says what came of an act; where all went well it leaves by itself. */
  private tell(said: string, failed: Failed[]): void {
    const result: Result = { words: said, failed };
    this.result.value = result;
    if (failed.length > 0) return;
    this.later(TOLD_MS, () => {
      if (this.result.value === result) this.result.value = null;
    });
  }

  private doneWords(act: ActSent, whom: string): string {
    return words.act.done[act.act]?.(whom) ?? "";
  }

  nameOf(session: string): string {
    return this.tile(session)?.learner ?? session;
  }

  /** What the server's no means; what was typed stays. */
  private async refused(error: unknown, sessions: readonly string[]): Promise<void> {
    if (this.lostLogin(error)) return;
    this.actTrouble.value = wallTrouble(error);
    if (this.draft.value === null) this.result.value = { words: this.actTrouble.value, failed: [] };
    const { value: open } = this.session;
    if (open !== null && sessions.includes(open)) await this.fetch(open);
  }

  writeAnswer(session: string, answer: string): void {
    this.answers.value = { ...this.answers.value, [session]: answer };
  }

  async answer(session: string): Promise<void> {
    const note = (this.answers.value[session] ?? "").trim();
    if (note === "" || this.doingAct.value) return;
    if (await this.send([session], { act: "answer", note })) this.writeAnswer(session, "");
  }

  async announce(exam: string, code: string, note: string): Promise<boolean> {
    this.doingAct.value = true;
    this.actTrouble.value = null;
    try {
      const told = await this.api.announce(exam, code, note.trim());
      this.tell(words.announce.told(told.told), told.failed);
      return true;
    } catch (error) {
      if (!this.lostLogin(error)) this.actTrouble.value = wallTrouble(error);
      return false;
    } finally {
      this.doingAct.value = false;
    }
  }

  private async fetchReasons(): Promise<void> {
    try {
      this.reasons.value = await this.api.reasons();
    } catch (error) {
      this.noted(error); // fetched again when the dialog opens
    }
  }

  /** An error that needs no words of its own; a bug of ours is none of those. */
  private noted(error: unknown): void {
    if (!(error instanceof ProblemError || error instanceof Unreachable)) throw error;
    this.lostLogin(error);
  }
}

/** What an act's refusal means, in words. */
export function wallTrouble(error: unknown): string {
  if (error instanceof Unreachable) return words.trouble.unsure;
  if (!(error instanceof ProblemError)) throw error;
  if (error.code === "stale-page") return words.act.stale(error.facts["by"], error.facts["act"]);
  return words.trouble.codes[error.code] ?? troubleWords(error);
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

/** Before the server has said anything of a session. */
const BLANK: Tile = {
  session: "",
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
  needs: [],
  needs_since_ms: null,
  help: null,
  termination: null,
  taken_by: null,
  looking: [],
  waiting_devices: 0,
  extra_s: 0,
};
