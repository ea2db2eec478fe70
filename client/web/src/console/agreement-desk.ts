/** What the lead reads: how far reviewers agree, and the tables of an exam. */

import { signal } from "@preact/signals";
import { type Agreement, type ExamRow, type LeadApi, ProblemError } from "../api";
import { desk as words } from "../text/desk";
import { StaffPage } from "./login";

export class AgreementDesk extends StaffPage {
  readonly exams = signal<ExamRow[] | null>(null);
  readonly exam = signal<string | null>(null);
  readonly agreement = signal<Agreement | null>(null);
  /** Whoever is signed in may have the tables, but not this. */
  readonly refused = signal(false);
  /** What came of releasing results, a sentence each. */
  readonly released = signal<readonly string[]>([]);

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
    this.went(exam);
    if (this.releases()) {
      this.refused.value = true; // agreement is the lead's: it would be asked for in vain
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

  protected forgetDrafts(): void {
    // Nothing is typed here.
  }

  protected clear(): void {
    this.exams.value = this.agreement.value = null;
    this.released.value = [];
    this.refused.value = false;
  }
}
