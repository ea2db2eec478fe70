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
    this.went(exam);
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

  protected forgetDrafts(): void {
    // Nothing is typed here.
  }

  protected clear(): void {
    this.exams.value = this.agreement.value = null;
    this.refused.value = false;
  }
}
