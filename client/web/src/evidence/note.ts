/**
 * Checkpoints and the signed notes around them.
 *
 *     proctor.example/sds-2026/s_7Q2M/d_web1      origin: server, exam, session, device
 *     42                                          how many records
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root of the tree over them
 *
 *     — d_web1 Az3grl…                            the device's line
 *     — proctor.example wzB6q9…                   the server's line, with its time: the receipt
 *
 * A device signs the text itself (signature type 0x01). A server signs nothing but cosignatures
 * (type 0x04), which are only read here. Notes are UTF-8, so their text is kept as a string. With
 * `key.ts` the twin of `proctor/evidence/note.py`.
 *
 * Source: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.
 */

import { base64, concat, equal, fromUtf8, hex, utf8, type Bytes } from "./bytes";
import { BadSignature, MalformedNote, WrongOrigin } from "./errors";
import { KEY_ID_BYTES, isDeviceKind, KeyKind, NAME, unbase64, type SigningKey, type VerifierKey } from "./key";
import { HASH_BYTES, MAX_SIZE } from "./tree";

export const MAX_NOTE_BYTES = 4096;
export const MAX_TIME_S = 2n ** 63n - 1n;
const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;
const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}$/;
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;
const DASH = "— ";
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
/** A statement of how long a log is and what its tree's root is. */
export class Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;

  constructor(origin: string, size: number, root: Bytes) {
    this.origin = origin;
    this.size = size;
    this.root = root;
  }

  /** The note text that is signed. */
  text(): string {
    return `${this.origin}\n${this.size}\n${base64(this.root)}\n`;
  }

  /**
   * The checkpoint of a note's text, which must be exactly what `text` writes.
   *
   * Throws MalformedNote: it is anything else.
   */
  static parse(text: string): Checkpoint {
    const [origin = "", digits = "", encoded = "", end, ...more] = text.split("\n");
    const size = Number(digits);
    const known = ORIGIN.test(origin) && SIZE.test(digits) && size <= MAX_SIZE;
    if (end !== "" || more.length > 0 || !known) throw notCheckpoint();
    const root = unbase64(encoded);
    if (root.length !== HASH_BYTES) throw notCheckpoint();
    return new Checkpoint(origin, size, root);
  }
}

/** One line below a note: who signed, with which key, and what. */
export interface SignatureLine {
  readonly name: string;
  readonly keyId: Bytes;
  readonly signature: Bytes;
}

/** A text and the signature lines below it. Nothing is verified yet. */
export class Note {
  readonly text: string;
  readonly signatures: readonly SignatureLine[];

  constructor(text: string, signatures: readonly SignatureLine[]) {
    this.text = text;
    this.signatures = signatures;
  }

  encode(): Bytes {
    const lines = this.signatures.map(
      ({ name, keyId, signature }) => `${DASH}${name} ${base64(concat([keyId, signature]))}\n`,
    );
    return utf8(`${this.text}\n${lines.join("")}`);
  }

  /**
   * The note in `data`, which must be exactly what `encode` writes.
   *
   * Throws MalformedNote: it is anything else.
   */
  static parse(data: Uint8Array): Note {
    if (data.length > MAX_NOTE_BYTES) {
      throw new MalformedNote(`a note of ${data.length} bytes; ${MAX_NOTE_BYTES} at the most`);
    }
    const whole = fromUtf8(data);
    if (whole === null) throw new MalformedNote("a note is UTF-8");
    if (CONTROL.test(whole)) throw new MalformedNote("a control character in a note");
    const blank = whole.lastIndexOf("\n\n");
    const below = whole.slice(blank + 2);
    if (blank < 0 || !below.endsWith("\n")) {
      throw new MalformedNote("a note is a text, a blank line and signature lines");
    }
    return new Note(whole.slice(0, blank + 1), below.slice(0, -1).split("\n").map(signatureLine));
  }

  /**
   * The line that claims to be made with `key`.
   *
   * Throws BadSignature: there is none.
   */
  lineOf(key: VerifierKey): SignatureLine {
    const line = this.signatures.find(
      ({ name, keyId }) => name === key.name && equal(keyId, key.keyId),
    );
    if (line === undefined) throw new BadSignature(`no signature by ${key.name}`);
    return line;
  }
}

/** The note of a checkpoint, signed by the device whose log it is. */
export async function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): Promise<Bytes> {
  const text = checkpoint.text();
  const { name, keyId } = key.verifier;
  return new Note(text, [{ name, keyId, signature: await key.sign(utf8(text)) }]).encode();
}

/**
 * Verifies the device's line and returns the checkpoint.
 *
 * Throws BadSignature: the line is missing or not the device's. MalformedNote: the text is no
 * checkpoint. WrongOrigin: it is a checkpoint of another log.
 */
export async function openCheckpoint(
  note: Note,
  { key, origin }: { key: VerifierKey; origin: string },
): Promise<Checkpoint> {
  const { signature } = note.lineOf(key);
  if (!isDeviceKind(key.kind)) {
    throw new BadSignature(`not a device's signature by ${key.name}`);
  }
  await key.verify(signature, utf8(note.text));
  const checkpoint = Checkpoint.parse(note.text);
  if (checkpoint.origin !== origin) {
    throw new WrongOrigin(`a checkpoint of ${checkpoint.origin}, not of ${origin}`);
  }
  return checkpoint;
}

/** Whether two opened checkpoints of one log tell two histories of the same size. */
export function isFork(one: Checkpoint, other: Checkpoint): boolean {
  const samePlace = one.origin === other.origin && one.size === other.size;
  return samePlace && !equal(one.root, other.root);
}

/**
 * Verifies the server's line and returns its time, POSIX seconds: 63 bits of them.
 *
 * Throws BadSignature: the line is missing or not the server's.
 */
export async function openCosignature(note: Note, key: VerifierKey): Promise<bigint> {
  const at_s = cosignedAt(note, key);
  const timed = utf8(`cosignature/v1\ntime ${at_s}\n${note.text}`);
  await key.verify(note.lineOf(key).signature.slice(TIME_BYTES), timed);
  return at_s;
}

/**
 * The time that the server's line says, POSIX seconds, unverified.
 *
 * Throws BadSignature: the line is missing or no cosignature.
 */
export function cosignedAt(note: Note, key: VerifierKey): bigint {
  const { signature } = note.lineOf(key);
  if (key.kind !== KeyKind.COSIGNATURE || signature.length !== TIME_BYTES + SIGNATURE_BYTES) {
    throw new BadSignature(`not a cosignature by ${key.name}`);
  }
  const at_s = BigInt(`0x${hex(signature.subarray(0, TIME_BYTES))}`);
  if (at_s > MAX_TIME_S) throw new BadSignature(`no time is ${at_s} s`);
  return at_s;
}

/** The origin line of one device's log. */
export function originOf(log: {
  server: string;
  exam: string;
  session: string;
  device: string;
}): string {
  return `${log.server}/${log.exam}/${log.session}/${log.device}`;
}

/**
 * Refuses a note that bears other lines than one by each key, in this order.
 *
 * A stranger's line proves nothing, and room for one is room to smuggle bytes in.
 *
 * Throws BadSignature: the lines differ.
 */
export function onlySignedBy(note: Note, keys: readonly VerifierKey[]): void {
  const [found, expected] = [note.signatures, keys].map((each) =>
    each.map(({ keyId }) => hex(keyId)).join(" "),
  );
  if (found !== expected) throw new BadSignature("signature lines are not those expected");
}

function notCheckpoint(): MalformedNote {
  return new MalformedNote("a checkpoint is origin, size and root, a line each");
}

function signatureLine(line: string): SignatureLine {
  const rest = line.slice(DASH.length);
  const cut = rest.lastIndexOf(" ");
  const name = rest.slice(0, Math.max(cut, 0));
  const raw = unbase64(rest.slice(cut + 1));
  if (!line.startsWith(DASH) || !NAME.test(name) || raw.length <= KEY_ID_BYTES) {
    throw new MalformedNote("a signature line is dash, name and base64");
  }
  return { name, keyId: raw.slice(0, KEY_ID_BYTES), signature: raw.slice(KEY_ID_BYTES) };
}
