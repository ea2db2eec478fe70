/** Bytes and their spellings: UTF-8, hex and base64, each with one spelling for each value. */

/** What WebCrypto takes: bytes that no other thread can change meanwhile. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();
// A byte order mark is a character like any other here: dropped, it would be a byte that is free.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Text without lone surrogates; they would come out as U+FFFD. */
export function utf8(text: string): Bytes {
  return ENCODER.encode(text);
}

/** The text, or null where the bytes are no UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/** A character for each byte, as Latin-1 has them. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** The bytes of lower-case hex, or null. */
export function fromHex(text: string): Bytes | null {
  if (text.length % 2 === 1 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) =>
    parseInt(text.slice(2 * at, 2 * at + 2), 16),
  );
}

/** RFC 4648 section 4, padded. */
export function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes));
}

/** The bytes of base64 in the one spelling that `base64` writes, or null. */
export function fromBase64(text: string): Bytes | null {
  let raw: string;
  try {
    raw = atob(text);
  } catch {
    return null;
  }
  // atob alone takes blanks, stray low bits and missing padding.
  if (btoa(raw) !== text) return null;
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The parts between newlines: one more than there are newlines. Views, not copies. */
export function splitLines(bytes: Bytes): Bytes[] {
  const parts: Bytes[] = [];
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    parts.push(bytes.subarray(from, at));
    from = at + 1;
  }
  parts.push(bytes.subarray(from));
  return parts;
}
