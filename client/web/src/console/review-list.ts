/** The queue of reviews: what waits for whom, what fits into the time there is, who takes what. */

import { computed, signal } from "@preact/signals";
import type { Assigned, PicturesWaiting, ReviewApi, ReviewRow } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { troubleOf } from "../text/problems";
import * as queue from "./queue";

export type Doing = (what: string, work: () => Promise<void>) => Promise<void>;

export class ReviewList {
  readonly rows = signal<ReviewRow[] | null>(null);
  /** How far the machine is behind; null where the server does not say. */
  readonly pictures = signal<PicturesWaiting | null>(null);
  readonly doneLastDay = signal<number | null>(null);
  /** Who gives verdicts, by name. */
  readonly reviewers = signal<readonly string[]>([]);
  /** There are older sessions, which are not listed. */
  readonly more = signal(false);
  /** How long the reader has, min; null: as long as it takes. */
  readonly budget_min = signal<number | null>(null);
  readonly exam = signal<string | null>(null);
  readonly whose = signal<queue.Whose>("all");
  readonly chosen = signal<ReadonlySet<string>>(new Set());
  /** What came of the last giving, a sentence each. */
  readonly told = signal<string[]>([]);

  private readonly titles = signal<ReadonlyMap<string, string>>(new Map());

  readonly exams = computed(() => queue.exams(this.titles.value));
  readonly shown = computed(() =>
    queue.shown(this.rows.value ?? [], this.whose.value, this.me()),
  );
  /** The sessions that fit into the time there is; null: there is no end to it. */
  readonly fits = computed(() =>
    this.budget_min.value === null ? null : queue.fitting(this.shown.value, this.budget_min.value),
  );

  constructor(
    private readonly api: ReviewApi,
    private readonly doing: Doing,
    private readonly me: () => string,
  ) {}

  clear(): void {
    this.rows.value = this.pictures.value = this.doneLastDay.value = null;
    this.reviewers.value = [];
    this.more.value = false;
    this.chosen.value = new Set();
    this.told.value = [];
  }

  async refresh(): Promise<void> {
    await this.doing(en.wait.queue, async () => {
      const answer = await this.api.reviews(this.exam.value);
      this.rows.value = answer.reviews;
      this.pictures.value = answer.pictures ?? null;
      this.doneLastDay.value = answer.done_last_day ?? null;
      this.reviewers.value = answer.reviewers ?? [];
      this.more.value = answer.more === true;
      this.titles.value = new Map([
        ...this.titles.value,
        ...answer.reviews.map(({ exam, exam_title }) => [exam, exam_title] as const),
      ]);
      const there = new Set(answer.reviews.map(({ session }) => session));
      this.chosen.value = new Set([...this.chosen.value].filter((session) => there.has(session)));
    });
  }

  /** The session to offer after this one. */
  after(session: string): ReviewRow | null {
    return queue.nextAfter(this.shown.value, session);
  }

  async only(exam: string | null): Promise<void> {
    this.exam.value = exam;
    await this.refresh();
  }

  choose(session: string, on: boolean): void {
    const chosen = new Set(this.chosen.value);
    if (on) chosen.add(session);
    else chosen.delete(session);
    this.chosen.value = chosen;
  }

  /** Gives sessions to somebody, or puts them back; the rest is told by name. */
  async give(sessions: readonly string[], to: string | null, due_at_ms?: number): Promise<void> {
    const named = new Map((this.rows.value ?? []).map((row) => [row.session, row.learner]));
    await this.doing(words.assign.wait, async () => {
      const { done, failed }: Assigned = await this.api.assign({
        sessions: [...sessions],
        to,
        ...(due_at_ms === undefined ? {} : { due_at_ms }),
      });
      this.told.value = [
        ...(done.length > 0 ? [words.assign.done(done.length, to)] : []),
        ...failed.map(({ session, code, detail }) =>
          words.assign.failed(
            named.get(session) ?? session,
            words.assign.cannot(code, to) ?? troubleOf(code, detail),
          ),
        ),
      ];
      this.chosen.value = new Set(failed.map(({ session }) => session));
    });
    const told = this.told.value;
    await this.refresh();
    this.told.value = told;
  }
}
