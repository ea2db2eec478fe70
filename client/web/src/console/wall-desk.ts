/** What the wall shows, and what a proctor can do there. Components render these signals. */

import { batch, computed, type Signal, signal } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import { wall as words } from "../text/wall";
import { ownZone } from "../text/when";
import * as acts from "./acts";
import { Board } from "./board";
import { LookTickets } from "./look-tickets";
import { StaffPage } from "./login";
import { OneSession } from "./one-session";
import { type Keep, Sending } from "./sending";
import type { Sent, Undoable } from "./sent";
import * as rules from "./tiles";
import {
  type ActKind,
  type ActSent,
  type ActView,
  BATCH_MOST,
  type LiveSession,
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

export interface WallParts {
  api: WallApi;
  open: (events: LineEvents) => Line;
  /** Called with the session and the exam that the address should name, or null. */
  went?: (session: string | null, exam: string | null) => void;
  later?: (after_ms: number, what: () => void) => () => void;
  now?: () => number;
  random?: () => number;
  newId?: () => string;
  zone?: string;
  /** Without it, a reload forgets what was not answered. */
  keep?: Keep;
}

/** Why an act that is asked for here is not for a session. */
function unfit(act: acts.AskingAct, tile: Tile | null): acts.Unfit | null {
  if (acts.ANSWERING.includes(act)) return tile !== null && rules.isRefused(tile) ? acts.unfit(act, tile) : null;
  return tile === null ? "gone" : acts.unfit(act, tile);
}

function asksNow(tile: Tile | null): boolean {
  return tile !== null && tile.help !== null;
}

export class Wall extends StaffPage {
  readonly link: WallLink;
  readonly line = signal<LinkState>({ is: "connecting" });
  readonly exams = signal<readonly ExamName[]>([]);
  readonly board: Board;
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
  readonly sending: Sending;
  /** What is typed as an answer, by session: it waits for whoever looks elsewhere meanwhile. */
  readonly answers = signal<Readonly<Record<string, string>>>({});
  readonly tickets: LookTickets;
  /** The focus is to go to this tile: the grid does it, and forgets. */
  readonly focusOn = signal<{ session: string } | null>(null);
  /** Said once, for who can't see the wall: somebody needs a person. */
  readonly said = signal("");

  private readonly api: WallApi;
  private readonly went: NonNullable<WallParts["went"]>;
  private readonly later: NonNullable<WallParts["later"]>;
  private readonly now: () => number;
  private inView: readonly string[] = [];
  private ahead_ms = 0;
  private viewing = false;

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
    this.board = new Board({ me: () => this.me(), now, later: this.later });
    this.now_ms = signal(now());
    this.one = new OneSession({
      api: parts.api,
      doing: (what, work) => this.doing(what, work),
      failed: (error) => this.noted(error),
      later: this.later,
      now,
    });
    this.sending = new Sending({
      api: parts.api,
      nameOf: (session) => this.nameOf(session),
      examOf: (session) => this.board.met(session)?.exam ?? null,
      examTitle: (exam) => this.examTitle(exam),
      done: (sent, now) => this.done(sent, now),
      refused: (error, sent) => this.refused(error, sent),
      now,
      serverTime: (at_ms) => this.serverTime(at_ms),
      later: this.later,
      newId: parts.newId ?? (() => crypto.randomUUID()),
      zone: parts.zone ?? ownZone(),
      me: () => this.me(),
      keep: parts.keep ?? { read: () => null, write: () => undefined },
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
    this.sending.restore();
    this.link.start();
    await this.fetchReasons();
    if (this.one.session.value !== null) await this.open(this.one.session.value);
  }

  protected forgetDrafts(): void {
    this.sending.forget();
    this.answers.value = {};
    this.selected.value = new Set();
    this.tickets.forget();
    this.board.clear();
    this.inView = [];
    this.said.value = "";
  }

  protected clear(): void {
    this.link.stop();
    this.exams.value = [];
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
        const begun: string[] = [];
        this.board.change(message.tiles ?? [], message.gone ?? [], (before, now) => {
          const [first] = rules.needsNow(now);
          if (first !== undefined && first !== before?.needs[0])
            begun.push(`${now.learner}: ${words.why(first, now, null)}`);
          this.one.heard(before, now);
        });
        // Speaks seldom: only when somebody begins to need a person.
        if (begun.length > 0) this.said.value = words.begun(begun);
      }
      this.unselectGone();
    });
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

  /** Tells which tiles can be seen: the server sends pictures of those alone. */
  inSight(sessions: readonly string[]): void {
    if (rules.sameOrder(sessions, this.inView)) return;
    this.inView = sessions;
    if (this.viewing) return;
    this.viewing = true;
    this.later(VIEW_MS, () => {
      this.viewing = false;
      this.sendView();
    });
  }

  private sendView(): void {
    const open = this.one.session.peek();
    const seen = this.inView.filter((session) => this.board.tiles.has(session));
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
    if (!told) this.sending.tell({ words: words.line.notSent, failed: [] }, false);
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
    const whys = sessions.map((session) => unfit(act, this.tile(session)));
    const there = sessions.filter((_, place) => whys[place] === null);
    const left = acts.leftOf(whys.filter((why) => why !== null));
    const [only] = there;
    if (only === undefined) {
      this.sayNot(act, sessions, left);
      return;
    }
    // Who writes to one who asked something most often answers it.
    const answers = act === "message" && there.length === 1 && asksNow(this.tile(only));
    this.sending.ask(act, there, this.versionsOf(there, act), { answers, left, ...changed });
    this.chooseRule();
    if (this.reasons.value.length === 0) void this.fetchReasons();
  }

  /** What is read of sessions: whoever has one open reads that, and of the others their tiles. */
  private versionsOf(sessions: readonly string[], act: ActKind): acts.Versions {
    // Words for many hold whatever was done to some of them meanwhile.
    if (act === "message" && sessions.length > 1) return {};
    const { value: opened } = this.one.opened;
    const read = sessions.flatMap((session) => {
      const shown = opened?.session === session ? opened : this.tile(session);
      return shown === null ? [] : [[session, shown.version] as const];
    });
    return Object.fromEntries(read);
  }

  /** Says why nothing opens. */
  private sayNot(act: acts.AskingAct, sessions: readonly string[], left: readonly acts.Left[]): void {
    const [session] = sessions;
    const [first] = left;
    if (session === undefined || first === undefined) return;
    const one = sessions.length === 1;
    const heading = words.act.headings[act](one ? this.nameOf(session) : words.act.many(sessions.length));
    const why = left.length === 1 ? words.act.unfit[first.why] : words.act.left(left);
    this.sending.tell({ words: words.act.not(heading, why), failed: [] });
  }

  /** The rules that an act asked for can be about; of the open session, those of its policy. */
  rulesFor(draft: acts.ActDraft): { rule: string; count: number }[] {
    const { act, sessions } = draft;
    const tiles = sessions.flatMap((session) => this.board.tiles.get(session)?.value ?? []);
    const open = sessions.length === 1 && sessions[0] === this.one.session.value;
    const policy = open ? this.one.policy.value : null;
    const known = acts.RULES.filter((each) => policy?.rules.some(({ rule }) => rule === each) ?? true);
    return acts.rulesFor(act, tiles, known);
  }

  /** What was chosen last may not be there to choose now; where there is one alone, it is that. */
  private chooseRule(): void {
    const { value: draft } = this.sending.draft;
    if (draft === null || (draft.act !== "lift-rule" && draft.act !== "restore-rule")) return;
    const offered = this.rulesFor(draft).map(({ rule }) => rule);
    const only = draft.act === "restore-rule" && offered.length === 1 ? (offered[0] ?? "") : "";
    if (!offered.includes(draft.rule)) this.sending.write({ rule: only });
  }

  /** Asks to pause whoever works, or to let go on whoever is paused: `p` does either. */
  pauseOrResume(sessions: readonly string[]): void {
    const tiles = sessions.flatMap((session) => this.tile(session) ?? []);
    const paused = tiles.filter((tile) => acts.fits("resume", tile));
    const working = tiles.filter((tile) => acts.fits("pause", tile));
    // Of those chosen it leaves out who does not work, and says how many.
    this.ask(working.length === 0 && paused.length > 0 ? "resume" : "pause", sessions);
  }

  /** Sends one act for one session or many; true once the server has done it for any. */
  send(sessions: readonly string[], act: ActSent): Promise<boolean> {
    return this.sending.send(sessions, act, this.versionsOf(sessions, act.act));
  }

  /** Takes back what was just done: in each session that act, whatever was done there since. */
  async undo({ act, ofBySession }: Undoable): Promise<void> {
    const sessions = Object.keys(ofBySession);
    if (acts.undoneByDialog(act)) this.ask("undo", sessions, { ofBySession });
    else await this.sending.send(sessions, { act: "undo", ofBySession }, {});
  }

  /** Takes back an act that is read in the list of a session. */
  async undoListed(session: string, { act, id }: ActView): Promise<void> {
    if (acts.undoneByDialog(act)) this.ask("undo", [session], { ofBySession: { [session]: id } });
    else await this.send([session], { act: "undo", of: id });
  }

  private done({ act, sessions }: Sent, now: LiveSession | null): void {
    const [session = ""] = sessions;
    // What has been typed since is not what was sent.
    if (act.act === "answer" && this.answers.value[session]?.trim() === act.note)
      this.writeAnswer(session, "");
    const { session: open, opened } = this.one;
    if (now === null) {
      if (this.one.isAmong(sessions)) this.one.refetch();
    } else if (open.value === session) {
      const shown = opened.value?.version ?? 0;
      if (now.version >= shown) opened.value = now;
    }
  }

  private refused(error: unknown, { sessions }: Sent): boolean {
    if (this.lostLogin(error)) return true;
    if (this.one.isAmong(sessions)) void this.one.fetch();
    return false;
  }

  /** Also of one whose tile has gone. */
  nameOf(session: string): string {
    return this.board.met(session)?.learner ?? session;
  }

  writeAnswer(session: string, answer: string): void {
    this.answers.value = { ...this.answers.value, [session]: answer };
  }

  async answer(session: string): Promise<void> {
    const note = (this.answers.value[session] ?? "").trim();
    if (note !== "") await this.send([session], { act: "answer", note });
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
