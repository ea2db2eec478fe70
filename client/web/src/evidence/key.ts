/**
 * The keys that sign notes, and those that verify them: Ed25519, by the browser.
 *
 *     d_web1+f4b2f7e7+AeRrflBXyTbAeVliTGUG8e21O3f/O8h9KCUwSXWS89MQ      name, key ID, type and key
 *
 * With `note.ts` the twin of `proctor/evidence/note.py`. Source: c2sp.org/signed-note.
 */

import { base64, concat, fromBase64, hex, utf8, type Bytes } from "./bytes";
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

/** Signature types of c2sp.org/signed-note. */
export const KeyKind = { ED25519: 0x01, COSIGNATURE: 0x04 } as const;
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

/** A public key and who it belongs to: enough to verify, nothing to sign with. */
export class VerifierKey {
  readonly name: string;
  readonly kind: KeyKind;
  readonly public: Bytes;
  /** The first 4 bytes of SHA-256 over name, newline, type and key. */
  readonly keyId: Bytes;
  #key: Promise<CryptoKey> | null = null;

  /** Throws MalformedNote: no key name, or no Ed25519 key that only its holder can sign with. */
  constructor(name: string, kind: KeyKind, raw: Bytes) {
    if (!NAME.test(name) || raw.length !== KEY_BYTES) {
      throw new MalformedNote(`no key name, or no Ed25519 key: '${name}'`);
    }
    // Under a key of small order one signature holds for many texts, and anybody can make it:
    // a learner who chose such a key could disown all it signed.
    const y = BigInt(`0x${hex(raw.slice().reverse())}`) & (2n ** 255n - 1n);
    if (y >= FIELD || SMALL_ORDER_YS.includes(y)) {
      throw new MalformedNote(`a weak Ed25519 key: '${name}'`);
    }
    this.name = name;
    this.kind = kind;
    this.public = raw;
    const of = concat([utf8(`${name}\n`), Uint8Array.of(kind), raw]);
    this.keyId = sha256(of).slice(0, KEY_ID_BYTES);
  }

  /**
   * Verifies a bare Ed25519 signature (64 bytes).
   *
   * Throws BadSignature: this key did not make it.
   */
  async verify(signature: Bytes, message: Bytes): Promise<void> {
    this.#key ??= crypto.subtle.importKey("raw", this.public, "Ed25519", true, ["verify"]);
    let holds: boolean;
    try {
      holds = await crypto.subtle.verify("Ed25519", await this.#key, signature, message);
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
    if (raw.length !== 1 + KEY_BYTES || kind === undefined) {
      throw new MalformedNote("no Ed25519 key of a known type");
    }
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

  /** A new key of a device. Rejects with NotSupportedError where the browser has no Ed25519. */
  static async generate(device: string): Promise<SigningKey> {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return SigningKey.of(device, pair);
  }

  /** The key whose pair was kept. */
  static async of(device: string, pair: CryptoKeyPair): Promise<SigningKey> {
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return new SigningKey(new VerifierKey(device, KeyKind.ED25519, raw), pair);
  }

  /** The bare Ed25519 signature, 64 bytes. */
  async sign(message: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.pair.privateKey, message));
  }
}

/** The bytes of canonical base64. Throws MalformedNote: it is anything else. */
export function unbase64(text: string): Bytes {
  const raw = fromBase64(text);
  if (raw === null) throw new MalformedNote("not canonical base64");
  return raw;
}
