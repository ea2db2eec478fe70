/**
 * A bundle: all evidence of one session in one file.
 *
 *     session.json                facts and keys (`Facts`)
 *     policy.json                 the resolved policy; its SHA-256 is the policy digest
 *     logs/server.jsonl           the server's own log, a record a line
 *     logs/server.checkpoint      its length and root, signed by the server
 *     logs/<device>.jsonl         each device's log
 *     logs/<device>.checkpoint    signed by the device, cosigned by the server: the last receipt
 *     blobs/<sha256>              snapshots, documents and files, named by their digest
 *     seal                        the server's signature over all of the above
 *
 * The file is a zip whose members are stored, not compressed, and whose every header byte follows
 * from names, sizes and contents. Read only: the server makes them. The twin of
 * `proctor/evidence/bundle.py`.
 */

import { concat, equal, fromUtf8, hex, latin1, utf8, type Bytes } from "./bytes";
import { MalformedBundle } from "./errors";
import { NoJson, readStrictly, type Json } from "./json";
import { sha256 } from "./sha256";

export const [SESSION, POLICY, SEAL] = ["session.json", "policy.json", "seal"] as const;
export const [LOGS, BLOBS] = ["logs/", "blobs/"] as const;
export const MAX_BUNDLE_BYTES = 2 ** 32 - 2 ** 20;
const NAME = new RegExp(
  "^(?:session\\.json|policy\\.json|seal|blobs/[0-9a-f]{64}" +
    "|logs/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\\.(?:jsonl|checkpoint))$",
);
// Little endian, as the spec lists the fields.
const [ENTRY_BYTES, END_BYTES] = [46, 22];
const VERSION = 20;
const MADE_BY_UNIX = 0x0314;
const DATE = 0x0021; // 1 January 1980, the earliest a zip knows: no time is claimed here
const MODE = 0o100644 * 2 ** 16;

/**
 * What `session.json` holds. Every value is verified against the logs, but for `learner` and
 * `exported_at_ms`, which are the server's word.
 */
export interface Facts {
  readonly server: string;
  readonly server_key: string;
  readonly exam: string;
  readonly exam_sha256: string;
  readonly policy_sha256: string;
  readonly session: string;
  readonly learner: string;
  /** Device to its key. */
  readonly devices: ReadonlyMap<string, string>;
  /** Blobs destroyed by rule, by digest. */
  readonly erased: readonly string[];
  /** Blobs named by a record that never arrived. */
  readonly missing: readonly string[];
  readonly exported_at_ms: number;
}

/** A bundle's members in the file's order, and the digest of the directory before the seal's. */
export interface Container {
  readonly members: ReadonlyMap<string, Bytes>;
  readonly directorySha256: string;
}

/**
 * The facts that stand in `session.json`.
 *
 * Throws MalformedBundle: a key is missing, unknown, twice there or of another type.
 */
export function parseFacts(data: Uint8Array): Facts {
  const fields = fieldsOf(data);
  let read = 0;
  function of<Value extends Json>(name: string, is: (value: Json) => value is Value): Value {
    const value = fields.get(name);
    if (value === undefined) {
      throw new MalformedBundle("session.json has other keys than version 1 has");
    }
    if (!is(value)) {
      throw new MalformedBundle("session.json has a value of another type than version 1 has");
    }
    read += 1;
    return value;
  }
  of("v", isOne);
  const facts: Facts = {
    server: of("server", isText),
    server_key: of("server_key", isText),
    exam: of("exam", isText),
    exam_sha256: of("exam_sha256", isText),
    policy_sha256: of("policy_sha256", isText),
    session: of("session", isText),
    learner: of("learner", isText),
    devices: of("devices", isTexts),
    erased: of("erased", isTextList),
    missing: of("missing", isTextList),
    exported_at_ms: of("exported_at_ms", isWhole),
  };
  if (read !== fields.size) {
    throw new MalformedBundle("session.json has other keys than version 1 has");
  }
  return facts;
}

/**
 * Finds a bundle's members. Contents are not looked at, but for the seal's own checksum.
 *
 * Throws MalformedBundle: the file is not, byte for byte, what the server makes of such members.
 */
export function unpack(data: Bytes): Container {
  const end = data.length - END_BYTES;
  if (end < 0 || data.length > MAX_BUNDLE_BYTES) {
    throw new MalformedBundle(`${data.length} bytes are no bundle`);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [count, length] = [view.getUint16(end + 10, true), view.getUint32(end + 12, true)];
  const start = view.getUint32(end + 16, true);
  if (start + length !== end || !equal(data.subarray(end), endRecord(count, length, start))) {
    throw new MalformedBundle("it does not end as a bundle does: cut short, or no bundle");
  }
  const members = new Map<string, Bytes>();
  let [at, offset] = [start, 0];
  let [name, sealAt, sealCrc] = ["", start, 0];
  while (at < end) {
    if (end - at < ENTRY_BYTES) throw new MalformedBundle("the directory is cut short");
    const [crc, size] = [view.getUint32(at + 16, true), view.getUint32(at + 24, true)];
    const nameEnd = Math.min(at + ENTRY_BYTES + view.getUint16(at + 28, true), end);
    name = latin1(data.subarray(at + ENTRY_BYTES, nameEnd));
    if (!NAME.test(name)) {
      throw new MalformedBundle(`no bundle has a member of this name: '${name}'`);
    }
    if (members.has(name)) throw new MalformedBundle(`a member stands twice: '${name}'`);
    const { local, entry } = headers(name, crc, size, offset);
    const body = offset + local.length;
    if (
      !equal(data.subarray(at, Math.min(at + entry.length, end)), entry) ||
      !equal(data.subarray(offset, body), local)
    ) {
      throw new MalformedBundle(`the headers of ${name} are not those of a bundle`);
    }
    if (body + size > start) throw new MalformedBundle(`${name} is cut short`);
    members.set(name, data.subarray(body, body + size));
    [sealAt, sealCrc] = [at, crc];
    [at, offset] = [at + entry.length, body + size];
  }
  const seal = members.get(SEAL);
  if (offset !== start || members.size !== count || seal === undefined || name !== SEAL) {
    throw new MalformedBundle("members are missing, or bytes stand between them");
  }
  if (crc32(seal) !== sealCrc) throw new MalformedBundle("the seal is damaged");
  return { members, directorySha256: hex(sha256(data.subarray(start, sealAt))) };
}

/**
 * The text the server signs to seal a bundle: `count` members without the seal, SHA-256 of their
 * directory entries, and digest and name of each member that is no blob, in the file's order.
 */
export function sealText(
  facts: Facts,
  said: { count: number; directory: string; digests: readonly (readonly [string, string])[] },
): string {
  const lines = [
    `proctor-bundle/v1 ${facts.server}/${facts.exam}/${facts.session}`,
    `directory ${said.count} ${said.directory}`,
    ...said.digests.map(([digest, name]) => `${digest} ${name}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** CRC-32 as zip files have it. Bit by bit: only the seal is ever checked. */
export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** The local header and the directory entry of a member, names included. */
function headers(name: string, crc: number, size: number, offset: number) {
  const raw = utf8(name);
  const common = concat([
    u16(VERSION, 0, 0, 0, DATE),
    u32(crc, size, size),
    u16(raw.length, 0),
  ]);
  const local = concat([utf8("PK\u0003\u0004"), common, raw]);
  const entry = concat([
    utf8("PK\u0001\u0002"),
    u16(MADE_BY_UNIX),
    common,
    u16(0, 0, 0),
    u32(MODE, offset),
    raw,
  ]);
  return { local, entry };
}

function endRecord(count: number, length: number, start: number): Bytes {
  return concat([utf8("PK\u0005\u0006"), u16(0, 0, count, count), u32(length, start), u16(0)]);
}

function u16(...values: number[]): Bytes {
  return Uint8Array.from(values.flatMap((value) => [value, value >>> 8]));
}

function u32(...values: number[]): Bytes {
  return Uint8Array.from(
    values.flatMap((value) => [value, value >>> 8, value >>> 16, value >>> 24]),
  );
}

function fieldsOf(data: Uint8Array): ReadonlyMap<string, Json> {
  const text = fromUtf8(data);
  if (text === null) throw new MalformedBundle("session.json is no JSON: not UTF-8");
  let fields: Json;
  try {
    fields = readStrictly(text.endsWith("\n") ? text.slice(0, -1) : text);
  } catch (error) {
    if (!(error instanceof NoJson)) throw error;
    throw new MalformedBundle(`session.json is no JSON: ${error.message}`);
  }
  if (!(fields instanceof Map)) {
    throw new MalformedBundle("session.json has other keys than version 1 has");
  }
  return fields;
}

function isOne(value: Json): value is 1 {
  return value === 1;
}

function isWhole(value: Json): value is number {
  return typeof value === "number";
}

function isText(value: Json): value is string {
  return typeof value === "string";
}

function isTextList(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTexts(value: Json): value is ReadonlyMap<string, string> {
  return value instanceof Map && [...value.values()].every(isText);
}
