/** What the desk shows, and what a proctor can do there. Components render these signals. */

import { computed, signal } from "@preact/signals";
import type {
  ReviewApi,
  Judgement,
  Outcome,
  PicturesWaiting,
  Review,
  ReviewRow,
  Timeline,
  VerdictGiven,
} from "../api";
import { en } from "../text/en";
import { StaffPage } from "./login";
import { nextAfter } from "./queue";
import * as line from "./timeline";
import * as form from "./verdict";

/** What follows a recorded verdict. */
export interface Recorded {
  outcome: Outcome;
  review: Review;
}

export class Desk extends StaffPage {
  readonly rows = signal<ReviewRow[] | null>(null);
  /** How far the machine is behind; null where the server does not say. */
  readonly pictures = signal<PicturesWaiting | null>(null);
  /** The session that is open or being fetched. */
  readonly session = signal<string | null>(null);
  readonly timeline = signal<Timeline | null>(null);
  /** Indexes into `shots` and `flags`; -1 for none. */
  readonly shot = signal(-1);
  readonly flag = signal(-1);
  readonly playing = signal(false);
  readonly recorded = signal<Recorded | null>(null);
  /** Whether the form was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  /** What the form lacked when it was handed in: the page brings the reader there. */
  readonly lacked = signal<form.Missing | null>(null);
  /** The dialog that asks once more before a breach. */
  readonly asking = signal(false);
  /** One sentence for the live region. */
  readonly said = signal("");
  private readonly drafts = signal<Readonly<Record<string, form.Draft>>>({});

  readonly shots = computed(() => line.periodic(this.timeline.value?.snapshots ?? []));
  readonly flags = computed(() => line.inOrder(this.timeline.value?.flags ?? []));
  readonly draft = computed(() => this.drafts.value[this.session.value ?? ""] ?? form.EMPTY);
  readonly missing = computed(() => form.missing(this.draft.value, this.flags.value));
  readonly next = computed(() => nextAfter(this.rows.value ?? [], this.session.value ?? ""));

  /** @param went Called with the session that the address should name, or null. */
  constructor(
    private readonly api: ReviewApi,
    private readonly went: (session: string | null) => void = () => undefined,
  ) {
    super(api);
  }

  async start(session: string | null): Promise<void> {
    await this.recognise();
    this.session.value = session;
    if (this.who.value.is === "in") await this.load();
  }

  protected forgetDrafts(): void {
    this.drafts.value = {};
  }

  protected clear(): void {
    this.rows.value = this.pictures.value = null;
    this.close();
  }

  /** Fetches the queue, and the open session if there is one. */
  async load(): Promise<void> {
    await this.refresh();
    const session = this.session.value;
    if (session !== null && this.trouble.value === null) await this.open(session);
  }

  async refresh(): Promise<void> {
    await this.doing(en.wait.queue, async () => {
      const { reviews, pictures } = await this.api.reviews();
      this.rows.value = reviews;
      this.pictures.value = pictures ?? null;
    });
  }

  async open(session: string): Promise<void> {
    this.close();
    this.session.value = session;
    this.went(session);
    await this.doing(en.wait.session, async () => {
      const timeline = await this.api.timeline(session);
      if (this.session.value !== session) return; // the reader has gone elsewhere
      this.timeline.value = timeline;
      this.shot.value = this.shots.value.length > 0 ? 0 : -1;
      if (this.flags.value.length > 0) this.toFlag(0);
    });
  }

  toQueue(): void {
    this.close();
    this.went(null);
    void this.refresh();
  }

  private close(): void {
    this.session.value = null;
    this.timeline.value = null;
    this.shot.value = this.flag.value = -1;
    this.playing.value = this.tried.value = this.asking.value = false;
    this.lacked.value = null;
    this.recorded.value = this.trouble.value = null;
    this.said.value = "";
  }

  toFlag(index: number): void {
    const flag = this.flags.value[index];
    if (flag === undefined) return;
    this.playing.value = false;
    this.flag.value = index;
    this.shot.value = line.snapshotOf(this.shots.value, flag);
    const words = en.flags.number(index + 1, this.flags.value.length);
    this.said.value = `${words}: ${en.flags.kind(line.kindOf(flag), flag.rule)}`;
  }

  stepFlag(by: number): void {
    this.toFlag(line.stepped(this.flag.value, by, this.flags.value.length));
  }

  toShot(index: number): void {
    this.shot.value = line.stepped(index, 0, this.shots.value.length);
  }

  stepShot(by: number): void {
    this.playing.value = false;
    this.toShot(this.shot.value + by);
  }

  /** One step of playing; stops at the end. */
  tick(): void {
    this.toShot(this.shot.value + 1);
    if (this.shot.value >= this.shots.value.length - 1) this.playing.value = false;
  }

  play(): void {
    this.playing.value = !this.playing.value && this.shots.value.length > 1;
  }

  judge(judgement: Judgement): void {
    const flag = this.flags.value[this.flag.value];
    if (flag === undefined || flag.flag_class !== "conduct" || !this.mayDecide()) return;
    this.write(form.judge(this.draft.value, flag.flag, judgement));
    const now = this.draft.value.judged[flag.flag];
    if (now !== undefined) this.said.value = en.judgement[now];
  }

  /** Changes part of the draft as it is now: what a component last drew may be a keystroke old. */
  write(changed: Partial<form.Draft>): void {
    const session = this.session.value;
    if (session === null) return;
    this.drafts.value = { ...this.drafts.value, [session]: { ...this.draft.value, ...changed } };
  }

  /** Hands the form in: says what is missing, asks once more for a breach, or sends it. */
  async confirm(sure = false): Promise<void> {
    if (!this.mayDecide() || this.waiting.value !== null) return;
    this.tried.value = true;
    const verdict = form.given(this.draft.value, this.flags.value);
    if (verdict === null) {
      const first = this.missing.value[0];
      if (first?.what === "judgement")
        this.toFlag(this.flags.value.findIndex(({ flag }) => flag === first.flag));
      this.lacked.value = first === undefined ? null : { ...first }; // a new value each time
      return;
    }
    if (form.needsConfirming(verdict.outcome) && !sure) {
      this.asking.value = true;
      return;
    }
    this.asking.value = false;
    await this.send(verdict);
  }

  private async send(verdict: VerdictGiven): Promise<void> {
    const session = this.session.value;
    if (session === null) return;
    await this.doing(en.wait.verdict, async () => {
      const review = await this.api.decide(session, verdict);
      const { [session]: _, ...others } = this.drafts.value;
      this.drafts.value = others;
      if (this.timeline.value !== null) this.timeline.value = { ...this.timeline.value, review };
      this.recorded.value = { outcome: verdict.outcome, review };
      this.tried.value = false;
    }, en.trouble.verdictUnsure);
    if (this.recorded.value !== null) await this.refresh();
  }

  mayDecide(): boolean {
    return this.timeline.value?.may_decide === true && this.recorded.value === null;
  }
}
