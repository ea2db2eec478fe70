/** The code of a rehearsal's report: no exam has need of it, so it is fetched by a rehearsal alone. */

import { Unreachable } from "../api";

/** Throws Unreachable. */
export async function rehearsalCode(): Promise<typeof import("./rehearsal")> {
  try {
    return await import("./rehearsal");
  } catch {
    throw new Unreachable();
  }
}
