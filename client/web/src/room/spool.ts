/**
 * This browser's log in IndexedDB: what was recorded, whether it was sent or not.
 *
 *     links       SHA-256 of a join token: device, key pair, answer to joining, device token
 *     holders     which tab writes
 *     records     the records, only ever added to, and the blob each names
 *     blobs       pictures and files that the server is not known to hold
 *     receipts    the last checkpoint that the server cosigned
 *     kept        small notes of the pages
 *
 * The order is the safety argument: (1) a blob is durable before the record that names it, (2) a
 * record is durable before it may be sent, (3) a blob is deleted after the server said that it
 * holds it. So after a crash at any point the database holds a log that includes all that was ever
 * sent.
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { equal, fromUtf8, type Bytes } from "../evidence/bytes";
import { EvidenceError } from "../evidence/errors";
import { Checkpoint, Note } from "../evidence/note";
import { parseInPlace, type BlobRef, type RecordLine } from "../evidence/record";
import { digestOf } from "../evidence/sha256";
import { Frontier, leafHash } from "../evidence/tree";

/** A day of snapshots at 10 s, and all that a browser without asking may give. */
export const BLOBS_LIMIT_BYTES = 400 * 1024 * 1024;

/** Written through to the disk before it is called done: a crash of the system loses nothing. */
const DURABLE: IDBTransactionOptions = { durability: "strict" };

/** The browser keeps nothing for this site: IndexedDB is absent, or refused in a private window. */
export class NoStorage extends Error {
  override readonly name = "NoStorage";
}

/** Another tab writes this log. */
export class OtherTab extends Error {
  override readonly name = "OtherTab";
}

/** What is kept is not what was written. */
export class SpoolDamaged extends Error {
  override readonly name = "SpoolDamaged";
}

/** There is no room. Nothing of what was to be kept is; later things can be, once there is room. */
export class StorageFull extends Error {
  override readonly name = "StorageFull";
  /** "pictures": those that wait use all they may. "disk": the browser takes nothing. */
  readonly of: "pictures" | "disk";

  constructor(of: "pictures" | "disk", why = "") {
    super(`no room for ${of === "pictures" ? "more pictures" : "anything more"} ${why}`.trim());
    this.of = of;
  }
}

/** What stands under a link before there is a log. */
export interface Linked {
  readonly device: string;
  readonly pair: CryptoKeyPair;
  /** The answer to joining, as JSON; null before the first. */
  readonly answer: string | null;
  readonly deviceToken: string;
}

interface Stores extends DBSchema {
  links: { key: string; value: Linked };
  holders: { key: string; value: string };
  records: { key: [link: string, seq: number]; value: { line: Bytes; blob: BlobRef | null } };
  blobs: { key: [link: string, sha256: string]; value: { bytes: Bytes; size: number } };
  receipts: { key: string; value: Bytes };
  kept: { key: [link: string, name: string]; value: unknown };
}

export type Database = IDBPDatabase<Stores>;

/** Throws NoStorage. */
export async function openDatabase(): Promise<Database> {
  try {
    return await openDB<Stores>("proctor", 1, {
      upgrade(database) {
        for (const name of ["links", "holders", "records", "blobs", "receipts", "kept"] as const) {
          database.createObjectStore(name);
        }
      },
    });
  } catch (error) {
    throw new NoStorage(String(error));
  }
}

/** One device's log. `append` is for one caller at a time; the rest for any. */
export class Spool {
  readonly session: string;
  readonly device: string;
  readonly #database: Database;
  readonly #link: string;
  readonly #holder: string;
  readonly #limit: number;
  /** The tree after each number of records: any root that a receipt names is at hand. */
  readonly #frontiers = [new Frontier()];
  readonly #refs = new Map<number, BlobRef>();
  readonly #namedEver = new Set<string>();
  /** Blobs that are here, in bytes. */
  readonly #stored = new Map<string, number>();
  #lastAtMs = 0;
  #receipt: { note: Bytes; size: number } | null = null;

  private constructor(database: Database, place: SpoolPlace) {
    this.#database = database;
    this.#link = place.link;
    this.session = place.session;
    this.device = place.device;
    this.#holder = place.holder;
    this.#limit = place.blobsLimitBytes ?? BLOBS_LIMIT_BYTES;
  }

  /**
   * Opens a log, or makes it; from now on, only this holder can write it. `each` is told of every
   * record, oldest first.
   *
   * Throws SpoolDamaged: the records are not a log that this device wrote.
   */
  static async open(
    database: Database,
    place: SpoolPlace,
    each: (record: RecordLine, line: Bytes) => void = () => {},
  ): Promise<Spool> {
    const spool = new Spool(database, place);
    await database.put("holders", place.holder, place.link);
    await spool.#reopen(each);
    return spool;
  }

  /** How many records are durable. */
  get size(): number {
    return this.#frontiers.length - 1;
  }

  /** How many records are under the last receipt. */
  get received(): number {
    return this.#receipt?.size ?? 0;
  }

  /** The last checkpoint that the server cosigned. */
  get receipt(): Bytes | null {
    return this.#receipt?.note ?? null;
  }

  /** When the last record was written, by the device's clock; 0 if there is none. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  /** The tree over the first `size` records, 0 to this.size. */
  frontierAt(size: number): Frontier {
    const frontier = this.#frontiers[size];
    if (frontier === undefined) throw new RangeError(`no tree of ${size} records`);
    return frontier;
  }

  /** The records from `start` up to but not `stop`, exactly as they were written. */
  async lines(start: number, stop: number): Promise<Bytes[]> {
    if (start >= stop) return [];
    const found = await this.#database.getAll("records", this.#seqs(start, stop - 1));
    if (found.length !== stop - start) throw new SpoolDamaged(`${start} to ${stop} are not there`);
    return found.map(({ line }) => line);
  }

  /**
   * Adds a record, which is durable when this resolves. `line` is for seq `this.size`; the blob
   * that it names is stored already.
   *
   * Throws StorageFull, OtherTab: it was not added.
   */
  async append(line: Bytes, at_ms: number, blob: BlobRef | null = null): Promise<void> {
    const database = this.#database;
    const begin = () => database.transaction(["holders", "records"], "readwrite", DURABLE);
    await told(begin, async (tx) => {
      // A tab that was robbed of the log may not know it yet; two writers would fork it.
      if ((await tx.objectStore("holders").get(this.#link)) !== this.#holder) throw new OtherTab();
      await tx.objectStore("records").add({ line, blob }, [this.#link, this.size]);
    });
    this.#grown(line, at_ms, blob);
  }

  /** The blob that a record names. */
  blobNamed(seq: number): BlobRef | null {
    return this.#refs.get(seq) ?? null;
  }

  /** Blobs of the records from `start` up to but not `stop`, each once. */
  blobsNamed(start: number, stop: number): Set<string> {
    const named = new Set<string>();
    for (let seq = start; seq < stop; seq += 1) {
      const ref = this.#refs.get(seq);
      if (ref !== undefined) named.add(ref.sha256);
    }
    return named;
  }

  /** The size of a blob that is here and that a record names; null for any other. */
  waits(digest: string): number | null {
    return this.#namedEver.has(digest) ? (this.#stored.get(digest) ?? null) : null;
  }

  /** How many blobs are here that a record names. */
  get waiting(): number {
    let count = 0;
    for (const digest of this.#stored.keys()) count += this.#namedEver.has(digest) ? 1 : 0;
    return count;
  }

  /** Whether a blob is here. One that is not: the server holds it, or it was lost. */
  hasBlob(digest: string): boolean {
    return this.#stored.has(digest);
  }

  /**
   * Makes a blob durable. Call before its record is appended.
   *
   * A picture is limited in the room it may take. A file that is an answer is not: pictures that
   * wait must never be why an answer is lost.
   *
   * Throws StorageFull.
   */
  async storeBlob(bytes: Bytes, { limited }: { limited: boolean }): Promise<string> {
    const digest = await digestOf(bytes);
    if (this.#stored.has(digest)) return digest;
    const used = [...this.#stored.values()].reduce((sum, size) => sum + size, bytes.length);
    if (limited && used > this.#limit) throw new StorageFull("pictures");
    const begin = () => this.#database.transaction("blobs", "readwrite", DURABLE);
    const blob = { bytes, size: bytes.length };
    await told(begin, ({ store }) => store.put(blob, [this.#link, digest]));
    this.#stored.set(digest, bytes.length);
    return digest;
  }

  /** A blob, or null if it is gone or no longer what its name says. */
  async readBlob(digest: string): Promise<Bytes | null> {
    const found = await this.#database.get("blobs", [this.#link, digest]);
    // A batch with a wrong blob would be refused whole, so a spoilt picture must not stop it.
    if (found === undefined || (await digestOf(found.bytes)) !== digest) return null;
    return found.bytes;
  }

  /** Deletes blobs that the server holds, or that no record names. */
  async dropBlobs(digests: Iterable<string>): Promise<void> {
    const here = [...digests].filter((digest) => this.#stored.delete(digest));
    if (here.length === 0) return;
    const begin = () => this.#database.transaction("blobs", "readwrite");
    await told(begin, ({ store }) =>
      Promise.all(here.map((digest) => store.delete([this.#link, digest]))),
    );
  }

  /** Deletes a blob whose record could not be written. */
  async forget(digest: string): Promise<void> {
    if (!this.#namedEver.has(digest)) await this.dropBlobs([digest]);
  }

  /**
   * Keeps the server's last word, a verified note over `size` records; an older one than is kept
   * changes nothing.
   *
   * Throws StorageFull: the receipt before it is still there.
   */
  async keepReceipt(note: Bytes, size: number): Promise<void> {
    if (size < this.received) return;
    const begin = () => this.#database.transaction("receipts", "readwrite", DURABLE);
    await told(begin, ({ store }) => store.put(note, this.#link));
    this.#receipt = { note, size };
  }

  /** Keeps a small note of a page beside the log. Throws StorageFull. */
  async keep(name: string, value: unknown): Promise<void> {
    const begin = () => this.#database.transaction("kept", "readwrite");
    await told(begin, ({ store }) => store.put(value, [this.#link, name]));
  }

  /** What `keep` kept last under this name; undefined if it never did. */
  kept(name: string): Promise<unknown> {
    return this.#database.get("kept", [this.#link, name]);
  }

  async #reopen(each: (record: RecordLine, line: Bytes) => void): Promise<void> {
    const all = this.#seqs(0, Number.MAX_SAFE_INTEGER);
    for (const [seq, { line, blob }] of (await this.#database.getAll("records", all)).entries()) {
      let record: RecordLine;
      try {
        record = parseInPlace(line, { session: this.session, device: this.device, seq });
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error;
        throw new SpoolDamaged(`record ${seq}: ${error.message}`);
      }
      this.#grown(line, record.at_ms, blob);
      each(record, line);
    }
    this.#readReceipt(await this.#database.get("receipts", this.#link));
    await this.#findBlobs();
  }

  #readReceipt(note: Bytes | undefined): void {
    // Without it nothing is lost: the server says at once what it holds.
    if (note === undefined || fromUtf8(note) === null) return;
    const { size, root } = Checkpoint.parse(Note.parse(note).text);
    if (size > this.size || !equal(this.frontierAt(size).root(), root)) {
      throw new SpoolDamaged(`the receipt for ${size} records is of another log`);
    }
    this.#receipt = { note, size };
  }

  async #findBlobs(): Promise<void> {
    const sizes = new Map([...this.#refs.values()].map(({ sha256, size }) => [sha256, size]));
    const range = IDBKeyRange.bound([this.#link, ""], [this.#link, "g"]);
    const orphans: string[] = [];
    for (const [, digest] of await this.#database.getAllKeys("blobs", range)) {
      const size = sizes.get(digest);
      this.#stored.set(digest, size ?? 0);
      // Its record was not reached before the page died: nobody was told of it.
      if (size === undefined) orphans.push(digest);
    }
    await this.dropBlobs(orphans);
  }

  #grown(line: Bytes, at_ms: number, blob: BlobRef | null): void {
    if (blob !== null) {
      this.#refs.set(this.size, blob);
      this.#namedEver.add(blob.sha256);
    }
    this.#lastAtMs = at_ms;
    // Last, because this makes the record visible to the uplink.
    this.#frontiers.push(this.frontierAt(this.size).extended([leafHash(line)]));
  }

  #seqs(first: number, last: number): IDBKeyRange {
    return IDBKeyRange.bound([this.#link, first], [this.#link, last]);
  }
}

/** Whose log it is, and who writes it. */
export interface SpoolPlace {
  /** SHA-256 of the join token. */
  readonly link: string;
  readonly session: string;
  readonly device: string;
  /** A word that no other tab has. */
  readonly holder: string;
  readonly blobsLimitBytes?: number;
}

/** A transaction whole or not at all, its refusals in our words. */
async function told<Tx extends { abort: () => void; readonly done: Promise<void> }>(
  begin: () => Tx,
  work: (tx: Tx) => Promise<unknown>,
): Promise<void> {
  try {
    const tx = begin();
    const working = work(tx).catch((error: unknown) => {
      // Unless it aborted by itself, which is why the work failed.
      if (!(error instanceof DOMException)) tx.abort();
      throw error;
    });
    const [worked, done] = await Promise.allSettled([working, tx.done]);
    if (worked.status === "rejected") throw worked.reason;
    if (done.status === "rejected") throw done.reason;
  } catch (error) {
    // Quota, a database that was closed under us, a disk that fails: for whoever writes, all one.
    if (error instanceof DOMException) throw new StorageFull("disk", error.name);
    throw error;
  }
}
