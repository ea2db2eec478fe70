/**
 * A record: one line of JSON, exactly as its writer wrote it.
 *
 *     {"v":1,"session":"s_7Q2M","device":"d_web1","seq":41,"at_ms":1795284000123,"kind":"snapshot",
 *      "blob":{"sha256":"9f…","type":"image/jpeg","size":40213}, …}    (one line)
 *
 * The line is what is hashed, signed, stored and exported. It is parsed after it is verified and
 * never encoded again. The twin of `proctor/evidence/record.py`.
 */

import { fromUtf8, utf8, type Bytes } from "./bytes";
import { MalformedRecord, OutOfPlace } from "./errors";
import { entriesOf, NoJson, readStrictly, write, type Json, type Writable } from "./json";

export const MAX_RECORD_BYTES = 65_536;
export const MAX_BLOB_BYTES = 4 * 1024 * 1024;
export const SERVER_DEVICE = "server";

export const DEVICE_KINDS = [
  "hello", // key, client version, system report, digest of the policy accepted
  "snapshot", // a webcam still: blob and purpose (periodic, face, document)
  "answer", // section, item, response
  "focus", // the learner left for another page or program: where, for how long
  "notice", // camera lost, second display, program seen
  "gap", // capture or contact was impossible: cause, from, to
  "beat", // size and root of the server's log last seen
  "message",
  "submission", // seq and digest of each final answer
] as const;

export const SERVER_KINDS = [
  "opened", // exam, policy and their digests
  "device", // a device was admitted: its key
  "id-check",
  "state", // the session's state moved: event, by whom, why
  "section", // a section was opened or closed
  "time", // an entry of the time ledger
  "flag",
  "verdict",
  "fork", // a device signed two histories of one size
  "erased", // pictures destroyed, by digest
] as const;

export type DeviceKind = (typeof DEVICE_KINDS)[number];
export type ServerKind = (typeof SERVER_KINDS)[number];
export type Kind = DeviceKind | ServerKind;

/** A blob that a record names. */
export interface BlobRef {
  readonly sha256: string;
  readonly type: string;
  readonly size: number;
}

/** A parsed line. `facts` holds the keys that belong to its kind. */
export interface RecordLine {
  readonly session: string;
  readonly device: string;
  readonly seq: number;
  readonly at_ms: number;
  readonly kind: Kind;
  readonly blob: BlobRef | null;
  readonly facts: ReadonlyMap<string, Json>;
}

/** Where a record stands: which log, and which line of it, from 0. */
export interface Place {
  readonly session: string;
  readonly device: string;
  readonly seq: number;
}

const ID = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}";
const COUNT = "0|[1-9][0-9]{0,15}";
const MEDIA_TYPE = "[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}";
const HEAD = new RegExp(
  `^\\{"v":1,"session":"(${ID})","device":"(${ID})","seq":(${COUNT}),"at_ms":(${COUNT})` +
    ',"kind":"([a-z-]{1,32})"' +
    `(?:,"blob":\\{"sha256":"([0-9a-f]{64})","type":"(${MEDIA_TYPE})","size":(${COUNT})\\})?` +
    "(?=[,}])",
);
const HEAD_KEYS = ["v", "session", "device", "seq", "at_ms", "kind", "blob"];
const SHA256 = /^[0-9a-f]{64}$/;
const [NEWLINE, RETURN] = [0x0a, 0x0d];

/**
 * The line of a new record, without a newline: byte for byte what Python's `encode` writes.
 *
 * Whole numbers only: what a fact measures in fractions is written in a smaller unit.
 *
 * Throws MalformedRecord: the facts make no valid record, such as one over 64 KiB.
 */
export function encode(
  record: Place & {
    at_ms: number;
    kind: Kind;
    facts: ReadonlyMap<string, Writable> | { readonly [key: string]: Writable };
    blob?: BlobRef | null;
  },
): Bytes {
  const { session, device, seq, at_ms, kind, facts, blob } = record;
  const head: [string, Writable][] = [
    ["v", 1],
    ["session", session],
    ["device", device],
    ["seq", seq],
    ["at_ms", at_ms],
    ["kind", kind],
  ];
  if (blob) head.push(["blob", { sha256: blob.sha256, type: blob.type, size: blob.size }]);
  let line: Bytes;
  try {
    const fields = entriesOf(facts);
    if (fields.some(([key]) => HEAD_KEYS.includes(key))) {
      throw new MalformedRecord("facts with a key of the head");
    }
    line = utf8(write(new Map([...head, ...fields])));
  } catch (error) {
    if (!(error instanceof NoJson)) throw error;
    throw new MalformedRecord(`facts that are no JSON: ${error.message}`);
  }
  parse(line);
  return line;
}

/**
 * What a line says.
 *
 * Throws MalformedRecord: it is no record of version 1, or over 64 KiB.
 */
export function parse(line: Uint8Array): RecordLine {
  if (line.length > MAX_RECORD_BYTES) {
    throw new MalformedRecord(`a record of ${line.length} bytes; ${MAX_RECORD_BYTES} at the most`);
  }
  if (line.includes(NEWLINE) || line.includes(RETURN)) {
    throw new MalformedRecord("a line break inside a record");
  }
  const text = fromUtf8(line);
  if (text === null) throw new MalformedRecord("not UTF-8");
  const head = HEAD.exec(text);
  if (head === null) {
    throw new MalformedRecord("it does not begin as a record of version 1 does");
  }
  const [whole, session = "", device = "", seq, at_ms, name = "", ...named] = head;
  const place = { session, device, seq: Number(seq), at_ms: Number(at_ms) };
  if (!isKind(name) || ![place.seq, place.at_ms].every(Number.isSafeInteger)) {
    throw new MalformedRecord("its kind, seq or at_ms is none of version 1");
  }
  if (isServerKind(name) !== (device === SERVER_DEVICE)) {
    throw new MalformedRecord(`${device} can't write a record of kind ${name}`);
  }
  return { ...place, kind: name, blob: blobOf(named), facts: factsOf(text, whole.length) };
}

/**
 * What a line says, at the place in the log where it was found.
 *
 * Throws MalformedRecord: as `parse`. OutOfPlace: it is of another session, device or place.
 */
export function parseInPlace(line: Uint8Array, place: Place): RecordLine {
  const record = parse(line);
  const { session, device, seq } = place;
  if (record.session !== session || record.device !== device || record.seq !== seq) {
    const found = `${record.session}/${record.device} ${record.seq}`;
    throw new OutOfPlace(`found ${found} where ${session}/${device} ${seq} belongs`);
  }
  return record;
}

/** Whether a value is a digest as records write it: 64 lower-case hex digits. */
export function isSha256(value: unknown): value is string {
  return typeof value === "string" && SHA256.test(value);
}

function isServerKind(name: string): name is ServerKind {
  return SERVER_KINDS.some((kind) => kind === name);
}

function isKind(name: string): name is Kind {
  return isServerKind(name) || DEVICE_KINDS.some((kind) => kind === name);
}

function blobOf([sha256, type, digits]: (string | undefined)[]): BlobRef | null {
  if (sha256 === undefined || type === undefined) return null;
  const size = Number(digits);
  if (size > MAX_BLOB_BYTES) {
    throw new MalformedRecord(`a blob of ${size} bytes; ${MAX_BLOB_BYTES} at the most`);
  }
  return { sha256, type, size };
}

/** The keys after the head, which ends before `at`. */
function factsOf(text: string, at: number): ReadonlyMap<string, Json> {
  const more = text[at] === ",";
  let facts: Json;
  try {
    facts = readStrictly("{" + text.slice(more ? at + 1 : at));
  } catch (error) {
    if (!(error instanceof NoJson)) throw error;
    throw new MalformedRecord(`no JSON object alone on its line: ${error.message}`);
  }
  // A text that begins with a brace is an object or has been refused.
  const fields = facts as ReadonlyMap<string, Json>;
  if (more !== fields.size > 0) throw new MalformedRecord("a comma with no key after it");
  if (HEAD_KEYS.some((key) => fields.has(key))) {
    throw new MalformedRecord("a key of the head stands twice");
  }
  return fields;
}
