/** Short-lived addresses of live pictures: one ticket an exam, renewed before it ends. */

import { type Signal, signal } from "@preact/signals";
import type { Ticket } from "./wall-api";

/** Before its end, so that no picture is asked for with one that has ended on the way. */
const EARLY_MS = 60_000;
const AGAIN_MS = 10_000;

export interface TicketParts {
  fetch: (exam: string) => Promise<Ticket>;
  /** The server's time. */
  now: () => number;
  later: (after_ms: number, what: () => void) => () => void;
  /** Told of what went wrong; a ticket is then tried again. */
  failed: (error: unknown) => void;
}

export class LookTickets {
  readonly #paths = new Map<string, Signal<string | null>>();
  #cancels = new Set<() => void>();

  constructor(private readonly parts: TicketParts) {}

  /** Where an exam's live pictures are now; null until that is known. Asks once for each exam. */
  path(exam: string): Signal<string | null> {
    let path = this.#paths.get(exam);
    if (path === undefined) {
      path = signal(null);
      this.#paths.set(exam, path);
      void this.#renew(exam, path);
    }
    return path;
  }

  /** Forgets all: somebody else sits here now. */
  forget(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    for (const path of this.#paths.values()) path.value = null;
    this.#paths.clear();
  }

  async #renew(exam: string, path: Signal<string | null>): Promise<void> {
    let again_ms = AGAIN_MS;
    try {
      const ticket = await this.parts.fetch(exam);
      if (this.#paths.get(exam) !== path) return;
      path.value = ticket.path;
      const left_ms = ticket.until_ms - this.parts.now();
      again_ms = Math.max(AGAIN_MS, left_ms - Math.min(EARLY_MS, left_ms / 2));
    } catch (error) {
      if (this.#paths.get(exam) !== path) return;
      this.parts.failed(error);
    }
    const cancel = this.parts.later(again_ms, () => {
      this.#cancels.delete(cancel);
      void this.#renew(exam, path);
    });
    this.#cancels.add(cancel);
  }
}
