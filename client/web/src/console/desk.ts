/** What the desk shows of one session, and what a proctor can do there. Components render these signals. */

import { computed, signal } from "@preact/signals";
import {
  type Judgement,
  type Look,
  type Outcome,
  ProblemError,
  type Review,
  type ReviewApi,
  type Timeline,
  type VerdictGiven,
} from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { FLAG_REASONS, offeredFor, offeredForSession, SESSION_REASONS } from "../text/reasons";
import { EvidenceBadge } from "./evidence-badge";
import { StaffPage } from "./login";
import { Looks } from "./looks";
import { ReviewList } from "./review-list";
import * as line from "./timeline";
import * as form from "./verdict";

/** How fast snapshots are played, slowest first. */
export const SPEEDS = [0.5, 1, 2, 4] as const;
export type Speed = (typeof SPEEDS)[number];

/** What follows a recorded verdict. */
export interface Recorded {
  outcome: Outcome;
  review: Review;
}

/** What is written at a moment, until it is saved. */
export interface Mark {
  at_ms: number;
  text: string;
}

/** Problems that say: the page is older than what is decided about. */
const STALE: readonly string[] = [
  "stale-page",
  "illegal-move",
  "unknown-flag",
  "flags-not-judged",
  "another-person-needed",
  "released-unjudged",
];

export class Desk extends StaffPage {
  readonly list: ReviewList;
  readonly looks: Looks;
  readonly evidence: EvidenceBadge;
  /** The session that is open or being fetched. */
  readonly session = signal<string | null>(null);
  readonly timeline = signal<Timeline | null>(null);
  /** Indexes into `shots` and `flags`; -1 for none. */
  readonly shot = signal(-1);
  readonly flag = signal(-1);
  /** The verdict on the whole session is in view, not a flag. */
  readonly deciding = signal(false);
  /** The reader turned to a flag or the verdict since the session was opened: it is to be in view. */
  readonly turned = signal(false);
  readonly playing = signal(false);
  /** Of SPEEDS: stays as it was chosen, from session to session. */
  readonly speed = signal<Speed>(1);
  readonly zoom = signal<line.Zoom>(null);
  readonly recorded = signal<Recorded | null>(null);
  /** Whether the form was handed in with something missing: only then it says so. */
  readonly tried = signal(false);
  /** What the form lacked when it was handed in: the page brings the reader there. */
  readonly lacked = signal<form.Missing | null>(null);
  /** The dialog that asks once more before a breach. */
  readonly asking = signal(false);
  readonly mark = signal<Mark | null>(null);
  readonly seen = signal<Look[] | null>(null);
  /** One sentence for the live region. */
  readonly said = signal("");
  private readonly newId: () => string;
  private readonly drafts = signal<Readonly<Record<string, form.Draft>>>({});
  private ahead_ms = 0;
  /** What was sent without an answer, by what it says: sent again with its id it is done once. */
  private readonly requests = new Map<string, string>();

  readonly shots = computed(() => line.periodic(this.timeline.value?.snapshots ?? []));
  readonly flags = computed(() => line.inOrder(this.timeline.value?.flags ?? []));
  readonly draft = computed(() => this.drafts.value[this.session.value ?? ""] ?? form.EMPTY);
  readonly missing = computed(() => form.missing(this.draft.value, this.flags.value, SESSION_REASONS));
  readonly next = computed(() => this.list.after(this.session.value ?? ""));

  /** @param went Called with the session that the address should name, or null. */
  constructor(
    private readonly api: ReviewApi,
    private readonly went: (session: string | null) => void = () => undefined,
    parts: { looks?: Looks; evidence?: EvidenceBadge; newId?: () => string } = {},
  ) {
    super(api);
    this.newId = parts.newId ?? (() => crypto.randomUUID());
    this.list = new ReviewList(api, (what, work) => this.doing(what, work), () => this.me());
    this.looks = parts.looks ?? new Looks(api, () => this.why(), () => Date.now() + this.ahead_ms);
    this.evidence = parts.evidence ?? new EvidenceBadge();
  }

  async start(session: string | null): Promise<void> {
    await this.recognise();
    this.session.value = session;
    if (this.who.value.is === "in") await this.load();
  }

  protected forgetDrafts(): void {
    this.drafts.value = {};
    this.requests.clear();
  }

  /** Sends something under an id of its own; the same again under the same, until it was answered. */
  private async once<T>(what: object, send: (request: string) => Promise<T>): Promise<T> {
    const key = JSON.stringify(what);
    const request = this.requests.get(key) ?? this.newId();
    this.requests.set(key, request);
    const answer = await send(request);
    this.requests.delete(key);
    return answer;
  }

  protected clear(): void {
    this.list.clear();
    this.close();
  }

  /** Fetches the open session, and the queue: whoever waits for the session waits for nothing else. */
  async load(): Promise<void> {
    const session = this.session.value;
    if (session !== null) await this.open(session);
    if (this.trouble.value === null) await this.list.refresh();
  }

  async open(session: string): Promise<void> {
    this.close();
    this.session.value = session;
    this.went(session);
    await this.doing(en.wait.session, async () => {
      const timeline = await this.api.timeline(session);
      if (this.session.value !== session) return; // the reader has gone elsewhere
      this.ahead_ms = timeline.session.now_ms - Date.now();
      this.timeline.value = timeline;
      this.shot.value = this.shots.value.length > 0 ? 0 : -1;
      if (this.flags.value.length > 0) this.toFlag(0);
      this.deciding.value = this.mayDecide() && form.judgeable(this.flags.value).length === 0;
      this.turned.value = false; // whoever opens a session stands at its head
      // Only what has ended can be whole; what goes on would be fetched in vain.
      if (line.hasEnded(timeline)) this.evidence.verify(session, this.why());
    });
  }

  /** Why this person looks: the learner reads it beside the look. */
  why(): "review" | "contest" {
    return this.timeline.value?.review.state === "contested" ? "contest" : "review";
  }

  toQueue(): void {
    this.close();
    this.went(null);
    void this.list.refresh();
  }

  private close(): void {
    this.session.value = this.timeline.value = this.zoom.value = null;
    this.shot.value = this.flag.value = -1;
    this.playing.value = this.tried.value = this.asking.value = this.deciding.value = false;
    this.turned.value = false;
    this.lacked.value = this.mark.value = this.seen.value = null;
    this.recorded.value = this.trouble.value = null;
    this.said.value = "";
    this.looks.forget();
    this.evidence.stop();
  }

  toFlag(index: number): void {
    const flag = this.flags.value[index];
    if (flag === undefined) return;
    this.playing.value = this.deciding.value = false;
    this.lacked.value = null;
    this.turned.value = true;
    this.flag.value = index;
    this.shot.value = line.snapshotOf(this.shots.value, flag);
    const number = en.flags.number(index + 1, this.flags.value.length);
    this.said.value = `${number}: ${en.flags.kind(line.kindOf(flag), flag.rule)}`;
  }

  /** Turns to the verdict on the whole session. */
  toVerdict(): void {
    if (!this.mayDecide()) return;
    this.deciding.value = this.turned.value = true;
    this.lacked.value = null;
    this.said.value = en.verdict.heading;
  }

  /** The next flag or the one before; behind the last one stands the verdict. */
  stepFlag(by: number): void {
    const last = this.flags.value.length - 1;
    if (this.deciding.value) {
      if (by < 0) this.toFlag(last);
    } else if (by > 0 && this.flag.value >= last) this.toVerdict();
    else this.toFlag(line.stepped(this.flag.value, by, last + 1));
  }

  toShot(index: number): void {
    this.shot.value = line.stepped(index, 0, this.shots.value.length);
  }

  toMoment(at_ms: number): void {
    this.playing.value = false;
    this.toShot(line.nearest(this.shots.value, at_ms));
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

  /** Plays at the next of SPEEDS, up or down; at either end it stays. */
  faster(by: 1 | -1): void {
    this.speed.value = SPEEDS[SPEEDS.indexOf(this.speed.value) + by] ?? this.speed.value;
  }

  judge(judgement: Judgement): void {
    const flag = this.flags.value[this.flag.value];
    if (flag === undefined || flag.flag_class !== "conduct") return;
    if (!this.mayDecide() || this.deciding.value) return;
    const before = this.draft.value.judged[flag.flag]?.outcome;
    const sentences = before === undefined ? [] : FLAG_REASONS[before];
    const judged = form.judge(this.draft.value, flag.flag, judgement, sentences);
    this.write(form.trueStill(judged, SESSION_REASONS));
    this.turned.value = true;
    const now = this.draft.value.judged[flag.flag]?.outcome;
    if (now !== undefined) this.said.value = en.judgement[now];
  }

  /** Writes the reason of the flag in view. */
  explain(reason: string): void {
    const flag = this.flags.value[this.flag.value];
    if (flag !== undefined) this.write(form.because(this.draft.value, flag.flag, reason));
  }

  /** Takes sentence `number`, from 1: for the flag in view, and then the next; or for the session. */
  reason(number: number): void {
    if (!this.mayDecide()) return;
    if (this.deciding.value) {
      const chosen = offeredForSession(this.draft.value).find((each) => each.number === number);
      if (chosen === undefined) return;
      this.write(form.sentence(this.draft.value, chosen, SESSION_REASONS));
      this.turned.value = true;
      this.said.value = `${en.outcome[chosen.outcome]}: ${chosen.words}`;
      return;
    }
    const flag = this.flags.value[this.flag.value];
    if (flag?.flag_class !== "conduct") return;
    const judged = this.draft.value.judged[flag.flag];
    if (judged === undefined) {
      this.said.value = en.verdict.judgeFirst;
      return;
    }
    const offered = offeredFor(judged.outcome, line.kindOf(flag));
    const chosen = offered.find((each) => each.number === number);
    if (chosen === undefined) return;
    this.explain(chosen.words);
    this.onward();
  }

  /** To the next flag that lacks something, else to the verdict. */
  onward(): void {
    const next = form.nextLacking(this.draft.value, this.flags.value, this.flag.value);
    if (next < 0) this.toVerdict();
    else this.toFlag(next);
  }

  /** Changes part of the draft as it is now: what a component last drew may be a keystroke old. */
  write(changed: Partial<form.Draft>): void {
    const session = this.session.value;
    if (session === null) return;
    this.drafts.value = { ...this.drafts.value, [session]: { ...this.draft.value, ...changed } };
  }

  /** Hands the form in: says what is missing, asks once more for a breach, or sends it. */
  async confirm(sure = false): Promise<void> {
    // While the queue is fetched, say, a verdict can be given: only the same one not twice.
    if (!this.mayDecide() || this.waiting.value === en.wait.verdict) return;
    this.tried.value = true;
    const verdict = form.given(this.draft.value, this.flags.value, SESSION_REASONS);
    if (verdict === null) {
      const first = this.missing.value[0];
      if (first !== undefined && "flag" in first)
        this.toFlag(this.flags.value.findIndex(({ flag }) => flag === first.flag));
      else this.deciding.value = true;
      this.lacked.value = first === undefined ? null : { ...first }; // a new value each time
      return;
    }
    this.deciding.value = true; // whatever is said of it stands there
    if (form.needsConfirming(verdict.outcome) && !sure) {
      this.asking.value = true;
      return;
    }
    this.asking.value = false;
    await this.send({ ...verdict, flags_seen: this.flags.value.map(({ flag }) => flag) });
  }

  private async send(verdict: Omit<VerdictGiven, "request">): Promise<void> {
    const session = this.session.value;
    if (session === null) return;
    let stale = false;
    await this.doing(
      en.wait.verdict,
      async () => {
        try {
          const review = await this.once({ session, verdict }, (request) =>
            this.api.decide(session, { ...verdict, request }),
          );
          const { [session]: _, ...others } = this.drafts.value;
          this.drafts.value = others;
          if (this.timeline.value !== null) this.timeline.value = { ...this.timeline.value, review };
          this.recorded.value = { outcome: verdict.outcome, review };
          this.tried.value = false;
        } catch (error) {
          stale = error instanceof ProblemError && STALE.includes(error.code);
          throw error;
        }
      },
      en.trouble.verdictUnsure,
    );
    if (stale) await this.renew(session);
    else if (this.recorded.value !== null) await this.list.refresh();
  }

  /** After the server said that this page is old: how things stand now, with what was written. */
  private async renew(session: string): Promise<void> {
    const said = this.trouble.value;
    await this.doing(en.wait.session, async () => {
      const timeline = await this.api.timeline(session);
      if (this.session.value !== session) return;
      const known = new Set(this.flags.value.map(({ flag }) => flag));
      this.timeline.value = timeline;
      const fresh = this.flags.value.findIndex(({ flag }) => !known.has(flag));
      if (fresh >= 0) this.toFlag(fresh);
    });
    if (this.trouble.value === null) this.trouble.value = said;
  }

  mayDecide(): boolean {
    return this.timeline.value?.may_decide === true && this.recorded.value === null;
  }

  /** Takes what is chosen; else the session that is open, or the one that is named. */
  take(named: string | null = null): void {
    const chosen = [...this.list.chosen.value];
    const session = this.session.value ?? named;
    const all = chosen.length > 0 && this.session.value === null ? chosen : session === null ? [] : [session];
    if (all.length > 0 && this.waiting.value === null) void this.list.give(all, this.me());
  }

  /** Shows less of the timeline, around the snapshot in view, or more. */
  enlarge(by: "in" | "out" | "whole"): void {
    this.zoom.value = by === "whole" ? null : line.enlarged(this.zoom.value, this.place(), by);
  }

  private place(): number {
    const { value: timeline } = this.timeline;
    const shot = this.shots.value[this.shot.value];
    if (timeline === null || shot === undefined) return 0;
    return line.xOf(line.layOut(line.spansOf(timeline), line.WIDTH), shot.at_ms);
  }

  /** Begins a mark at the snapshot in view. */
  markHere(): void {
    const shot = this.shots.value[this.shot.value];
    if (shot === undefined) return;
    this.playing.value = false;
    this.mark.value = { at_ms: shot.at_ms, text: "" };
  }

  /** Saves the mark. One without words says: look at this. */
  async saveMark(): Promise<void> {
    const [session, mark] = [this.session.value, this.mark.value];
    if (session === null || mark === null || this.waiting.value !== null) return;
    const text = mark.text.trim() || words.comment.empty;
    if ([...text].length > words.comment.longest) {
      this.trouble.value = words.comment.tooLong;
      return;
    }
    await this.doing(words.comment.wait, async () => {
      const note = { at_ms: mark.at_ms, text };
      const comments = await this.once({ session, note }, (request) =>
        this.api.comment(session, { ...note, request }),
      );
      if (this.timeline.value !== null)
        this.timeline.value = { ...this.timeline.value, comments };
      this.mark.value = null;
    });
  }

  /** Fetches who looked at this session's pictures. */
  async fetchLooks(): Promise<void> {
    const session = this.session.value;
    if (session === null) return;
    await this.doing(words.looks.wait, async () => {
      const seen = await this.api.looks(session);
      if (this.session.value === session) this.seen.value = seen;
    });
  }
}
