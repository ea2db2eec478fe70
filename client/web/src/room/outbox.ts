/**
 * What to send next: which records and blobs are under way, owed, or waiting.
 *
 * It knows no network. The server's size says where to begin; records go in order, several batches
 * under way at a time. On a slow link records go first and alone, and one blob follows at a time,
 * so that an answer never waits behind more than one picture. The twin of
 * `client/proctor_client/outbox.py`.
 */

import { join as joinBatch, seal } from "../evidence/batch";
import { equal, type Bytes } from "../evidence/bytes";
import type { SigningKey } from "../evidence/key";
import type { Spool } from "./spool";

/** A batch that takes longer has a slow link. */
export const SLOW_MS = 2000;
export const FAST_MS = 1000;
/** Records that wait: then they go first. */
export const BACKLOG = 64;
/** A list of owed blobs that is shorter is complete. */
export const OWED_LISTED = 256;
const [IN_FLIGHT, IN_FLIGHT_SLOW] = [8, 2];
/** In a batch; 64 of the largest are 4 MiB. */
const [RECORDS, RECORDS_BACKLOG] = [16, 64];
/** Along with records; larger ones travel alone. */
const BLOB_BYTES = 1024 * 1024;
const BLOB_BYTES_ALONE = 4 * 1024 * 1024;
const BLOBS = 64;
/** Records ahead of their blobs; a server may refuse to wait for more than 4096. */
const BARE = 2048;

/** The server's copy is no copy of this log's beginning. */
export class HistoryDiffers extends Error {
  override readonly name = "HistoryDiffers";
  readonly size: number;
  readonly ours: number;

  constructor(size: number, ours: number) {
    super(`the server's first ${size} records are not the first of our ${ours}`);
    this.size = size;
    this.ours = ours;
  }
}

/** A batch: records `start` up to but not `stop`, or blobs alone where these are equal. */
export interface Flight {
  readonly start: number;
  readonly stop: number;
  /** That travel with it. */
  readonly blobs: Set<string>;
  /** By its records. */
  readonly named: ReadonlySet<string>;
  sentMs: number;
}

function alone({ start, stop }: Flight): boolean {
  return start === stop;
}

/** What one connection sends. `begin` anew with each. */
export class Outbox {
  readonly #spool: Spool;
  readonly #key: SigningKey;
  readonly #origin: string;
  /** The first record that is not on its way. */
  #next = 0;
  /** Not answered yet, oldest first. */
  #flights: Flight[] = [];
  /** In the order the server named them. */
  #owed = new Set<string>();
  /** Blobs whose records went ahead. */
  #bare = new Set<string>();
  #rewind: { size: number; root: Bytes } | null = null;
  #slow = false;

  constructor(spool: Spool, key: SigningKey, origin: string) {
    this.#spool = spool;
    this.#key = key;
    this.#origin = origin;
  }

  /** Takes up where the server's copy of the log ends. Throws HistoryDiffers. */
  begin(server: { size: number; root: Bytes; owed: ReadonlySet<string> }): void {
    const { size, root, owed } = server;
    this.#flights = [];
    this.#rewind = null;
    this.#owed = new Set(owed);
    this.#goOnFrom(size, root);
    const named = [...this.#spool.blobsNamed(0, size)];
    this.#bare = new Set(named.filter((digest) => this.#spool.hasBlob(digest)));
  }

  /** Goes on from `size` as soon as everything under way is answered. */
  rewind(size: number, root: Bytes): void {
    this.#rewind = { size, root };
  }

  /** Whether nothing is under way and no record waits. */
  get idle(): boolean {
    return this.#flights.length === 0 && this.#next === this.#spool.size;
  }

  /** When the oldest flight under way left; null where none is. */
  get waitingSinceMs(): number | null {
    return this.#flights[0]?.sentMs ?? null;
  }

  /** Whether a batch of records up to `size` is under way. */
  isUnderWay(size: number): boolean {
    return this.#flights.some((flight) => !alone(flight) && flight.stop === size);
  }

  /** What to send now, or null if it is best to wait. Throws HistoryDiffers. */
  plan(nowMs: number): Flight | null {
    if (this.#rewind !== null) {
      if (this.#flights.length > 0) return null;
      const { size, root } = this.#rewind;
      this.#rewind = null;
      this.#goOnFrom(size, root);
    }
    const waiting = this.#spool.size - this.#next;
    const oldest = this.waitingSinceMs;
    if (oldest !== null && nowMs - oldest > SLOW_MS) this.#slow = true;
    const slow = this.#slow || waiting > BACKLOG;
    if (this.#flights.length >= (slow ? IN_FLIGHT_SLOW : IN_FLIGHT)) return null;
    return waiting > 0 ? this.#records(waiting, slow) : this.#blobs(slow);
  }

  /** A flight's message, or null if its blobs are gone. Reads the database and signs. */
  async pack(flight: Flight): Promise<Bytes | null> {
    const blobs: Bytes[] = [];
    for (const digest of [...flight.blobs]) {
      const bytes = await this.#spool.readBlob(digest);
      if (bytes === null) {
        // Someone deleted or changed it: it will have "never arrived", and nothing waits.
        await this.#spool.dropBlobs([digest]);
        this.settle(digest);
        flight.blobs.delete(digest);
      } else {
        blobs.push(bytes);
      }
    }
    if (alone(flight)) {
      return blobs.length > 0 ? joinBatch({ lines: [], note: new Uint8Array(), blobs }) : null;
    }
    return seal({
      lines: await this.#spool.lines(flight.start, flight.stop),
      blobs,
      frontier: this.#spool.frontierAt(flight.stop),
      origin: this.#origin,
      key: this.#key,
    });
  }

  /** Notes that a flight is under way. */
  left(flight: Flight, nowMs: number): void {
    flight.sentMs = nowMs;
    this.#flights.push(flight);
    this.#next = flight.stop;
    for (const digest of flight.named) if (!flight.blobs.has(digest)) this.#bare.add(digest);
  }

  /** The oldest flight under way, which is answered now; null if there is none. */
  landed(nowMs: number): Flight | null {
    const flight = this.#flights.shift();
    if (flight === undefined) return null;
    const took = nowMs - flight.sentMs;
    if (took > SLOW_MS) this.#slow = true;
    else if (took < FAST_MS && this.#next === this.#spool.size) this.#slow = false;
    return flight;
  }

  /**
   * The flights that a receipt of `size` records answers, oldest first: a server may take batches
   * that wait together, and answer them with one receipt.
   */
  landedUpTo(size: number, nowMs: number): Flight[] {
    const flights: Flight[] = [];
    for (;;) {
      const [oldest] = this.#flights;
      if (oldest === undefined || alone(oldest) || oldest.stop > size) return flights;
      this.landed(nowMs);
      flights.push(oldest);
    }
  }

  /** Notes that the server asks for blobs. */
  owe(digests: ReadonlySet<string>): void {
    for (const digest of digests) this.#owed.add(digest);
  }

  /** Notes that the server has a blob, or never will. */
  settle(digest: string): void {
    this.#owed.delete(digest);
    this.#bare.delete(digest);
  }

  /** Whether records left whose answer will not come over this connection. */
  get sentWithoutReceipt(): boolean {
    return this.#flights.length === 0 && this.#spool.received < this.#next;
  }

  #goOnFrom(size: number, root: Bytes): void {
    const ours = this.#spool.size;
    // Sending would sign a second history; so this is looked at before anything is sent.
    if (size > ours || !equal(this.#spool.frontierAt(size).root(), root)) {
      throw new HistoryDiffers(size, ours);
    }
    this.#next = size;
  }

  #records(waiting: number, slow: boolean): Flight {
    const start = this.#next;
    const stop = start + Math.min(waiting, slow ? RECORDS_BACKLOG : RECORDS);
    const named = this.#spool.blobsNamed(start, stop);
    const bare = slow && this.#bare.size < BARE;
    const blobs = bare ? new Set<string>() : this.#fitting(named, BLOB_BYTES, BLOBS);
    return { start, stop, blobs, named, sentMs: 0 };
  }

  #blobs(slow: boolean): Flight | null {
    const underWay = new Set(this.#flights.flatMap(({ blobs }) => [...blobs]));
    if (slow && underWay.size > 0) return null;
    const owed = [...this.#owed].filter((digest) => !underWay.has(digest));
    const blobs = this.#fitting(owed, BLOB_BYTES_ALONE, slow ? 1 : BLOBS);
    if (blobs.size === 0) return null;
    return { start: this.#next, stop: this.#next, blobs, named: new Set(), sentMs: 0 };
  }

  #fitting(digests: Iterable<string>, mostBytes: number, most: number): Set<string> {
    const fitting = new Set<string>();
    let used = 0;
    for (const digest of digests) {
      const size = this.#spool.waits(digest);
      if (size === null || used + size > mostBytes || fitting.size >= most) continue;
      fitting.add(digest);
      used += size;
    }
    return fitting;
  }
}
