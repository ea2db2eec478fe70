/**
 * A batch: some records, their blobs, and one checkpoint over the log with them in it.
 *
 *     proctor-batch/v1 512 214 40213\n      bytes of the records, of the note, of each blob
 *     {"v":1,…}\n{"v":1,…}\n                the records, a line each
 *     proctor.example/…                     the device's signed checkpoint
 *     …                                     the blobs, one after the other
 *
 * A blob may come in a later batch than its record, even alone: then there is no record and no
 * note, and the first two lengths are 0. The twin of `proctor/evidence/batch.py`.
 */

import { concat, equal, latin1, splitLines, utf8, type Bytes } from "./bytes";
import { BlobMismatch, Inconsistent, MalformedBatch } from "./errors";
import type { SigningKey, VerifierKey } from "./key";
import {
  Checkpoint,
  MAX_NOTE_BYTES,
  Note,
  onlySignedBy,
  openCheckpoint,
  signCheckpoint,
} from "./note";
import { MAX_BLOB_BYTES, parseInPlace, type RecordLine } from "./record";
import { digestOf } from "./sha256";
import { leafHash, type Frontier } from "./tree";

export const MAX_RECORDS = 256;
export const MAX_BLOBS = 64;
// Two of the largest blobs fit; so does an hour's worth of records without any.
export const MAX_BATCH_BYTES = 9 * 1024 * 1024;
const HEADER = /^proctor-batch\/v1((?: (?:0|[1-9][0-9]{0,8})){2,66})\n/;
const MAX_HEADER_BYTES = 1024;

/** A blob and its SHA-256 in hex. */
export interface NamedBlob {
  readonly sha256: string;
  readonly bytes: Bytes;
}

/** A batch taken apart. Nothing of it is verified yet, but its blobs bear their digests. */
export interface Batch {
  readonly lines: readonly Bytes[];
  readonly note: Note | null;
  readonly blobs: readonly NamedBlob[];
}

/** Whose log a batch belongs to. */
export interface Log {
  readonly session: string;
  readonly device: string;
  readonly origin: string;
  readonly key: VerifierKey;
}

/**
 * The message that carries records, already in the tree, and blobs that these or earlier records
 * name. `frontier` is the tree with `lines` in it.
 */
export async function seal(parts: {
  lines: readonly Bytes[];
  blobs: readonly Bytes[];
  frontier: Frontier;
  origin: string;
  key: SigningKey;
}): Promise<Bytes> {
  const { lines, blobs, frontier, origin, key } = parts;
  if (lines.length === 0) return join({ lines, note: new Uint8Array(), blobs });
  const checkpoint = new Checkpoint(origin, frontier.size, frontier.root());
  return join({ lines, note: await signCheckpoint(checkpoint, key), blobs });
}

/** A message of parts that are ready: what a spool sends again, byte for byte. */
export function join(parts: {
  lines: readonly Bytes[];
  note: Bytes;
  blobs: readonly Bytes[];
}): Bytes {
  const { lines, note, blobs } = parts;
  const newline = Uint8Array.of(0x0a);
  const records = concat(lines.flatMap((line) => [line, newline]));
  const lengths = [records, note, ...blobs].map(({ length }) => length);
  return concat([utf8(`proctor-batch/v1 ${lengths.join(" ")}\n`), records, note, ...blobs]);
}

/**
 * Takes a message apart. What it returns are views of it.
 *
 * Throws MalformedBatch: it is no batch, or over a bound. MalformedNote: its note is none.
 */
export async function split(message: Bytes): Promise<Batch> {
  if (message.length > MAX_BATCH_BYTES) {
    throw new MalformedBatch(`a batch of ${message.length} bytes; ${MAX_BATCH_BYTES} at the most`);
  }
  const header = HEADER.exec(latin1(message.subarray(0, MAX_HEADER_BYTES)));
  if (header === null) throw new MalformedBatch("no header of proctor-batch/v1");
  const [whole, digits = ""] = header;
  const [recordsBytes = 0, noteBytes = 0, ...blobBytes] = digits.trim().split(" ").map(Number);
  let at = whole.length;
  function take(size: number): Bytes {
    at += size;
    return message.subarray(at - size, at);
  }
  const end = [recordsBytes, noteBytes, ...blobBytes].reduce((sum, size) => sum + size, at);
  if (end !== message.length) {
    throw new MalformedBatch("the lengths in the header are not those of the message");
  }
  if (noteBytes > MAX_NOTE_BYTES || blobBytes.some((size) => size > MAX_BLOB_BYTES)) {
    throw new MalformedBatch("a part is over its bound");
  }
  if (recordsBytes > 0 !== noteBytes > 0 || (recordsBytes === 0 && blobBytes.length === 0)) {
    throw new MalformedBatch("records and a checkpoint come together, or blobs alone");
  }
  const lines = splitLines(take(recordsBytes));
  if (lines.pop()?.length !== 0 || lines.length > MAX_RECORDS) {
    throw new MalformedBatch(`1 to ${MAX_RECORDS} records, a line each`);
  }
  const note = noteBytes > 0 ? Note.parse(take(noteBytes)) : null;
  const blobs = blobBytes.map(take);
  return { lines, note, blobs: await Promise.all(blobs.map(named)) };
}

/**
 * Verifies that a batch's records grow the device's log, then parses them. `frontier` is the
 * device's tree before the batch.
 *
 * Throws BadSignature: the device did not sign the checkpoint. MalformedNote: the note is no
 * checkpoint. WrongOrigin: it is one of another log. Inconsistent: the tree with these records is
 * not the one that was signed. MalformedRecord: a line is no record. OutOfPlace: it belongs
 * elsewhere.
 */
export async function openRecords(
  batch: Batch & { note: Note },
  frontier: Frontier,
  { session, device, origin, key }: Log,
): Promise<{ frontier: Frontier; checkpoint: Checkpoint; records: RecordLine[] }> {
  // 1. The signature, before anything in the records is looked at.
  onlySignedBy(batch.note, [key]);
  const checkpoint = await openCheckpoint(batch.note, { key, origin });
  // 2. What was signed is what came.
  const grown = frontier.extended(batch.lines.map(leafHash));
  if (grown.size !== checkpoint.size || !equal(grown.root(), checkpoint.root)) {
    throw new Inconsistent(`the records don't lead from ${frontier.size} to ${checkpoint.size}`);
  }
  // 3. What the records say, each in its place.
  const records = batch.lines.map((line, at) =>
    parseInPlace(line, { session, device, seq: frontier.size + at }),
  );
  return { frontier: grown, checkpoint, records };
}

/**
 * Checks that every blob is one that a record names, with its size. `sizes` is what the records of
 * the batch, and blobs still owed, name: digest to bytes.
 *
 * Throws BlobMismatch: a blob has another digest or another size than any record says.
 */
export function checkNamed(blobs: readonly NamedBlob[], sizes: ReadonlyMap<string, number>): void {
  for (const { sha256, bytes } of blobs) {
    if (sizes.get(sha256) !== bytes.length) {
      throw new BlobMismatch(`no record names a blob ${sha256} of ${bytes.length} bytes`);
    }
  }
}

async function named(bytes: Bytes): Promise<NamedBlob> {
  return { sha256: await digestOf(bytes), bytes };
}
