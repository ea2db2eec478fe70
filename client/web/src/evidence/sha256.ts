/**
 * SHA-256, at once or by the browser.
 *
 * A tree is thousands of hashes of a hundred bytes, each over the ones before. WebCrypto answers
 * each after a turn of the event loop, which takes longer than the hash itself (Node: ten times as
 * long) and makes every function above it asynchronous; so the tree has a SHA-256 of its own.
 * Pictures go to WebCrypto, which hashes them several times as fast, and on other threads.
 *
 * Source: FIPS 180-4 sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.
 */

import { hex, type Bytes } from "./bytes";

const K = Uint32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
const START = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
const BLOCK = 64;
// Room for one hash at a time: nothing here waits, so no two calls ever share it.
const schedule = new Uint32Array(64);
const state = new Uint32Array(8);
const tail = new Uint8Array(2 * BLOCK);

/** SHA-256 of `data`, 32 bytes, at once: for records, nodes and keys. */
export function sha256(data: Uint8Array): Bytes {
  state.set(START);
  const whole = data.length - (data.length % BLOCK);
  for (let at = 0; at < whole; at += BLOCK) compress(data, at);
  // The end: what is left, a 1 bit, zeros, and the length in bits as 64, big endian.
  tail.fill(0);
  tail.set(data.subarray(whole));
  tail[data.length - whole] = 0x80;
  const end = data.length - whole + 9 > BLOCK ? 2 * BLOCK : BLOCK;
  const view = new DataView(tail.buffer);
  view.setUint32(end - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(end - 4, (data.length * 8) % 2 ** 32);
  for (let at = 0; at < end; at += BLOCK) compress(tail, at);
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (let at = 0; at < 8; at += 1) out.setUint32(4 * at, word(state, at));
  return digest;
}

/** SHA-256 in hex by WebCrypto: for pictures and whole logs. */
export async function digestOf(blob: Bytes): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", blob)));
}

/** An element that is there. */
function word(words: Uint8Array | Uint32Array, at: number): number {
  return words[at] as number;
}

function compress(data: Uint8Array, from: number): void {
  for (let t = 0; t < 16; t += 1) {
    const at = from + 4 * t;
    schedule[t] =
      (word(data, at) << 24) |
      (word(data, at + 1) << 16) |
      (word(data, at + 2) << 8) |
      word(data, at + 3);
  }
  for (let t = 16; t < 64; t += 1) {
    const w15 = word(schedule, t - 15);
    const w2 = word(schedule, t - 2);
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    schedule[t] = (word(schedule, t - 16) + s0 + word(schedule, t - 7) + s1) | 0;
  }
  let a = word(state, 0) | 0;
  let b = word(state, 1) | 0;
  let c = word(state, 2) | 0;
  let d = word(state, 3) | 0;
  let e = word(state, 4) | 0;
  let f = word(state, 5) | 0;
  let g = word(state, 6) | 0;
  let h = word(state, 7) | 0;
  for (let t = 0; t < 64; t += 1) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + word(K, t) + word(schedule, t)) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = word(state, 0) + a;
  state[1] = word(state, 1) + b;
  state[2] = word(state, 2) + c;
  state[3] = word(state, 3) + d;
  state[4] = word(state, 4) + e;
  state[5] = word(state, 5) + f;
  state[6] = word(state, 6) + g;
  state[7] = word(state, 7) + h;
}
