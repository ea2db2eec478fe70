/**
 * The keys that sign notes, and those that verify them: Ed25519, by the browser; where it has none,
 * P-256.
 *
 *     d_web1+f4b2f7e7+AeRrflBXyTbAeVliTGUG8e21O3f/O8h9KCUwSXWS89MQ      name, key ID, type and key
 *
 * With `note.ts` the twin of `proctor/evidence/note.py`. Source: c2sp.org/signed-note.
 */

import { base64, concat, fromBase64, fromHex, hex, utf8, type Bytes } from "./bytes";
import { BadSignature, MalformedNote } from "./errors";
import { sha256 } from "./sha256";

export const KEY_ID_BYTES = 4;
/** A key's name: ASCII without blank and plus. */
export const NAME = /^[!-*,-~]{1,255}$/;
const KEY_BYTES = 32;
const FIELD = 2n ** 255n - 19n;
// The y coordinates of the points of order 1, 2, 4 and 8 on Curve25519's Edwards form.
const SMALL_ORDER_YS: readonly bigint[] = [
  1n,
  FIELD - 1n,
  0n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];

// What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480).
const P256_SPKI = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
const P256_KEY_BYTES = 91;
const P256_POINT_AT = P256_KEY_BYTES - 65;
// FIPS 186-5 and SP 800-186: the field, the curve's b, the order of its base point.
const P256_FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const P256_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;
const NUMBER_BYTES = 32;

/** Signature types of c2sp.org/signed-note. */
export const KeyKind = { ED25519: 0x01, P256: 0x02, COSIGNATURE: 0x04 } as const;
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

/** Whether devices sign with this kind. */
export function isDeviceKind(kind: KeyKind): boolean {
  return kind === KeyKind.ED25519 || kind === KeyKind.P256;
}

/** A public key and who it belongs to: enough to verify, nothing to sign with. */
export class VerifierKey {
  readonly name: string;
  readonly kind: KeyKind;
  readonly public: Bytes;
  /** The first 4 bytes of SHA-256 over name, newline, type and key. */
  readonly keyId: Bytes;
  #key: Promise<CryptoKey> | null = null;

  /** Throws MalformedNote: no key name, or no key of that kind that only its holder can sign with. */
  constructor(name: string, kind: KeyKind, raw: Bytes) {
    if (!NAME.test(name)) throw new MalformedNote(`no key name: '${name}'`);
    if (kind === KeyKind.P256) refuseNoPoint(name, raw);
    else refuseWeak(name, raw);
    this.name = name;
    this.kind = kind;
    this.public = raw;
    const named = concat([utf8(`${name}\n`), Uint8Array.of(kind), raw]);
    this.keyId = sha256(kind === KeyKind.P256 ? raw : named).slice(0, KEY_ID_BYTES);
  }

  /**
   * Verifies a bare signature: 64 bytes of Ed25519, or DER of P-256 with the lower s.
   *
   * Throws BadSignature: this key did not make it.
   */
  async verify(signature: Bytes, message: Bytes): Promise<void> {
    const byP256 = this.kind === KeyKind.P256;
    const bare = byP256 ? numbersOf(signature) : signature;
    if (bare === null) throw new BadSignature(`not signed by ${this.name}`);
    this.#key ??= byP256
      ? crypto.subtle.importKey("spki", this.public, P256, true, ["verify"])
      : crypto.subtle.importKey("raw", this.public, "Ed25519", true, ["verify"]);
    let holds: boolean;
    try {
      const how = byP256 ? P256_SHA256 : "Ed25519";
      holds = await crypto.subtle.verify(how, await this.#key, bare, message);
    } catch (error) {
      // Some browsers look for the point on the curve when they import a key, others when they
      // use it. A browser without Ed25519 is another matter, and is not for us to word.
      if (!(error instanceof DOMException) || error.name === "NotSupportedError") throw error;
      holds = false;
    }
    if (!holds) throw new BadSignature(`not signed by ${this.name}`);
  }

  /** The key in the `name+hash+base64` form of c2sp.org/signed-note. */
  encode(): string {
    const key = base64(concat([Uint8Array.of(this.kind), this.public]));
    return `${this.name}+${hex(this.keyId)}+${key}`;
  }

  /**
   * The key that `encode` wrote.
   *
   * Throws MalformedNote: it is no key, or its hash is not that of its name and bytes.
   */
  static parse(text: string): VerifierKey {
    // The key is base64, in which a plus is a digit: only the first two separate.
    const [name, hash, ...rest] = text.split("+");
    if (name === undefined || hash === undefined || rest.length === 0) {
      throw new MalformedNote("a key is name+hash+base64");
    }
    const raw = unbase64(rest.join("+"));
    const kind = Object.values(KeyKind).find((each) => each === raw[0]);
    if (kind === undefined) throw new MalformedNote("no key of a known type");
    const key = new VerifierKey(name, kind, raw.slice(1));
    if (key.encode() !== text) {
      throw new MalformedNote("the key's hash is not that of its name and bytes");
    }
    return key;
  }
}

/** A device's key pair. Nobody can read the private half out, this page included. */
export class SigningKey {
  readonly verifier: VerifierKey;
  /** What goes into IndexedDB, as it is: the key survives a reload and leaves no copy elsewhere. */
  readonly pair: CryptoKeyPair;

  private constructor(verifier: VerifierKey, pair: CryptoKeyPair) {
    this.verifier = verifier;
    this.pair = pair;
  }

  /** A new key of a device: Ed25519, or P-256 where the browser has no Ed25519. */
  static async generate(device: string): Promise<SigningKey> {
    const uses = ["sign", "verify"] as const;
    let pair: CryptoKeyPair;
    try {
      pair = await crypto.subtle.generateKey("Ed25519", false, uses);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotSupportedError") throw error;
      pair = await crypto.subtle.generateKey(P256, false, uses);
    }
    return SigningKey.of(device, pair);
  }

  /** The key whose pair was kept. */
  static async of(device: string, pair: CryptoKeyPair): Promise<SigningKey> {
    const byP256 = pair.publicKey.algorithm.name === P256.name;
    const form = byP256 ? "spki" : "raw";
    const bytes = new Uint8Array(await crypto.subtle.exportKey(form, pair.publicKey));
    const kind = byP256 ? KeyKind.P256 : KeyKind.ED25519;
    return new SigningKey(new VerifierKey(device, kind, bytes), pair);
  }

  /** The bare signature: 64 bytes of Ed25519, or DER of P-256 with the lower s. */
  async sign(message: Bytes): Promise<Bytes> {
    const byP256 = this.verifier.kind === KeyKind.P256;
    const how = byP256 ? P256_SHA256 : "Ed25519";
    const made = new Uint8Array(await crypto.subtle.sign(how, this.pair.privateKey, message));
    return byP256 ? derOf(made) : made;
  }
}

/** Throws MalformedNote: no Ed25519 key, or one that others can sign with, too. */
function refuseWeak(name: string, raw: Bytes): void {
  if (raw.length !== KEY_BYTES) throw new MalformedNote(`no Ed25519 key: '${name}'`);
  // Under a key of small order one signature holds for many texts, and anybody can make it:
  // a learner who chose such a key could disown all it signed.
  const y = numberOf(raw.slice().reverse()) & (2n ** 255n - 1n);
  if (y >= FIELD || SMALL_ORDER_YS.includes(y)) {
    throw new MalformedNote(`a weak Ed25519 key: '${name}'`);
  }
}

/** Throws MalformedNote: no P-256 key with its point in full, or no point of the curve. */
function refuseNoPoint(name: string, raw: Bytes): void {
  const head = hex(raw.slice(0, P256_POINT_AT));
  if (raw.length !== P256_KEY_BYTES || head !== P256_SPKI || raw[P256_POINT_AT] !== 4) {
    throw new MalformedNote(`no P-256 key: '${name}'`);
  }
  const x = numberOf(raw.slice(P256_POINT_AT + 1, P256_POINT_AT + 1 + NUMBER_BYTES));
  const y = numberOf(raw.slice(P256_POINT_AT + 1 + NUMBER_BYTES));
  const onCurve = (y * y - (x * x * x - 3n * x + P256_B)) % P256_FIELD === 0n;
  if (x >= P256_FIELD || y >= P256_FIELD || !onCurve) {
    throw new MalformedNote(`no point of P-256: '${name}'`);
  }
}

/** The DER of a P-256 signature's two numbers, 64 bytes, with the lower of the two s that hold. */
function derOf(bare: Bytes): Bytes {
  const r = numberOf(bare.slice(0, NUMBER_BYTES));
  const s = numberOf(bare.slice(NUMBER_BYTES));
  return der(r, 2n * s > P256_ORDER ? P256_ORDER - s : s);
}

function der(r: bigint, s: bigint): Bytes {
  const parts = [r, s].map((number) => {
    // A number whose first bit is set would be a negative one.
    const digits = number.toString(16);
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    const bytes = Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    const signed = (bytes[0] ?? 0) >= 0x80 ? concat([Uint8Array.of(0), bytes]) : bytes;
    return concat([Uint8Array.of(2, signed.length), signed]);
  });
  const body = concat(parts);
  return concat([Uint8Array.of(0x30, body.length), body]);
}

/** The two numbers of a P-256 signature, 64 bytes; null where it is spelt in any other way. */
function numbersOf(signature: Bytes): Bytes | null {
  const length = signature[3] ?? 0;
  const r = numberOf(signature.slice(4, 4 + length));
  const s = numberOf(signature.slice(6 + length));
  const bound = r > 0n && r < P256_ORDER && s > 0n && 2n * s <= P256_ORDER;
  // Whatever the bytes are: they are what these numbers are written as, or they are refused.
  if (!bound || hex(der(r, s)) !== hex(signature)) return null;
  const digits = [r, s].map((number) => number.toString(16).padStart(2 * NUMBER_BYTES, "0"));
  return fromHex(digits.join(""));
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes)}`);
}

/** The bytes of canonical base64. Throws MalformedNote: it is anything else. */
export function unbase64(text: string): Bytes {
  const raw = fromBase64(text);
  if (raw === null) throw new MalformedNote("not canonical base64");
  return raw;
}
