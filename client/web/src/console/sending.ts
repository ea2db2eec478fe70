/** What a proctor is about to do, what of it is under way, and what came of it. */

import { batch, computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { ProblemError } from "../api";
import { moment } from "../text/when";
import { isUnsure, refusesAct, wallTrouble } from "./act-answers";
import * as acts from "./acts";
import {
  announcedAs,
  announcement,
  decided,
  type Kept,
  keptOf,
  restored,
  type Result,
  type Sent,
  type SentParts,
  whatOf,
} from "./sent";
import type { ActSent, LiveSession } from "./wall-api";

const TOLD_MS = 12_000;

/** Where what is not answered yet outlives a reload of the page, and no more than its tab. */
export interface Keep {
  read: () => string | null;
  write: (text: string) => void;
}

/** As it is kept: whoever else signs in here is offered none of it. */
interface Unanswered {
  by: string;
  sent: Kept[];
}

export interface SendingParts extends SentParts {
  /** Told of what was done, with the session as it then was, where it was one alone. */
  done: (sent: Sent, session: LiveSession | null) => void;
  /** Told of a no; true where the login has ended, and nothing more is to be said. */
  refused: (error: unknown, sent: Sent) => boolean;
  later: (after_ms: number, what: () => void) => unknown;
  /** The name of whoever is signed in; "" for nobody. */
  me: () => string;
  keep: Keep;
}

export class Sending {
  readonly draft = signal<acts.ActDraft | null>(null);
  /** Whether the dialog was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  /** Which opening of its dialog something is announced in; null where that is closed. */
  readonly announcing = signal<number | null>(null);
  readonly result = signal<Result | null>(null);
  /** What may be done, or is done for some only: the first sent comes first. */
  readonly lost = signal<readonly Sent[]>([]);

  readonly lacks = computed(() => (this.draft.value === null ? [] : acts.lacks(this.draft.value)));
  readonly doingAct = computed(() => {
    const { value: draft } = this.draft;
    return draft !== null && this.isBusy(draft.id, whatOf(draft.sessions, acts.sentOf(draft)));
  });
  readonly actTrouble = computed(() => this.troubleOf(this.draft.value?.id ?? null));
  readonly announceTrouble = computed(() => this.troubleOf(this.announcing.value));
  /** What the dialog would send, where that was sent already without an answer to all of it. */
  readonly sentBefore = computed(() => {
    const { value: draft } = this.draft;
    return draft === null ? null : this.lostAs(whatOf(draft.sessions, acts.sentOf(draft)));
  });

  /** How often a dialog was asked for: which asking one shows. */
  asked = 0;

  private readonly trouble = signal<{ of: number; words: string } | null>(null);
  private readonly underWay: Signal<readonly { of: number | null; sent: Sent }[]> = signal([]);
  private readonly last = new Map<acts.AskingAct, acts.Remembered>();
  /** Whose decisions these are: an answer that comes after that proctor has left is nobody's. */
  private proctor = {};

  constructor(private readonly parts: SendingParts) {
    effect(() => {
      const under = this.underWay.value.map(({ sent }) => sent);
      const sent = [...new Set([...this.lost.value, ...under])].map(keptOf);
      const by = untracked(() => this.parts.me());
      // Before anybody is known here, what was kept waits for who it is of.
      if (by !== "") this.parts.keep.write(JSON.stringify({ by, sent } satisfies Unanswered));
    });
  }

  /** Offers again what this person had sent before the page was loaded anew, and nobody answered. */
  restore(): void {
    const text = this.parts.keep.read();
    const { by, sent } = text === null ? { by: "", sent: [] } : (JSON.parse(text) as Unanswered);
    const mine = by === this.parts.me() ? sent : [];
    const back = mine.map((kept) => restored(this.parts, kept));
    // Signed in again without a reload, it is here still.
    const known = new Set(this.lost.value.map(({ request }) => request));
    this.lost.value = [...this.lost.value, ...back.filter(({ request }) => !known.has(request))];
  }

  /** Nothing of whoever sat here is left for the next. */
  forget(): void {
    this.proctor = {};
    this.last.clear();
    batch(() => {
      this.draft.value = this.announcing.value = this.result.value = this.trouble.value = null;
      this.tried.value = false;
      this.lost.value = this.underWay.value = [];
    });
  }

  // Dialogs ----------------------------------------------------------------------------------

  /** Asks for what an act needs; nothing is sent. `versions` are those of the sessions as read. */
  ask(
    act: acts.AskingAct,
    sessions: readonly string[],
    versions: acts.Versions,
    changed: Partial<acts.ActDraft> = {},
  ): void {
    const id = (this.asked += 1);
    batch(() => {
      const draft = acts.draftOf(act, sessions, this.last.get(act), changed);
      this.draft.value = { ...draft, id, versions };
      this.tried.value = false;
    });
  }

  write(changed: Partial<acts.ActDraft>): void {
    if (this.draft.value !== null) this.draft.value = { ...this.draft.value, ...changed };
  }

  cancel(): void {
    this.draft.value = null;
  }

  startAnnouncing(): void {
    this.announcing.value = this.asked += 1;
  }

  stopAnnouncing(): void {
    this.announcing.value = null;
  }

  private troubleOf(dialog: number | null): string | null {
    const { value: trouble } = this.trouble;
    return trouble !== null && trouble.of === dialog ? trouble.words : null;
  }

  // Sending ----------------------------------------------------------------------------------

  /** Hands the dialog in: says what is missing, or does it. */
  async confirm(): Promise<boolean> {
    const { value: draft } = this.draft;
    if (draft === null || this.doingAct.value) return false;
    this.tried.value = true;
    if (this.lacks.value.length > 0) return false;
    const { id, act, sessions, versions } = draft;
    this.last.set(act, acts.remembered(draft));
    const sent = acts.sentOf(draft);
    const lost = this.lostAs(whatOf(sessions, sent));
    return this.deliver(lost ?? decided(this.parts, sessions, sent, versions), id);
  }

  /** Sends what needs no dialog; true once the server has done it for any. */
  async send(
    sessions: readonly string[],
    act: ActSent,
    versions: acts.Versions,
  ): Promise<boolean> {
    const lost = this.lostAs(whatOf(sessions, act));
    if (lost === null || act.note !== undefined)
      return this.deliver(lost ?? decided(this.parts, sessions, act, versions), null);
    // Without words of its own it is decided anew, by how the session stands now.
    if (this.isBusy(null, lost.what)) return false;
    this.dismiss(lost);
    return this.deliver(decided(this.parts, sessions, act, versions), null);
  }

  async announce(exam: string, code: string, note: string): Promise<boolean> {
    const lost = this.lostAs(announcedAs(exam, code, note));
    return this.deliver(lost ?? announcement(this.parts, exam, code, note), this.announcing.value);
  }

  /** The same announcement, where it was sent already without an answer. */
  announcedBefore(exam: string, code: string, note: string): Sent | null {
    return this.lostAs(announcedAs(exam, code, note));
  }

  announcesNow(exam: string, code: string, note: string): boolean {
    return this.isBusy(this.announcing.value, announcedAs(exam, code, note));
  }

  /** Sends again what no answer came to. The server does it where it has not been done. */
  sendAgain(sent: Sent): Promise<boolean> {
    return this.deliver(sent, null);
  }

  isUnderWay(sent: Sent): boolean {
    return this.isBusy(null, sent.what);
  }

  private isBusy(dialog: number | null, what: string): boolean {
    const { value: all } = this.underWay;
    return all.some(({ of, sent }) => sent.what === what || (dialog !== null && of === dialog));
  }

  private lostAs(what: string): Sent | null {
    return this.lost.value.find((sent) => sent.what === what) ?? null;
  }

  /** @param dialog The one that it is sent from; null for none. */
  private async deliver(sent: Sent, dialog: number | null): Promise<boolean> {
    if (this.isBusy(dialog, sent.what)) return false;
    const { proctor } = this;
    const way = { of: dialog, sent };
    this.underWay.value = [...this.underWay.value, way];
    if (this.trouble.value?.of === dialog) this.trouble.value = null;
    try {
      const { result, session } = await sent.send(sent.unsure);
      if (proctor !== this.proctor) return false;
      batch(() => {
        this.keep(sent, false);
        this.close(dialog);
        this.tell(result);
      });
      this.parts.done(sent, session);
      return true;
    } catch (error) {
      if (proctor === this.proctor) this.failed(sent, dialog, error);
      return false;
    } finally {
      this.underWay.value = this.underWay.value.filter((each) => each !== way);
    }
  }

  /** Another dialog that was opened meanwhile stays. */
  private close(dialog: number | null): void {
    if (this.draft.value?.id === dialog) this.cancel();
    if (this.announcing.value === dialog) this.stopAnnouncing();
  }

  private isOpen(dialog: number): boolean {
    return this.draft.value?.id === dialog || this.announcing.value === dialog;
  }

  /** What the server's no means, or that no answer came; what was typed stays. */
  private failed(sent: Sent, dialog: number | null, error: unknown): void {
    const said = wallTrouble(error);
    const some = sent.soFar();
    sent.unsure ||= isUnsure(error);
    const kept = some !== null || (sent.unsure && !refusesAct(error));
    batch(() => {
      this.keep(sent, kept);
      if (some !== null) this.tell(some);
      if (this.parts.refused(error, sent)) return;
      if (dialog !== null && this.isOpen(dialog)) {
        this.trouble.value = { of: dialog, words: [some?.words, said].filter(Boolean).join(" ") };
        this.readAgain(dialog, error);
      } else if (!isUnsure(error)) {
        const all = [some?.words, `${sent.heading}: ${said}`].filter(Boolean).join(" ");
        this.tell({ words: all, failed: some?.failed ?? [] }, false);
      }
    });
  }

  /** Who was told what has been done meanwhile has read that too. */
  private readAgain(dialog: number, error: unknown): void {
    const { value: draft } = this.draft;
    if (draft?.id !== dialog || !(error instanceof ProblemError)) return;
    const [session] = draft.sessions;
    const { version } = error.facts;
    if (error.code === "stale-page" && typeof version === "number" && session !== undefined)
      this.write({ versions: { ...draft.versions, [session]: version } });
  }

  private keep(sent: Sent, on: boolean): void {
    const { value: lost } = this.lost;
    if (lost.includes(sent) !== on)
      this.lost.value = on ? [...lost, sent] : lost.filter((each) => each !== sent);
    else if (on) this.lost.value = [...lost]; // how far it came may be another now
  }

  // What is said of it -----------------------------------------------------------------------

  /**
   * Says what came of an act. Where all went well it leaves by itself, but not what was done to many
   * and can be taken back: nowhere else is that done at once.
   */
  tell(
    result: Result,
    leaves = result.failed.length === 0 && Object.keys(result.undo?.ofBySession ?? {}).length < 2,
  ): void {
    this.result.value = result;
    if (!leaves) return;
    this.parts.later(TOLD_MS, () => {
      if (this.result.value === result) this.result.value = null;
    });
  }

  /** Closes the note of what came of the last act. */
  dismissResult(): void {
    this.result.value = null;
  }

  /** What no answer came to is not sent again: the same words are another decision now. */
  dismiss(sent: Sent): void {
    this.keep(sent, false);
  }

  /** "14:02": when something was sent first. */
  when(sent: Sent): string {
    const { now, serverTime, zone } = this.parts;
    return moment(sent.at_ms, serverTime(now()), zone);
  }
}
