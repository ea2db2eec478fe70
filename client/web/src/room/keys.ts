/**
 * The key that signs this browser's log: Ed25519, or P-256 where the browser has none; not
 * extractable, made once for each join link and kept in IndexedDB, where it stays whatever is copied
 * elsewhere.
 */

import { utf8 } from "../evidence/bytes";
import { SigningKey } from "../evidence/key";
import { digestOf } from "../evidence/sha256";
import type { Database, Linked } from "./spool";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH = 8;

/** The browser can't sign: it has no WebCrypto here, such as on a page that did not come over https. */
export class NoCrypto extends Error {
  override readonly name = "NoCrypto";
}

/** The name under which a join link's things are kept; the token can't be read from it. */
export async function linkOf(token: string): Promise<string> {
  // WebCrypto is there in secure contexts alone.
  if (!globalThis.isSecureContext && globalThis.crypto?.subtle === undefined) throw new NoCrypto();
  return digestOf(utf8(token));
}

/** What is kept under a link; a device with a new key, if nothing is. Throws NoCrypto. */
export async function linked(database: Database, link: string): Promise<Linked> {
  const found = await database.get("links", link);
  if (found !== undefined) return found;
  const device = deviceName(crypto.getRandomValues(new Uint8Array(64)));
  const { pair } = await newKey(device);
  const made: Linked = { device, pair, answer: null, deviceToken: "" };
  // Kept before it is used: if the answer to joining is lost, the same key must join again. And two
  // tabs that open the link at once must come to the same key.
  const tx = database.transaction("links", "readwrite", { durability: "strict" });
  const meanwhile = await tx.store.get(link);
  if (meanwhile === undefined) await tx.store.put(made, link);
  await tx.done;
  return meanwhile ?? made;
}

/** "d_web" and 8 letters or digits; each of 36 is as likely. */
export function deviceName(random: Uint8Array): string {
  // What would make the first letters likelier is left out: 64 bytes are enough but for 1 in 10^60.
  const fair = [...random].filter((byte) => byte < 256 - (256 % LETTERS.length));
  const letters = fair.slice(0, LENGTH).map((byte) => LETTERS[byte % LETTERS.length]);
  return `d_web${letters.join("")}`;
}

async function newKey(device: string): Promise<SigningKey> {
  try {
    return await SigningKey.generate(device);
  } catch (error) {
    throw new NoCrypto(String(error));
  }
}
