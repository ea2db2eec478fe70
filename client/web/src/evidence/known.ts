/** What the steps of verification have shown so far, and how they look into it. */

import { equal, hex, splitLines, type Bytes } from "./bytes";
import { BLOBS, LOGS, type Container, type Facts } from "./bundle";
import { EvidenceError } from "./errors";
import { Fraction, type Json } from "./json";
import type { VerifierKey } from "./key";
import { Note, originOf, type Checkpoint } from "./note";
import { parseInPlace, SERVER_DEVICE, type RecordLine, type ServerKind } from "./record";
import { digestOf, sha256 } from "./sha256";
import { Frontier, leafHash } from "./tree";

// A seal's line about one member: digest and name.
const SEALED =
  /^([0-9a-f]{64}) (session\.json|policy\.json|logs\/[A-Za-z0-9_-]+\.(?:jsonl|checkpoint))$/;
const YEAR_10000_S = 253_402_300_800n; // no date of four digits from here on
// Pictures hashed at once: enough for every core, few enough for the page to answer in between.
const AT_ONCE = 32;

/** A step does not hold. Of a failure: whose log, and which record of it, by its seq. */
export class Refuted extends Error {
  readonly device: string | null;
  readonly record: number | null;

  constructor(why: string, device: string | null = null, record: number | null = null) {
    super(why);
    this.device = device;
    this.record = record;
  }
}

/** A log's lines as they stand in the file, what they say, and the hashes of its tree's leaves. */
export interface Log {
  readonly lines: readonly Bytes[];
  readonly records: readonly RecordLine[];
  readonly leaves: readonly Bytes[];
}

/** Filled by the steps, in order; what an earlier step has not shown is not there. */
export class Known {
  readonly data: Bytes;
  readonly logs = new Map<string, Log>();
  serverKey: VerifierKey | null;
  #container: Container | null = null;
  #facts: Facts | null = null;

  constructor(data: Bytes, serverKey: VerifierKey | null) {
    this.data = data;
    this.serverKey = serverKey;
  }

  get container(): Container {
    return there(this.#container);
  }

  set container(container: Container) {
    this.#container = container;
  }

  get facts(): Facts {
    return there(this.#facts);
  }

  set facts(facts: Facts) {
    this.#facts = facts;
  }

  get key(): VerifierKey {
    return there(this.serverKey);
  }

  member(name: string): Bytes {
    const found = this.container.members.get(name);
    if (found === undefined) throw new Refuted(`${name} is missing`);
    return found;
  }

  log(device: string): Log {
    return there(this.logs.get(device) ?? null);
  }

  /** The first record of a log: one that was read has one. */
  first(device: string): RecordLine {
    return there(this.log(device).records[0] ?? null);
  }

  /** The server's records of a kind. */
  ofKind(kind: ServerKind): RecordLine[] {
    return this.log(SERVER_DEVICE).records.filter((record) => record.kind === kind);
  }

  recordAt(device: Json, seq: Json): RecordLine | null {
    if (typeof device !== "string" || typeof seq !== "number") return null;
    return this.logs.get(device)?.records[seq] ?? null;
  }

  origin(device: string): string {
    const { server, exam, session } = this.facts;
    return originOf({ server, exam, session, device });
  }

  /** Parses a log's lines and returns its checkpoint, unverified. */
  readLog(device: string): Note {
    const [name, checkpoint] = logNames(device);
    const lines = splitLines(this.member(name));
    if (lines.pop()?.length !== 0 || lines.length === 0) {
      throw new Refuted("the log is empty, or its last line is cut", device);
    }
    const { session } = this.facts;
    const records = lines.map((line, seq) =>
      at(device, seq, () => parseInPlace(line, { session, device, seq })),
    );
    this.logs.set(device, { lines, records, leaves: lines.map(leafHash) });
    return at(device, null, () => Note.parse(this.member(checkpoint)));
  }

  sameTree(device: string, checkpoint: Checkpoint): void {
    if (checkpoint.origin !== this.origin(device)) {
      throw new Refuted("the checkpoint is of another log", device);
    }
    const tree = new Frontier().extended(this.log(device).leaves);
    if (tree.size !== checkpoint.size) {
      const why = `${tree.size} records where ${checkpoint.size} were signed`;
      throw new Refuted(why, device);
    }
    if (!equal(tree.root(), checkpoint.root)) {
      const { lines, records } = this.log(device);
      const first = disagreement(lines, records);
      const why = "a record was changed: the root is another";
      throw new Refuted(first === null ? why : `${why}; ${first.why}`, device, first?.record);
    }
  }
}

export function logNames(device: string): readonly [string, string] {
  return [`logs/${device}.jsonl`, `logs/${device}.checkpoint`];
}

/**
 * What refutes a seal of another text than these members give: the first that differs. `text` is
 * what the server did seal, `found` the digest of each member that is no blob, by its name.
 */
export async function sealedOtherwise(
  known: Known,
  text: string,
  found: ReadonlyMap<string, string>,
  share: (done: number) => void,
): Promise<Refuted> {
  const sealed = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, digest, name] = SEALED.exec(line) ?? [];
    if (digest !== undefined && name !== undefined) sealed.set(name, digest);
  }
  const otherMembers = new Refuted("the seal was made for other members than these");
  // A text that names no member is no seal of a bundle: then none was added to it.
  if (sealed.size === 0) return otherMembers;
  for (const name of new Map([...sealed, ...found]).keys()) {
    if (sealed.get(name) === found.get(name)) continue;
    const inLogs = name.startsWith(LOGS);
    const device = inLogs ? name.slice(LOGS.length, name.lastIndexOf(".")) : null;
    if (!found.has(name)) return new Refuted(`${name} is missing`, device);
    const was = sealed.has(name) ? "changed" : "added";
    if (device === null || !name.endsWith(".jsonl")) {
      return new Refuted(`${name} was ${was}`, device);
    }
    return otherLog(known, device, was);
  }
  return (await otherBlob(known, share)) ?? otherMembers;
}

/**
 * What refutes a seal that all members but the blobs fit: the first blob that differs, by the
 * records that name them, in the file's order; then, of those that no record names, by the file's.
 * null if every blob is there as it is named: their order may be another.
 */
async function otherBlob(known: Known, share: (done: number) => void): Promise<Refuted | null> {
  const first = new Map<string, { device: string; seq: number }>(); // which record names it first
  const { session, erased, missing } = known.facts;
  for (const [name, log] of known.container.members) {
    if (!name.endsWith(".jsonl")) continue;
    const device = name.slice(LOGS.length, -".jsonl".length);
    for (const [seq, line] of splitLines(log).entries()) {
      const blob = blobNamed(line, { session, device, seq });
      if (blob !== null && !first.has(blob)) first.set(blob, { device, seq });
    }
  }
  const held = await digestsHeld(known, share);
  const gone = new Set([...erased, ...missing]);
  for (const [digest, { device, seq }] of first) {
    const found = held.get(digest)?.digest;
    if (found === undefined && !gone.has(digest)) {
      return new Refuted(`${BLOBS}${digest} is missing`, device, seq);
    }
    if (found !== undefined && gone.has(digest)) {
      const why = `${BLOBS}${digest} was added: session.json says that it is gone`;
      return new Refuted(why, device, seq);
    }
    if ((found ?? digest) !== digest) return new Refuted(changed(digest), device, seq);
  }
  for (const name of known.container.members.keys()) {
    if (name.startsWith(BLOBS) && !first.has(name.slice(BLOBS.length))) {
      return new Refuted(`${name} was added: no record names it`);
    }
  }
  return null;
}

/**
 * The digest of the blob that a line names, if it is a record in its place and names one: a log
 * that no step has read yet may hold anything.
 */
function blobNamed(line: Bytes, place: Parameters<typeof parseInPlace>[1]): string | null {
  try {
    return parseInPlace(line, place).blob?.sha256 ?? null;
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return null;
  }
}

/** Digest and size of each blob in the file, by the digest it is named for. */
export async function digestsHeld(known: Known, share: (done: number) => void) {
  const inFile = [...known.container.members].filter(([name]) => name.startsWith(BLOBS));
  const held = new Map<string, { digest: string; size: number }>();
  for (let at = 0; at < inFile.length; at += AT_ONCE) {
    share(at / inFile.length);
    const some = inFile.slice(at, at + AT_ONCE).map(async ([name, blob]) => {
      const found = { digest: await digestOf(blob), size: blob.length };
      held.set(name.slice(BLOBS.length), found);
    });
    await Promise.all(some);
  }
  return held;
}

export function changed(digest: string): string {
  return `${BLOBS}${digest} was changed: its SHA-256 is not the one it is named for`;
}

/**
 * What refutes a log of other lines than were sealed, by the first that can be told: one that is no
 * record in its place; or, in a log that was sealed and is changed, one on which it does not agree
 * with itself.
 */
function otherLog(known: Known, device: string, was: "changed" | "added"): Refuted {
  const [name] = logNames(device);
  const why = `${name} was ${was}`;
  const lines = splitLines(known.member(name));
  if (lines.at(-1)?.length === 0) lines.pop();
  const { session } = known.facts;
  const records: RecordLine[] = [];
  for (const [seq, line] of lines.entries()) {
    try {
      records.push(parseInPlace(line, { session, device, seq }));
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      return new Refuted(why, device, seq);
    }
  }
  // In a log that was added no record was changed.
  if (was === "added" || lines.length === 0) return new Refuted(why, device);
  const first = disagreement(lines, records);
  const count = counted(lines.length, "record");
  const which = first?.why ?? `one or more of its ${count}, though each reads as one`;
  return new Refuted(`${why}: ${which}`, device, first?.record);
}

/**
 * The first record of a log that a later submission names by another digest. Either of the two may
 * be the one that was changed: no signature tells.
 */
function disagreement(
  lines: readonly Bytes[],
  records: readonly RecordLine[],
): { why: string; record: number } | null {
  const digestAt = digestsOf(lines);
  let first: { named: number; submission: number } | null = null;
  // In a loop: nothing signed covers these lines, so a stranger may name more than a call takes.
  for (const record of records) {
    if (record.kind !== "submission") continue;
    for (const answer of objectsIn(fact(record, "answers"))) {
      const seq = fact(answer, "seq");
      const named = typeof seq === "number" ? records[seq]?.seq : undefined;
      if (named === undefined || named >= (first?.named ?? record.seq)) continue;
      if (digestAt(named) !== fact(answer, "sha256")) first = { named, submission: record.seq };
    }
  }
  if (first === null) return null;
  const { named, submission } = first;
  const why = `record ${named} and the submission at ${submission} do not agree`;
  return { why, record: named };
}

/** What gives a line's SHA-256, in hex, and takes it once however often the line is named. */
export function digestsOf(lines: readonly Bytes[]): (seq: number) => string | null {
  const taken = new Map<number, string>();
  return (seq) => {
    const line = lines[seq];
    if (line === undefined) return null;
    const digest = taken.get(seq) ?? hex(sha256(line));
    taken.set(seq, digest);
    return digest;
  };
}

/** A number of things, in words: "1 device", "2 devices". */
export function counted(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}

/** POSIX seconds as ISO 8601 has them, in UTC. */
export function dateOf(at_s: bigint): string {
  if (at_s >= YEAR_10000_S) return `${at_s} s after 1970`;
  return new Date(Number(at_s) * 1000).toISOString().replace(".000Z", "Z");
}

/** The server's log says something wrong. */
export function saidWrong(why: string, record: RecordLine): Refuted {
  return new Refuted(why, SERVER_DEVICE, record.seq);
}

/** A fact, null where there is none. */
export function fact(of: RecordLine | ReadonlyMap<string, Json>, key: string): Json {
  return ("facts" in of ? of.facts : of).get(key) ?? null;
}

/** The objects in a list; none where it is no list. */
export function objectsIn(value: Json): ReadonlyMap<string, Json>[] {
  return Array.isArray(value) ? value.filter((each) => each instanceof Map) : [];
}

/** The strings in a list; none where it is no list. */
export function textsIn(value: Json): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** Whether a value says nothing: null, false, 0, or an empty text, list or object. */
export function isEmpty(value: Json): boolean {
  if (value instanceof Map) return value.size === 0;
  if (value instanceof Fraction) return value.value === 0;
  return Array.isArray(value) ? value.length === 0 : !value;
}

/**
 * Whether two values are equal as Python compares them: by value and depth, in any order of keys,
 * and `true` is 1. What one verifier takes for the same, the other must.
 */
export function same(one: Json, other: Json): boolean {
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, value]) => {
      const found = other.get(key);
      return found !== undefined && same(value, found);
    });
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => same(each, other[index]));
  }
  return plain(one) === plain(other);
}

function plain(value: Json): Json {
  if (value instanceof Fraction) return value.value;
  return typeof value === "boolean" ? Number(value) : value;
}

function at<Value>(device: string, seq: number | null, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    throw new Refuted(error.message, device, seq);
  }
}

/** What an earlier step has put there. */
function there<Value>(value: Value | null): Value {
  if (value === null) throw new TypeError("a step was taken before those it rests on");
  return value;
}
