/**
 * Pictures and files of a session, by tickets that end.
 *
 * Each picture is fetched once and kept in memory for as long as the page shows its session, because
 * the server forbids storing it anywhere and counts every look.
 */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type LookApi,
  type LookWhy,
  ProblemError,
  type Timeline,
  TooLate,
  Unreachable,
} from "../api";
import { LookTickets } from "./look-tickets";

/** Kept in memory: an hour's strip and what was looked at last. A picture has about 40 KB. */
const KEPT_MOST = 160;
/** The first sheet takes seconds on a busy server, which starts a process for it. */
const WITHIN_MS = 30_000;
/**
 * Sheets asked for at the same time. The server makes one after the other, and a browser has six
 * connections: a verdict must find one, also where no sheet ever comes.
 */
const SHEETS_AT_ONCE = 2;

export type Failure = "gone" | "forbidden" | "unreachable" | "late";
export type Shown = { is: "coming" } | { is: "there"; url: string } | { is: "failed"; why: Failure };

/** How much the list of looks tells whoever reads it. */
export type Told = "whole" | "untilDecided" | "sinceAnswer";

/** The server leaves out what others looked at, for whoever may have to decide still. */
export function toldOf({ review, me }: Timeline): Told {
  const decided = review.state === "decided" || review.state === "final";
  if (decided || review.verdicts.some(({ by }) => by === me)) return "whole";
  return review.state === "contested" ? "sinceAnswer" : "untilDecided";
}

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
  private readonly tickets: LookTickets;
  private readonly shown = new Map<string, Signal<Shown>>();
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * @param why Written down beside every look.
   * @param now The server's time, ms.
   */
  constructor(
    private readonly api: LookApi,
    why: () => LookWhy,
    now: () => number = Date.now,
    private readonly urls: Urls = BROWSER,
  ) {
    this.tickets = new LookTickets({ fetch: (session) => api.look(session, why()), now });
  }

  picture(session: string, sha256: string): ReadonlySignal<Shown> {
    return this.at(session, sha256);
  }

  /** Sheet `n` of the strip's thumbnails. */
  sheet(session: string, n: number): ReadonlySignal<Shown> {
    return this.at(session, SHEET + String(n));
  }

  /** The bytes of a file, to be kept by whoever asked. Throws ProblemError or Unreachable. */
  async file(session: string, sha256: string): Promise<Blob> {
    return this.fetch(session, sha256);
  }

  /** Fetches a sheet once more that failed. */
  sheetAgain(session: string, n: number): void {
    this.again(session, SHEET + String(n));
  }

  /** Fetches once more what failed. */
  again(session: string, name: string): void {
    const shown = this.shown.get(`${session}/${name}`);
    if (shown?.value.is !== "failed") return;
    shown.value = { is: "coming" };
    void this.fill(shown, session, name);
  }

  /** Forgets every picture and ticket: another session is opened, or somebody else sits here. */
  forget(): void {
    for (const shown of this.shown.values()) this.free(shown);
    this.shown.clear();
    this.waiting.length = 0;
    this.tickets.forget();
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
      const fetch = () => this.fetch(session, name, WITHIN_MS);
      const bytes = await (name.startsWith(SHEET) ? this.inTurn(fetch) : fetch());
      if (this.shown.get(`${session}/${name}`) !== shown) return; // forgotten meanwhile
      shown.value = { is: "there", url: this.urls.make(bytes) };
    } catch (error) {
      shown.value = { is: "failed", why: failureOf(error) };
    }
  }

  /** Does what was asked for last first: that is what the reader has before their eyes. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.underWay < SHEETS_AT_ONCE) this.underWay += 1;
    else await new Promise<void>((go) => this.waiting.push(go));
    try {
      return await work();
    } finally {
      const next = this.waiting.pop();
      if (next === undefined) this.underWay -= 1;
      else next();
    }
  }

  private async fetch(session: string, name: string, within_ms?: number): Promise<Blob> {
    const ticket = await this.tickets.ticket(session);
    try {
      return await this.api.bytes(`${ticket.path}/${part(session)}/${name}`, within_ms);
    } catch (error) {
      // This computer's clock may be wrong, or it was asleep: a fresh ticket, once.
      if (!(error instanceof ProblemError && error.code === "look-expired")) throw error;
      this.tickets.drop(session);
      const fresh = await this.tickets.ticket(session);
      return this.api.bytes(`${fresh.path}/${part(session)}/${name}`, within_ms);
    }
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

/** What a sheet's name begins with; a picture's is its digest. */
const SHEET = "strip/";
const part = encodeURIComponent;

function failureOf(error: unknown): Failure {
  if (error instanceof TooLate) return "late";
  if (error instanceof Unreachable) return "unreachable";
  if (!(error instanceof ProblemError)) throw error;
  return error.status === 401 || error.status === 403 ? "forbidden" : "gone";
}
