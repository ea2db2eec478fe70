/** What the wall shows, and what a proctor can do there. Components render these signals. */

import { batch, computed, type Signal, signal } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import { wall as words } from "../text/wall";
import { troubleWords } from "../text/problems";
import * as acts from "./acts";
import { Board } from "./board";
import { LookTickets } from "./look-tickets";
import { StaffPage } from "./login";
import { OneSession } from "./one-session";
import type * as rules from "./tiles";
import {
  type ActSent,
  BATCH_MOST,
  type Failed,
  type ReasonGroup,
  type Tile,
  VIEW_MOST,
  type WallApi,
  type ExamName,
  type WallMessage,
  type WallWord,
} from "./wall-api";
import { type LineEvents, type Line, type LinkState, WallLink } from "./wall-link";

const VIEW_MS = 150;
const TOLD_MS = 12_000;
/** So long the same words are taken for the act whose answer was lost, sent again. */
const SAME_MS = 120_000;

/** What came of the last act, said until the next. */
export interface Result {
  words: string;
  failed: Failed[];
}

/** What was sent without an answer: it may be done, and sent again it is not done twice. */
interface Lost {
  /** What it said: the same again is the same act. */
  what: string;
  /** For whom. */
  sessions: readonly string[];
  request: string;
  until_ms: number;
  send: (request: string) => Promise<boolean>;
}

export interface WallParts {
  api: WallApi;
  open: (events: LineEvents) => Line;
  /** Called with the session and the exam that the address should name, or null. */
  went?: (session: string | null, exam: string | null) => void;
  later?: (after_ms: number, what: () => void) => () => void;
  now?: () => number;
  random?: () => number;
  newId?: () => string;
}

export class Wall extends StaffPage {
  readonly link: WallLink;
  readonly line = signal<LinkState>({ is: "connecting" });
  readonly exams = signal<readonly ExamName[]>([]);
  readonly board = new Board(() => this.me());
  /** Whoever is signed in may watch. */
  readonly allowed = computed(() => {
    const who = this.who.value;
    return who.is === "in" && (who.login.role === "proctor" || who.login.role === "lead");
  });
  /** The server's time, to the second. */
  readonly now_ms: Signal<number>;
  readonly selected = signal<ReadonlySet<string>>(new Set());
  readonly one: OneSession;
  readonly reasons = signal<readonly ReasonGroup[]>([]);
  readonly draft = signal<acts.ActDraft | null>(null);
  /** Whether the dialog was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  readonly doingAct = signal(false);
  readonly actTrouble = signal<string | null>(null);
  readonly result = signal<Result | null>(null);
  /** The last act, where no answer came to it. */
  readonly lost = signal<Lost | null>(null);
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
  private readonly newId: () => string;
  private readonly last = new Map<acts.AskingAct, acts.Remembered>();
  private readonly inView = new Set<string>();
  private ahead_ms = 0;
  private viewing = false;

  constructor(parts: WallParts) {
    super(parts.api);
    const { open, went = () => undefined, now = Date.now, random = Math.random } = parts;
    this.api = parts.api;
    this.went = went;
    this.now = now;
    this.newId = parts.newId ?? (() => crypto.randomUUID());
    this.later =
      parts.later ??
      ((after_ms, what) => {
        const timer = setTimeout(what, after_ms);
        return () => clearTimeout(timer);
      });
    this.now_ms = signal(now());
    this.one = new OneSession({
      api: parts.api,
      doing: (what, work) => this.doing(what, work),
      failed: (error) => this.noted(error),
      later: this.later,
      now,
    });
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
    this.one.session.value = session;
    this.board.wanted.value = { ...this.board.wanted.value, exam };
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
    this.link.start();
    await this.fetchReasons();
    if (this.one.session.value !== null) await this.open(this.one.session.value);
  }

  protected forgetDrafts(): void {
    this.draft.value = null;
    this.answers.value = {};
    this.last.clear();
  }

  protected clear(): void {
    this.link.stop();
    this.tickets.forget();
    this.board.clear();
    this.inView.clear();
    this.selected.value = new Set();
    this.result.value = this.lost.value = null;
    this.closePanel();
  }

  // The line ---------------------------------------------------------------------------------

  private lineIs(state: LinkState): void {
    this.line.value = state;
    if (state.is !== "live") return;
    this.sendView();
    this.say({ type: "look", session: this.one.session.value });
    this.one.refetch();
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
        this.exams.value = message.exams;
        this.board.replace(message.tiles, (before, now) => this.one.heard(before, now));
      } else {
        this.board.change(message.tiles ?? [], message.gone ?? [], (before, now) => {
          this.announceNeed(before, now);
          this.one.heard(before, now);
        });
      }
      this.unselectGone();
    });
  }

  /** Speaks seldom: only when somebody begins to need a person. */
  private announceNeed(before: Tile | undefined, now: Tile): void {
    const [first] = now.needs;
    if (first === undefined || first === before?.needs[0]) return;
    this.said.value = `${now.learner}: ${words.why(first, now, null)}`;
  }

  // Time -------------------------------------------------------------------------------------

  serverNow(): number {
    return this.now() + this.ahead_ms;
  }

  /** To be called once a second while somebody can see the page. */
  tick(): void {
    this.now_ms.value = Math.floor(this.serverNow() / 1000) * 1000;
    this.link.tick();
    if (this.line.peek().is === "live") this.one.renew();
  }

  /** The server's time of something that this computer's clock saw. */
  serverTime(at_ms: number): number {
    return at_ms + this.ahead_ms;
  }

  /** Shows what somebody looks for; an exam that is chosen stands in the address. */
  want(changed: Partial<rules.Wanted>): void {
    const { exam } = this.board.wanted.value;
    this.board.want(changed);
    const now = this.board.wanted.value.exam;
    if (now !== exam) this.went(this.one.session.value, now);
  }

  tile(session: string): Tile | null {
    return this.board.tile(session);
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
    const open = this.one.session.peek();
    const seen = [...this.inView].filter((session) => this.board.tiles.has(session));
    const sessions = open === null ? seen : [open, ...seen.filter((session) => session !== open)];
    this.say({ type: "view", sessions: sessions.slice(0, VIEW_MOST) });
  }

  // Selecting --------------------------------------------------------------------------------

  toggle(session: string): void {
    const selected = new Set(this.selected.value);
    if (!selected.delete(session) && this.board.tiles.has(session) && selected.size < BATCH_MOST)
      selected.add(session);
    this.selected.value = selected;
  }

  select(sessions: readonly string[]): void {
    const known = sessions.filter((session) => this.board.tiles.has(session));
    this.selected.value = new Set(known.slice(0, BATCH_MOST));
  }

  private unselectGone(): void {
    const left = [...this.selected.peek()].filter((session) => this.board.tiles.has(session));
    if (left.length < this.selected.peek().size) this.selected.value = new Set(left);
  }

  // One session ------------------------------------------------------------------------------

  async open(session: string): Promise<void> {
    this.one.show(session, this.tile(session)?.still ?? null);
    this.trouble.value = null;
    this.went(session, this.board.wanted.value.exam);
    this.say({ type: "look", session });
    this.sendView();
    await this.one.fetch();
  }

  /** Closes the session at the right; the focus goes back to its tile. */
  close(): void {
    const { value: session } = this.one.session;
    if (session === null) return;
    this.closePanel();
    this.went(null, this.board.wanted.value.exam);
    this.say({ type: "look", session: null });
    this.focusOn.value = { session };
  }

  private closePanel(): void {
    this.one.hide();
    this.trouble.value = null;
  }

  /** Goes to the next who needs someone, in the order shown. */
  next(): void {
    const session = this.board.nextInNeed(this.one.session.value);
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
    const mine = sessions.every((session) => this.tile(session)?.taken_by === this.me());
    this.take(sessions, !mine);
  }

  // Acts -------------------------------------------------------------------------------------

  /** Whom a key acts on: those selected, or else the tile with the focus, or the open session. */
  targets(focused: string | null): readonly string[] {
    const { value: selected } = this.selected;
    if (selected.size > 0) return [...selected];
    const session = focused ?? this.one.session.value;
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
    this.left();
  }

  /** Once a dialog is closed: what no answer came to is said outside of it. */
  private left(): void {
    this.actTrouble.value = null;
    if (this.lost.value !== null) this.result.value = { words: words.trouble.unsure, failed: [] };
  }

  /** Whether what the dialog would send is what was sent without an answer. */
  readonly sendsAgain = computed(() => {
    const { value: draft } = this.draft;
    if (draft === null || this.lost.value === null) return false;
    return this.lost.value.what === whatOf(draft.sessions, acts.sentOf(draft));
  });

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
    const [only] = sessions;
    const { value: opened } = this.one.opened;
    if (sessions.length !== 1 || only === undefined)
      return this.deliver(whatOf(sessions, act), sessions, (request) =>
        this.sendMany(sessions, { ...act, request }),
      );
    const known = opened?.session === only ? { version: opened.version } : {};
    return this.deliver(whatOf(sessions, act), sessions, (request) =>
      this.sendOne(only, { ...act, ...known, request }),
    );
  }

  /** Sends again what no answer came to. The server does it where it has not been done. */
  async sendAgain(): Promise<boolean> {
    const { value: lost } = this.lost;
    if (lost === null || this.doingAct.value) return false;
    const done = await this.trySending(lost);
    if (done && this.sendsAgain.value) this.draft.value = null;
    return done;
  }

  private deliver(
    what: string,
    sessions: readonly string[],
    send: Lost["send"],
  ): Promise<boolean> {
    const { value: lost } = this.lost;
    if (lost !== null && lost.what === what && this.now() < lost.until_ms)
      return this.trySending(lost);
    const until_ms = this.now() + SAME_MS;
    return this.trySending({ what, sessions, request: this.newId(), until_ms, send });
  }

  private async trySending(sent: Lost): Promise<boolean> {
    this.doingAct.value = true;
    this.actTrouble.value = null;
    try {
      const done = await sent.send(sent.request);
      this.lost.value = null;
      return done;
    } catch (error) {
      this.lost.value = isUnsure(error) ? sent : null;
      await this.refused(error, sent.sessions);
      return false;
    } finally {
      this.doingAct.value = false;
    }
  }

  private async sendOne(session: string, act: ActSent): Promise<boolean> {
    const now = await this.api.act(session, act);
    if (this.one.session.value === session) this.one.opened.value = now;
    if (act.act === "answer") this.writeAnswer(session, "");
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
    if (this.one.isAmong(sessions)) this.one.refetch();
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

  /** Closes the note of what came of the last act; what no answer came to is not sent again. */
  dismiss(): void {
    this.result.value = this.lost.value = null;
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
    if (this.draft.value === null && !this.announcing.value)
      this.result.value = { words: this.actTrouble.value, failed: [] };
    if (this.one.isAmong(sessions)) await this.one.fetch();
  }

  writeAnswer(session: string, answer: string): void {
    this.answers.value = { ...this.answers.value, [session]: answer };
  }

  async answer(session: string): Promise<void> {
    const note = (this.answers.value[session] ?? "").trim();
    if (note === "" || this.doingAct.value) return;
    await this.send([session], { act: "answer", note });
  }

  async announce(exam: string, code: string, note: string): Promise<boolean> {
    return this.deliver(announced(exam, code, note), [], async (request) => {
      const told = await this.api.announce(exam, code, note.trim(), request);
      this.tell(words.announce.told(told.told), told.failed);
      return true;
    });
  }

  /** Whether this is what was announced without an answer. */
  announcesAgain(exam: string, code: string, note: string): boolean {
    return this.lost.value?.what === announced(exam, code, note);
  }

  stopAnnouncing(): void {
    this.announcing.value = false;
    this.left();
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

/** What is sent, as text: the same text is the same act. */
function whatOf(to: readonly string[], what: object): string {
  return JSON.stringify([to, what]);
}

function announced(exam: string, code: string, note: string): string {
  return whatOf([exam], { code, note: note.trim() });
}

/** Whether an act may be done for all that came back: a proxy's answer is none of the server's. */
function isUnsure(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  return error instanceof ProblemError && error.status >= 500 && error.code !== "storage-full";
}

/** What an act's refusal means, in words. */
export function wallTrouble(error: unknown): string {
  if (isUnsure(error)) return words.trouble.unsure;
  if (!(error instanceof ProblemError)) throw error;
  const { facts } = error;
  if (error.code === "stale-proposal")
    return words.termination.stale(facts["proposed_by"], facts["became"], facts["by"]);
  if (error.code === "nothing-proposed")
    return words.termination.gone(facts["became"], facts["by"]);
  if (error.code === "stale-page") return words.act.stale(error.facts["by"], error.facts["act"]);
  return words.trouble.codes[error.code] ?? troubleWords(error);
}
