/** What the lead reads: how far reviewers agree, and the tables of an exam. */

import { signal } from "@preact/signals";
import {
  type Agreement,
  type AnswerToMark,
  type ExamMarking,
  type ExamRow,
  type LeadApi,
  type Marking,
  ProblemError,
} from "../api";
import { desk as words } from "../text/desk";
import { StaffPage } from "./login";

/** The points that somebody typed, as the server takes them; null where they can't be. */
export function pointsOf(typed: string, possible: number): number | null {
  const plain = typed.trim().replace(",", ".");
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(plain)) return null;
  return Number(plain) <= possible ? Number(plain) : null;
}

export class AgreementDesk extends StaffPage {
  readonly exams = signal<ExamRow[] | null>(null);
  readonly exam = signal<string | null>(null);
  readonly agreement = signal<Agreement | null>(null);
  /** Whoever is signed in may have the tables, but not this. */
  readonly refused = signal(false);
  /** What came of releasing results, a sentence each. */
  readonly released = signal<readonly string[]>([]);
  /** Whose answers people can score; null for whoever may not. */
  readonly marking = signal<ExamMarking | null>(null);
  /** Of one learner. */
  readonly marks = signal<Marking | null>(null);
  /** What was typed for each item of that learner. */
  readonly points = signal<Readonly<Record<string, string>>>({});
  /** The item whose points can't be what was typed. */
  readonly lacking = signal<string | null>(null);
  readonly marked = signal<string | null>(null);

  constructor(
    private readonly api: LeadApi,
    private readonly went: (exam: string | null) => void = () => undefined,
  ) {
    super(api);
  }

  async start(exam: string | null): Promise<void> {
    await this.recognise();
    this.exam.value = exam;
    if (this.who.value.is === "in") await this.load();
  }

  async load(): Promise<void> {
    await this.doing(words.agreement.wait, async () => {
      const exams = await this.api.exams();
      this.exams.value = exams;
      this.exam.value ??= exams[0]?.id ?? null;
    });
    if (this.trouble.value === null && this.exam.value !== null) await this.choose(this.exam.value);
  }

  async choose(exam: string): Promise<void> {
    this.exam.value = exam;
    this.agreement.value = null;
    this.refused.value = false;
    this.released.value = [];
    this.forgetMarks();
    this.went(exam);
    if (this.releases()) {
      this.refused.value = true; // agreement is the lead's: it would be asked for in vain
      await this.doing(words.marks.wait, async () => {
        const marking = await this.api.marking(exam);
        if (this.exam.value === exam) this.marking.value = marking;
      });
      return;
    }
    await this.doing(words.agreement.wait, async () => {
      try {
        const agreement = await this.api.agreement(exam);
        if (this.exam.value === exam) this.agreement.value = agreement;
      } catch (error) {
        if (!(error instanceof ProblemError && error.code === "role-not-allowed")) throw error;
        this.refused.value = true;
      }
    });
  }

  /** Whether whoever is signed in may release results. */
  releases(): boolean {
    const who = this.who.value;
    return who.is === "in" && who.login.role === "course-team";
  }

  async release(): Promise<void> {
    const exam = this.exam.value;
    if (exam === null || this.waiting.value !== null) return;
    const { wait, unsure, done: told, left } = words.results;
    await this.doing(
      wait,
      async () => {
        const { done, failed } = await this.api.releaseResults(exam);
        if (this.exam.value !== exam) return; // another was chosen meanwhile: it is not of that
        const counts = new Map<string, number>();
        for (const { code } of failed) counts.set(code, (counts.get(code) ?? 0) + 1);
        this.released.value = [
          told(done.length),
          ...[...counts].map(([code, count]) => left(code, count)),
        ];
      },
      unsure,
    );
  }

  async openMarks(session: string): Promise<void> {
    await this.doing(words.marks.wait, async () => {
      const marks = await this.api.marks(session);
      if (this.marking.value?.sessions.some((row) => row.session === session) !== true) return;
      this.marks.value = marks;
      this.points.value = {};
      this.lacking.value = this.marked.value = null;
    });
  }

  /** The file that is an answer of that learner; null where it did not come, which is said. */
  async file(item: string): Promise<Blob | null> {
    const session = this.marks.value?.session;
    if (session === undefined) return null;
    let file: Blob | null = null;
    await this.doing(words.marks.waitFile, async () => {
      const came = await this.api.fileToMark(session, item);
      if (this.marks.value?.session === session) file = came; // else another was chosen meanwhile
    });
    return file;
  }

  writePoints(item: string, typed: string): void {
    this.points.value = { ...this.points.value, [item]: typed };
    if (this.lacking.value === item) this.lacking.value = null;
  }

  /** Gives the answer what was typed. `was` is what stands on the page: another's is not lost. */
  async mark({ item, possible, marks }: AnswerToMark): Promise<void> {
    const session = this.marks.value?.session;
    const points = pointsOf(this.points.value[item] ?? "", possible);
    this.lacking.value = points === null ? item : null;
    if (session === undefined || points === null || this.waiting.value !== null) return;
    const was = marks.at(-1)?.points ?? null;
    this.marked.value = null;
    await this.doing(
      words.marks.waitGiven,
      async () => {
        const now = await this.api.mark(session, { item, points, was });
        if (this.marks.value?.session !== session) return; // another was chosen meanwhile
        this.marks.value = now;
        this.points.value = { ...this.points.value, [item]: "" };
        this.marked.value = words.marks.done(item, was, points);
        this.counted(now);
      },
      words.marks.unsure,
    );
    if (this.trouble.value !== null && this.who.value.is === "in") await this.readAgain(session);
  }

  /** What was typed stays, beside what stands there now. */
  private async readAgain(session: string): Promise<void> {
    try {
      const now = await this.api.marks(session);
      if (this.marks.value?.session === session) this.marks.value = now;
    } catch {
      // What went wrong is said already.
    }
  }

  private counted(now: Marking): void {
    const list = this.marking.value;
    if (list === null) return;
    const marked = now.answers.filter(({ marks }) => marks.length > 0).length;
    const sessions = list.sessions.map((row) =>
      row.session === now.session ? { ...row, marked } : row,
    );
    this.marking.value = { ...list, sessions };
  }

  private forgetMarks(): void {
    this.marking.value = this.marks.value = null;
    this.lacking.value = this.marked.value = null;
    this.points.value = {};
  }

  protected forgetDrafts(): void {
    this.points.value = {};
  }

  protected clear(): void {
    this.exams.value = this.agreement.value = null;
    this.released.value = [];
    this.forgetMarks();
    this.refused.value = false;
  }
}
