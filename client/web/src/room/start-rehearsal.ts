/** Begins a rehearsal with the link of an exam, which stays as it is. */

import { problemOf, Unreachable } from "../api";

/** Makes a practice session; resolves to its join token: its page is /join/<that token>. Throws ProblemError, Unreachable. */
export async function startRehearsal(token: string): Promise<string> {
  let status: number;
  let told: unknown;
  try {
    const answer = await fetch("/api/v1/rehearsal", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      body: JSON.stringify({ token }),
    });
    status = answer.status;
    told = await answer.json();
  } catch {
    throw new Unreachable();
  }
  const made = (told as { join_token?: unknown } | null)?.join_token;
  if (status !== 201 || typeof made !== "string") throw problemOf(status, told);
  return made;
}
