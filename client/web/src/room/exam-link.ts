/** From a rehearsal back to its exam: the token of the exam's link, kept in this tab alone. */

const KEY = "proctor.exam-of.";

/** Notes the exam's token beside the rehearsal's; null for none that is to be opened here. */
export function rememberExam(rehearsal: string, exam: string | null): void {
  try {
    if (exam !== null) sessionStorage.setItem(KEY + rehearsal, exam);
  } catch {
    // A browser that keeps nothing: there is the link in the learner's mail.
  }
}

/** The token of the exam that a rehearsal belongs to; null where this tab does not know. */
export function examOf(rehearsal: string): string | null {
  try {
    return sessionStorage.getItem(KEY + rehearsal);
  } catch {
    return null;
  }
}
