/**
 * Brings the log to the server and the receipts back, over whatever network there is.
 *
 * The server's first message says how much it holds; from there the records follow in order. After
 * every cut the server's own size decides where to go on, so that nothing is skipped and nothing
 * stands twice. A receipt is believed only after both signatures and the root were verified. The
 * twin of `client/proctor_client/uplink.py`.
 */

import { ProblemError, Unreachable } from "../api";
import type { SigningKey, VerifierKey } from "../evidence/key";
import { Bell } from "./bell";
import type { ServerClock } from "./clock";
import { mayPass, type Backoff, type LearnerView, type Link } from "./learner-api";
import { HistoryDiffers, Outbox, OWED_LISTED, type Flight } from "./outbox";
import type { Facts, Recorder } from "./recorder";
import { OtherTab, StorageFull, type Spool } from "./spool";
import {
  NotUnderstood,
  openReceipt,
  readMessage,
  ReceiptRefused,
  type Message,
  type ReceiptTold,
  type ServerLog,
  type Welcome,
} from "./wire";

/** A shorter loss of contact is no gap. */
export const CONTACT_LOST_MS = 3000;
export const BEAT_EVERY_MS = 10_000;
/** A line on which nothing came or went for so long while an answer is due is dead. */
export const SILENT_MS = 20_000;
const WELCOME_MS = 15_000;
/** Of "superseded" within so long: by then it is no older line of our own. */
const [SUPERSEDED_MOST, SUPERSEDED_WITHIN_MS] = [3, 60_000];
/** Problems that a later try may not meet: no room; an older line of ours; blobs behind. */
const PASSING: readonly string[] = ["storage-full", "superseded", "too-many-owed"];
const OVER: readonly string[] = ["session-closed"];

/** Why the uplink will not go on by itself. */
export type Ended =
  | "other-tab"
  | "superseded"
  | "history-differs"
  | "receipt-refused"
  | "session-over"
  | "token-ended"
  | "refused"
  | "closed";

/** The device does no more: what was waited for will not come. */
export class DeviceStopped extends Error {
  override readonly name = "DeviceStopped";
  readonly trouble: Ended;

  constructor(trouble: Ended) {
    super(trouble);
    this.trouble = trouble;
  }
}

/** This connection is of no more use; the next may be. */
class Cut extends Error {}

/** No connection is. */
class End extends Error {
  readonly why: Ended;

  constructor(why: Ended, cause?: unknown) {
    super(why, { cause });
    this.why = why;
  }
}

interface Waiter {
  readonly size: number;
  readonly blobs: boolean;
  readonly resolve: () => void;
  readonly reject: (why: unknown) => void;
}

/** What an uplink needs, and whom it tells. */
export interface UplinkParts {
  readonly recorder: Recorder;
  readonly key: SigningKey;
  /** Of the device's log. */
  readonly origin: string;
  /** One of these cosigns. */
  readonly serverKeys: readonly VerifierKey[];
  readonly clock: ServerClock;
  readonly backoff: Backoff;
  /** Rejects with Unreachable, or a ProblemError where no later try would do better. */
  readonly connect: () => Promise<Link>;
  /** Told of each session view that the server pushes, and of the server's log as it was then. */
  readonly onSession: (view: LearnerView, serverLog: ServerLog | null) => void;
  /** Told whenever the server has welcomed this device: pushes may have been lost before. */
  readonly onContact: () => void;
  /** Told whenever one of the public properties may have changed. */
  readonly onChange: () => void;
}

export class Uplink {
  connected = false;
  /** Server's time at which `connected` became what it is. */
  sinceMs: number;
  /** The server is reached, and said last that it can't store anything. */
  serverFull = false;
  /** Server's time in the last receipt. */
  receivedAtMs: number | null = null;
  ended: Ended | null = null;
  /** The problem behind `refused` and `token-ended`. */
  problem: ProblemError | null = null;
  /** To be set once the log should come to rest: no more beats, nor gaps. */
  resting = false;
  readonly #parts: UplinkParts;
  readonly #spool: Spool;
  readonly #outbox: Outbox;
  readonly #bell = new Bell();
  readonly #pause = new Bell();
  #link: Link | null = null;
  #waiters: Waiter[] = [];
  /** Last sign of life, steady clock and bytes then unsent. */
  #life = { steadyMs: 0, unsentBytes: 0 };
  /** Last sign of life: device clock, for the record, and server time, to measure. 0: never. */
  #heard = { deviceMs: 0, serverMs: 0 };
  #serverLog: ServerLog | null = null;
  #beaten = "";
  #beatMs = -Infinity;
  #superseded: number[] = [];

  constructor(parts: UplinkParts) {
    this.#parts = parts;
    this.#spool = parts.recorder.spool;
    this.#outbox = new Outbox(this.#spool, parts.key, parts.origin);
    this.sinceMs = parts.clock.nowMs();
  }

  /** Keeps the uplink up until it has `ended`. Never rejects but for a bug. */
  async run(): Promise<void> {
    const { clock, backoff } = this.#parts;
    while (this.ended === null) {
      const began = clock.steadyMs();
      try {
        await this.#connection();
      } catch (error) {
        this.#endOrTryAgain(error);
      }
      if (this.ended !== null) return;
      if (clock.steadyMs() - began > WELCOME_MS) backoff.reset();
      await this.#pause.wait(backoff.nextMs());
    }
  }

  /** Tells that there is a record to send. */
  wake(): void {
    this.#bell.ring();
  }

  /** Tries at once: the browser says that there is a network again. */
  hurry(): void {
    this.#parts.backoff.reset();
    if (this.#link === null) this.#pause.ring();
  }

  /** Gives this connection up: the browser says that there is no network, or the computer slept. */
  cut(): void {
    this.#link?.close();
  }

  /** Stops for good. What is waited for is rejected. */
  end(why: Ended): void {
    if (this.ended !== null && why !== "other-tab") return;
    this.ended = why;
    this.cut();
    this.#bell.ring();
    this.#pause.ring();
    this.#tell();
  }

  /** Looks after the line; to be called every second or so. */
  tick(): void {
    const link = this.#link;
    if (link === null || !this.connected) return;
    const nowMs = this.#parts.clock.steadyMs();
    // On a slow line a large picture takes minutes, in which nothing comes back: but it leaves.
    if (link.unsentBytes < this.#life.unsentBytes) this.#life.steadyMs = nowMs;
    this.#life.unsentBytes = link.unsentBytes;
    const since = this.#outbox.waitingSinceMs;
    const dueMs = since === null ? nowMs : Math.max(since, this.#life.steadyMs);
    if (nowMs - dueMs > SILENT_MS) link.close();
  }

  /** For how long nothing was heard on this connection, ms; 0 without one. */
  get silentMs(): number {
    return this.connected ? this.#parts.clock.steadyMs() - this.#life.steadyMs : 0;
  }

  /** Notes that the server answered in another way. */
  alive(): void {
    if (!this.connected) return;
    const { clock } = this.#parts;
    this.#life.steadyMs = clock.steadyMs();
    this.#heard = { deviceMs: clock.deviceMs(), serverMs: clock.nowMs() };
  }

  /**
   * Resolves once the first `size` records are under a receipt and, unless told otherwise, their
   * blobs are held. Rejects with DeviceStopped if that will never be.
   */
  received(size: number, { blobs = true } = {}): Promise<void> {
    if (this.#has(size, blobs)) return Promise.resolve();
    if (this.ended !== null) return Promise.reject(new DeviceStopped(this.ended));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ size, blobs, resolve, reject });
      this.#bell.ring();
    });
  }

  #has(size: number, blobs: boolean): boolean {
    if (this.#spool.received < size) return false;
    const named = blobs ? this.#spool.blobsNamed(0, size) : [];
    return [...named].every((digest) => !this.#spool.hasBlob(digest));
  }

  #tell(): void {
    const still: Waiter[] = [];
    for (const waiter of this.#waiters) {
      if (this.#has(waiter.size, waiter.blobs)) waiter.resolve();
      else if (this.ended !== null) waiter.reject(new DeviceStopped(this.ended));
      else still.push(waiter);
    }
    this.#waiters = still;
    this.#parts.onChange();
  }

  // --- one connection ----------------------------------------------------------------------

  async #connection(): Promise<void> {
    const link = await this.#parts.connect();
    if (this.ended !== null) return link.close();
    this.#link = link;
    const over = { is: false };
    const work: Promise<void>[] = [];
    try {
      await this.#welcomed(link);
      work.push(this.#hear(link), this.#send(link, over));
      await Promise.race(work);
    } finally {
      over.is = true;
      this.#bell.ring();
      link.close();
      // Whichever ended first has told; the other one ends because of it, and before the next
      // connection begins.
      await Promise.allSettled(work);
      this.#link = null;
      this.#become(false);
      this.#tell();
    }
  }

  #endOrTryAgain(error: unknown): void {
    if (this.ended !== null) return;
    if (error instanceof End) {
      if (error.cause instanceof ProblemError) this.problem = error.cause;
      this.end(error.why);
    } else if (error instanceof HistoryDiffers) {
      this.end("history-differs");
    } else if (error instanceof ReceiptRefused) {
      this.end("receipt-refused");
    } else if (error instanceof OtherTab) {
      this.end("other-tab");
    } else if (error instanceof ProblemError && !mayPass(error)) {
      // Of connecting: the token has ended, and joining again is refused.
      this.problem = error;
      this.end(OVER.includes(error.code) ? "session-over" : "token-ended");
    } else if (!isPassing(error)) {
      throw error;
    }
  }

  async #hear(link: Link): Promise<void> {
    for (;;) {
      const text = await link.next();
      if (text === null) return;
      this.alive();
      await this.#answered(readMessage(text));
    }
  }

  async #send(link: Link, over: { is: boolean }): Promise<void> {
    const { clock } = this.#parts;
    while (!over.is) {
      const flight = this.#outbox.plan(clock.steadyMs());
      if (flight === null) {
        // Nothing more can be sent; so what is missing now will not come over this connection: a
        // receipt that was cut off, or word of a blob for which the server's lists had no room.
        const unclear =
          this.#outbox.idle && this.#spool.waiting > 0 && this.#waiters.length > 0;
        if (this.#outbox.sentWithoutReceipt || unclear) throw new Cut();
        await this.#bell.wait();
        continue;
      }
      const message = await this.#outbox.pack(flight);
      if (over.is) return;
      if (message === null) continue;
      this.#outbox.left(flight, clock.steadyMs());
      link.send(message);
      this.#life.unsentBytes = link.unsentBytes;
    }
  }

  #become(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.sinceMs = this.#parts.clock.nowMs();
  }

  // --- what comes back ---------------------------------------------------------------------

  async #welcomed(link: Link): Promise<void> {
    const patience = setTimeout(() => link.close(), WELCOME_MS);
    const text = await link.next().finally(() => clearTimeout(patience));
    if (text === null) throw new Cut();
    const message = readMessage(text);
    if (message.type === "problem") return this.#refused(message.problem);
    if (message.type !== "welcome") throw new Cut();
    await this.#begin(message);
  }

  async #begin(welcome: Welcome): Promise<void> {
    const { clock } = this.#parts;
    this.#outbox.begin(welcome);
    if (welcome.nowMs !== null) clock.heard(welcome.nowMs);
    if (welcome.owed.size < OWED_LISTED) {
      const named = this.#spool.blobsNamed(0, welcome.size);
      await this.#held([...named].filter((digest) => !welcome.owed.has(digest)));
    }
    const before = this.#heard;
    const lostMs = clock.nowMs() - before.serverMs;
    this.#become(true);
    this.alive();
    // Where the server holds all records but the receipt was cut off, one more brings another.
    const { size, received } = this.#spool;
    const unconfirmed = welcome.size === size && size > received;
    const lost = before.deviceMs !== 0 && lostMs > CONTACT_LOST_MS;
    // The first record is the device's hello: before it, nothing may be written.
    if (size > 0 && ((lost && !this.resting) || unconfirmed)) {
      const from_ms = before.deviceMs || this.#spool.lastAtMs;
      const cause = before.deviceMs !== 0 ? "network" : "client-stopped";
      const to_ms = Math.max(from_ms, this.#heard.deviceMs);
      await this.#write("gap", { of: "contact", cause, from_ms, to_ms });
    }
    this.#parts.onContact();
    await this.#seen(welcome.serverLog);
    this.#tell();
  }

  async #answered(message: Message): Promise<void> {
    switch (message.type) {
      case "receipt":
        await this.#receipt(message);
        await this.#seen(message.serverLog);
        break;
      case "held": {
        const { blobs } = this.#landed();
        const { digests } = message;
        if (![...blobs].some((digest) => digests.has(digest))) throw new Cut();
        await this.#held(digests);
        this.#parts.backoff.reset();
        break;
      }
      case "resume":
        this.#landed();
        this.#outbox.rewind(message.size, message.root);
        break;
      case "problem":
        this.#refused(message.problem);
        break;
      case "session":
        this.#parts.onSession(message.view, message.serverLog);
        await this.#seen(message.serverLog);
        break;
      case "welcome":
        throw new Cut();
    }
    this.#bell.ring();
    this.#tell();
  }

  async #receipt({ note, size, owed }: ReceiptTold): Promise<void> {
    const { key, origin, serverKeys, clock, backoff } = this.#parts;
    if (!this.#outbox.isUnderWay(size)) {
      throw new ReceiptRefused(`of ${size} records, where no batch that was sent ends`);
    }
    const root = this.#spool.frontierAt(size).root();
    const expected = { key: key.verifier, origin, serverKeys, size, root };
    this.receivedAtMs = await openReceipt(note, expected);
    this.serverFull = false;
    try {
      await this.#spool.keepReceipt(note, size);
    } catch (error) {
      // Asked for again once there may be room.
      if (error instanceof StorageFull) throw new Cut();
      throw error;
    }
    // Only now, for the sender takes a line on which nothing is under way for one that swallowed
    // the receipt.
    const flights = this.#outbox.landedUpTo(size, clock.steadyMs());
    this.#outbox.owe(owed);
    // A list cut at its bound says nothing of a blob that did not come along.
    const whole = owed.size < OWED_LISTED;
    const told = flights.flatMap(({ blobs, named }) => [...blobs, ...(whole ? named : [])]);
    await this.#held(told.filter((digest) => !owed.has(digest)));
    backoff.reset();
  }

  async #held(digests: Iterable<string>): Promise<void> {
    const each = [...digests];
    for (const digest of each) this.#outbox.settle(digest);
    try {
      await this.#spool.dropBlobs(each);
    } catch (error) {
      // It is held, so nothing is lost: the next welcome says so again.
      if (!(error instanceof StorageFull)) throw error;
    }
  }

  #refused(problem: ProblemError): void {
    const flight = this.#outbox.landed(this.#parts.clock.steadyMs());
    if (OVER.includes(problem.code)) throw new End("session-over", problem);
    this.serverFull = problem.code === "storage-full";
    this.#tell();
    if (problem.code === "superseded") this.#noteSuperseded();
    // A blob alone may be not what the server expects (any more): its next welcome tells.
    const alone = flight !== null && flight.start === flight.stop;
    if (PASSING.includes(problem.code) || mayPass(problem) || alone) throw new Cut();
    throw new End("refused", problem);
  }

  #noteSuperseded(): void {
    const nowMs = this.#parts.clock.steadyMs();
    this.#superseded = this.#superseded.filter((at) => nowMs - at < SUPERSEDED_WITHIN_MS);
    this.#superseded.push(nowMs);
    // Once is an older line of ours that the server noticed late. Again and again is another
    // browser with a copy of this one's key, and two that rob each other in turn help nobody.
    if (this.#superseded.length >= SUPERSEDED_MOST) throw new End("superseded");
  }

  #landed(): Flight {
    const flight = this.#outbox.landed(this.#parts.clock.steadyMs());
    if (flight === null) throw new Cut();
    return flight;
  }

  // --- what is recorded about it -----------------------------------------------------------

  /** Records the server's log as it told of it: at most one beat in ten seconds. */
  async #seen(told: ServerLog | null): Promise<void> {
    const seen = told ?? this.#serverLog;
    this.#serverLog = seen;
    if (this.resting || seen === null || seen.size === 0) return;
    const nowMs = this.#parts.clock.steadyMs();
    const { size, root } = seen;
    // The first record is the device's hello: before it, nothing may be written.
    if (root === this.#beaten || nowMs - this.#beatMs < BEAT_EVERY_MS || this.#spool.size === 0) {
      return;
    }
    this.#beatMs = nowMs;
    this.#beaten = root;
    await this.#write("beat", { size, root });
  }

  async #write(kind: "gap" | "beat", facts: Facts): Promise<void> {
    try {
      await this.#parts.recorder.write(kind, facts);
    } catch (error) {
      // The room shows that there is no space; what is there already can still be sent.
      if (!(error instanceof StorageFull)) throw error;
    }
  }
}

function isPassing(error: unknown): boolean {
  // The database may fail to be read for a while.
  const passing = [Cut, NotUnderstood, Unreachable, ProblemError, DOMException];
  return passing.some((each) => error instanceof each);
}
