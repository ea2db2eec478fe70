/**
 * Pictures and files of a session, by tickets that end.
 *
 * A ticket is asked for once and renewed before it ends; each picture is fetched once and kept in
 * memory for as long as the page shows its session, because the server forbids storing it anywhere
 * and counts every look.
 */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type LookApi, type LookTicket, type LookWhy, ProblemError, Unreachable } from "../api";

/** Before its end, so that nothing is asked for with a ticket that ends on the way. */
const EARLY_MS = 45_000;
/** Kept in memory: an hour's strip and what was looked at last. A picture has about 40 KB. */
const KEPT_MOST = 160;

export type Failure = "gone" | "forbidden" | "unreachable";
export type Shown = { is: "coming" } | { is: "there"; url: string } | { is: "failed"; why: Failure };

/** What a browser makes of bytes; tests hand in their own. */
export interface Urls {
  make(bytes: Blob): string;
  free(url: string): void;
}

const BROWSER: Urls = {
  make: (bytes) => URL.createObjectURL(bytes),
  free: (url) => URL.revokeObjectURL(url),
};

export class Looks {
  private readonly tickets = new Map<string, Promise<LookTicket>>();
  private readonly shown = new Map<string, Signal<Shown>>();

  /**
   * @param why Written down beside every look.
   * @param now The server's time, ms.
   */
  constructor(
    private readonly api: LookApi,
    private readonly why: () => LookWhy,
    private readonly now: () => number = Date.now,
    private readonly urls: Urls = BROWSER,
  ) {}

  picture(session: string, sha256: string): ReadonlySignal<Shown> {
    return this.at(session, sha256);
  }

  /** Sheet `n` of the strip's thumbnails. */
  sheet(session: string, n: number): ReadonlySignal<Shown> {
    return this.at(session, `strip/${n}`);
  }

  /** The bytes of a file, to be kept by whoever asked. Throws ProblemError or Unreachable. */
  async file(session: string, sha256: string): Promise<Blob> {
    return this.fetch(session, sha256);
  }

  /** Fetches once more what failed. */
  again(session: string, name: string): void {
    const shown = this.shown.get(`${session}/${name}`);
    if (shown?.value.is === "failed") void this.fill(shown, session, name);
  }

  /** Forgets every picture and ticket: another session is opened, or somebody else sits here. */
  forget(): void {
    for (const shown of this.shown.values()) this.free(shown);
    this.shown.clear();
    this.tickets.clear();
  }

  private at(session: string, name: string): Signal<Shown> {
    const key = `${session}/${name}`;
    let shown = this.shown.get(key);
    if (shown === undefined) {
      shown = signal<Shown>({ is: "coming" });
      void this.fill(shown, session, name);
    } else this.shown.delete(key);
    this.shown.set(key, shown); // the last one used stands last
    this.trim();
    return shown;
  }

  private async fill(shown: Signal<Shown>, session: string, name: string): Promise<void> {
    try {
      const bytes = await this.fetch(session, name);
      if (this.shown.get(`${session}/${name}`) !== shown) return; // forgotten meanwhile
      shown.value = { is: "there", url: this.urls.make(bytes) };
    } catch (error) {
      shown.value = { is: "failed", why: failureOf(error) };
    }
  }

  private async fetch(session: string, name: string): Promise<Blob> {
    const ticket = await this.ticket(session);
    try {
      return await this.api.bytes(`${ticket.path}/${part(session)}/${name}`);
    } catch (error) {
      // This computer's clock may be wrong, or it was asleep: a fresh ticket, once.
      if (!(error instanceof ProblemError && error.code === "look-expired")) throw error;
      this.tickets.delete(session);
      const fresh = await this.ticket(session);
      return this.api.bytes(`${fresh.path}/${part(session)}/${name}`);
    }
  }

  private async ticket(session: string): Promise<LookTicket> {
    const held = this.tickets.get(session);
    if (held !== undefined) {
      const ticket = await held;
      if (ticket.until_ms - this.now() > EARLY_MS) return ticket;
      // Whoever else saw it end may have asked for the next one already.
      const newer = this.tickets.get(session);
      if (newer !== undefined && newer !== held) return newer;
    }
    const asked = this.api.look(session, this.why());
    this.tickets.set(session, asked);
    asked.catch(() => {
      if (this.tickets.get(session) === asked) this.tickets.delete(session);
    });
    return asked;
  }

  private trim(): void {
    for (const [key, shown] of this.shown) {
      if (this.shown.size <= KEPT_MOST) return;
      this.free(shown);
      this.shown.delete(key);
    }
  }

  private free(shown: Signal<Shown>): void {
    if (shown.value.is === "there") this.urls.free(shown.value.url);
  }
}

const part = encodeURIComponent;

function failureOf(error: unknown): Failure {
  if (error instanceof Unreachable) return "unreachable";
  if (!(error instanceof ProblemError)) throw error;
  return error.status === 401 || error.status === 403 ? "forbidden" : "gone";
}
