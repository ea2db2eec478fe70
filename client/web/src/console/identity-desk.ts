/** What the page of ID checks shows, and what a proctor can do there. Components render these signals. */

import { computed, signal } from "@preact/signals";
import { type IdApi, type IdDecided, type IdDesk, type IdQueue, ProblemError, Unreachable } from "../api";
import { identity } from "../text/identity";
import * as rules from "./id-check";
import { StaffPage } from "./login";
import { Looks } from "./looks";

/** Problems that say: what you decide on is not what it was. */
const STALE: readonly string[] = ["illegal-move", "id-check-changed", "another-person-needed"];

/** The pictures that can be enlarged. */
export type Large = "document" | "portrait" | "face";

export class IdentityDesk extends StaffPage {
  readonly queue = signal<IdQueue | null>(null);
  /** The session that is open or being fetched. */
  readonly session = signal<string | null>(null);
  readonly check = signal<IdDesk | null>(null);
  /** Whether the form was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  /** What the form lacked when it was handed in: the page brings the reader there. */
  readonly lacked = signal<{ what: rules.Missing } | null>(null);
  readonly recorded = signal<IdDecided | null>(null);
  /** Somebody decided meanwhile, or there are other pictures: said until the next act. */
  readonly stale = signal(false);
  /** The list could not be fetched anew when it was last tried. */
  readonly old = signal(false);
  readonly large = signal<Large | null>(null);
  readonly looks: Looks;
  /** The server's time less this computer's, ms: clocks can be wrong. */
  ahead_ms = 0;
  /** Somebody points at the list or is in it with the keyboard: nothing may jump from under them. */
  pointed = false;
  private readonly drafts = signal<Readonly<Record<string, rules.Draft>>>({});
  private readonly titles = new Map<string, string>();
  private asking = false;

  readonly draft = computed(() => this.drafts.value[this.session.value ?? ""] ?? rules.EMPTY);
  readonly missing = computed(() => rules.missing(this.draft.value, this.check.value?.state ?? "captured"));
  readonly acts = computed(() =>
    this.check.value === null || this.recorded.value !== null ? [] : rules.open(this.check.value),
  );
  /** The exam whose learners alone are listed; null: all are. */
  readonly exam = signal<string | null>(null);
  /** The exams to choose from: those of who waits, and the one that is chosen. */
  readonly exams = computed(() =>
    rules.exams(this.queue.value?.waiting ?? [], this.exam.value, this.titles),
  );
  readonly groups = computed(() =>
    rules.grouped(rules.ofExam(this.queue.value?.waiting ?? [], this.exam.value), this.me()),
  );
  readonly next = computed(() => rules.nextAfter(this.groups.value, this.session.value ?? ""));

  /** @param went Called with the session and the exam that the address should name, or null. */
  constructor(
    private readonly api: IdApi,
    private readonly went: (session: string | null, exam: string | null) => void = () => undefined,
  ) {
    super(api);
    this.looks = new Looks(api, () => "check-in", () => Date.now() + this.ahead_ms);
  }

  async start(session: string | null, exam: string | null = null): Promise<void> {
    await this.recognise();
    this.session.value = session;
    this.exam.value = exam;
    if (this.who.value.is === "in") await this.load();
  }

  protected forgetDrafts(): void {
    this.drafts.value = {};
  }

  protected clear(): void {
    this.queue.value = null;
    this.close();
  }

  async load(): Promise<void> {
    await this.refresh();
    const session = this.session.value;
    if (session !== null && this.trouble.value === null) await this.open(session);
  }

  async refresh(): Promise<void> {
    await this.doing(identity.wait.queue, async () => this.take(await this.api.idChecks()));
  }

  /** Looks whether anything has changed, without a word unless something has. */
  async poll(): Promise<void> {
    if (this.who.value.is !== "in" || this.waiting.value !== null || this.asking) return;
    this.asking = true;
    const shown = this.check.value;
    try {
      const queue = await this.api.idChecks();
      const now = shown === null ? null : await this.api.idCheck(shown.session);
      if (this.waiting.value !== null) return; // something newer is under way
      this.take(queue);
      if (shown !== null && now !== null && this.check.value === shown) this.renew(shown, now);
    } catch (error) {
      const known = error instanceof ProblemError || error instanceof Unreachable;
      if (!known) throw error;
      if (!this.lostLogin(error)) this.old.value = true;
    } finally {
      this.asking = false;
    }
  }

  private take(queue: IdQueue): void {
    const before = this.queue.value?.waiting ?? [];
    const rows = this.pointed ? rules.inPlace(before, queue.waiting) : queue.waiting;
    this.ahead_ms = queue.now_ms - Date.now();
    for (const { exam, exam_title } of rows) this.titles.set(exam, exam_title);
    this.queue.value = { ...queue, waiting: rows };
    this.old.value = false;
  }

  /** Shows a check as it is now; whoever had the old one before them is told. */
  private renew(shown: IdDesk, now: IdDesk): void {
    if (JSON.stringify({ ...shown, now_ms: 0 }) === JSON.stringify({ ...now, now_ms: 0 })) return;
    this.check.value = now;
    if (!rules.isStale(shown, now)) return;
    this.recorded.value = null;
    this.stale.value = true;
  }

  async open(session: string): Promise<void> {
    this.close();
    this.session.value = session;
    this.went(session, this.exam.value);
    await this.doing(identity.wait.check, async () => {
      const check = await this.api.idCheck(session);
      if (this.session.value === session) this.check.value = check;
    });
  }

  toQueue(): void {
    this.close();
    this.went(null, this.exam.value);
    void this.refresh();
  }

  /** Lists the learners of one exam alone, or of all. */
  only(exam: string | null): void {
    this.exam.value = exam;
    this.went(this.session.value, exam);
  }

  /** Goes to the check before or after this one in the list. */
  step(by: 1 | -1): void {
    const row = rules.beside(this.groups.value, this.session.value, by);
    if (row !== null) void this.open(row.session);
  }

  private close(): void {
    this.session.value = this.check.value = this.recorded.value = null;
    this.lacked.value = this.trouble.value = this.large.value = null;
    this.looks.forget();
    this.tried.value = this.stale.value = false;
    this.pointed = false;
  }

  enlarge(which: Large): void {
    const check = this.check.value;
    if (check === null) return;
    if (which === "face" ? check.face === null : check.document === null) return;
    if (which === "portrait" && check.portrait === null) return;
    this.large.value = which;
  }

  /** Chooses an act, if it is open; nothing is sent. */
  choose(event: IdDecided["event"]): void {
    if (this.acts.value.includes(event)) this.write({ event });
  }

  /** Changes part of the draft as it is now: what a component last drew may be a keystroke old. */
  write(changed: Partial<rules.Draft>): void {
    const session = this.session.value;
    if (session === null) return;
    this.drafts.value = { ...this.drafts.value, [session]: { ...this.draft.value, ...changed } };
  }

  writeNote(note: string): void {
    const { event, notes } = this.draft.value;
    if (event !== null) this.write({ notes: { ...notes, [event]: note } });
  }

  /** Hands the form in: says what is missing, or sends it. */
  async confirm(): Promise<void> {
    const shown = this.check.value;
    if (shown === null || this.acts.value.length === 0 || this.waiting.value !== null) return;
    // Of an act that another person's decision has closed meanwhile, nothing is sent.
    const { event } = this.draft.value;
    if (event !== null && !this.acts.value.includes(event)) this.write({ event: null });
    this.tried.value = true;
    const decided = rules.decided(this.draft.value, shown.state);
    if (decided === null) {
      const [what] = this.missing.value;
      this.lacked.value = what === undefined ? null : { what }; // a new value each time
      return;
    }
    await this.send(shown, decided);
  }

  private async send(shown: IdDesk, decided: IdDecided): Promise<void> {
    const { session } = shown;
    let overtaken = false;
    await this.doing(
      identity.wait.decided,
      async () => {
        try {
          const check = await this.api.decideId(session, { ...decided, seen: rules.seen(shown) });
          this.forget(session);
          if (this.session.value !== session) return; // the reader has gone elsewhere
          this.check.value = check;
          this.recorded.value = decided;
          this.stale.value = this.tried.value = false;
        } catch (error) {
          overtaken = error instanceof ProblemError && STALE.includes(error.code);
          throw error;
        }
      },
      identity.trouble.unsure,
    );
    if (overtaken) await this.reload(shown);
    else if (this.trouble.value === null && this.who.value.is === "in") await this.poll();
  }

  /** After the server said no: how things stand now, with what was written. */
  private async reload(shown: IdDesk): Promise<void> {
    const said = this.trouble.value;
    await this.doing(identity.wait.check, async () => {
      const now = await this.api.idCheck(shown.session);
      this.take(await this.api.idChecks());
      if (this.session.value === shown.session) this.check.value = now;
      this.stale.value = rules.isStale(shown, now);
    });
    // Where nothing is different, what the server said is all there is to say.
    if (!this.stale.value && this.trouble.value === null) this.trouble.value = said;
  }

  private forget(session: string): void {
    const { [session]: _, ...others } = this.drafts.value;
    this.drafts.value = others;
  }
}
