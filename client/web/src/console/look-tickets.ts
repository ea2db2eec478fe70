/**
 * Addresses of pictures, each good for minutes: asked for once, renewed before they end.
 *
 * The server hands them out for one session, or for the live stills of one exam; what one is of is
 * the caller's.
 */

import { type Signal, signal } from "@preact/signals";
import type { LookTicket } from "../api";

/** Before its end, so that no picture is asked for with one that has ended on the way. */
const EARLY_MS = 60_000;
const AGAIN_MS = 10_000;

export interface TicketParts {
  fetch: (of: string) => Promise<LookTicket>;
  /** The server's time. */
  now: () => number;
  /** For paths that renew themselves. */
  later?: (after_ms: number, what: () => void) => () => void;
  /** Told of what went wrong with such a path; it is then tried again. */
  failed?: (error: unknown) => void;
}

/** A ticket, and from when on the next is asked for. */
interface Held {
  ticket: LookTicket;
  renew_at_ms: number;
}

export class LookTickets {
  readonly #held = new Map<string, Promise<Held>>();
  readonly #paths = new Map<string, Signal<string | null>>();
  readonly #cancels = new Set<() => void>();

  constructor(private readonly parts: TicketParts) {}

  /** A ticket that is good for a while still. Throws ProblemError or Unreachable. */
  async ticket(of: string): Promise<LookTicket> {
    return (await this.#fresh(of)).ticket;
  }

  /** Where pictures are now, renewed by itself; null until that is known. */
  path(of: string): Signal<string | null> {
    let path = this.#paths.get(of);
    if (path === undefined) {
      path = signal(null);
      this.#paths.set(of, path);
      void this.#renew(of, path);
    }
    return path;
  }

  /** Forgets one that the server no longer takes. */
  drop(of: string): void {
    this.#held.delete(of);
  }

  /** Forgets all: somebody else sits here now, or other pictures are shown. */
  forget(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    for (const path of this.#paths.values()) path.value = null;
    this.#paths.clear();
    this.#held.clear();
  }

  async #fresh(of: string): Promise<Held> {
    const held = this.#held.get(of);
    if (held !== undefined) {
      const known = await held;
      if (this.parts.now() < known.renew_at_ms) return known;
      // Whoever else saw it end may have asked for the next one already.
      const newer = this.#held.get(of);
      if (newer !== undefined && newer !== held) return newer;
    }
    const asked = this.#ask(of);
    this.#held.set(of, asked);
    asked.catch(() => {
      if (this.#held.get(of) === asked) this.#held.delete(of);
    });
    return asked;
  }

  async #ask(of: string): Promise<Held> {
    const ticket = await this.parts.fetch(of);
    const left_ms = ticket.until_ms - this.parts.now();
    return { ticket, renew_at_ms: ticket.until_ms - Math.min(EARLY_MS, left_ms / 2) };
  }

  async #renew(of: string, path: Signal<string | null>): Promise<void> {
    let again_ms = AGAIN_MS;
    try {
      const { ticket, renew_at_ms } = await this.#fresh(of);
      if (this.#paths.get(of) !== path) return;
      path.value = ticket.path;
      again_ms = Math.max(AGAIN_MS, renew_at_ms - this.parts.now());
    } catch (error) {
      if (this.#paths.get(of) !== path) return;
      this.parts.failed?.(error);
    }
    const cancel = this.parts.later?.(again_ms, () => {
      if (cancel !== undefined) this.#cancels.delete(cancel);
      void this.#renew(of, path);
    });
    if (cancel !== undefined) this.#cancels.add(cancel);
  }
}
