/**
 * The Merkle tree of RFC 6962, grown one leaf at a time: the twin of `proctor/evidence/tree.py`.
 *
 * Sizes reach 2^48, where JavaScript's bit operators know 32 bits: hence `odd` and `half`.
 *
 * Source: RFC 6962 section 2.1 (hashes, proofs), RFC 9162 section 2.1 (how proofs are verified).
 */

import { concat, equal, type Bytes } from "./bytes";
import { Inconsistent } from "./errors";
import { sha256 } from "./sha256";

export const HASH_BYTES = 32;
export const EMPTY_ROOT = sha256(new Uint8Array());
/** Leaves of a tree, at the most. */
export const MAX_SIZE = 2 ** 48;

/** The hash of a leaf that holds `data`. */
export function leafHash(data: Uint8Array): Bytes {
  const whole = new Uint8Array(1 + data.length);
  whole.set(data, 1);
  return sha256(whole);
}

/** The hash of the node above `left` and `right`. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  const whole = new Uint8Array(1 + left.length + right.length);
  whole[0] = 1;
  whole.set(left, 1);
  whole.set(right, 1 + left.length);
  return sha256(whole);
}

/** The right edge of a tree: the roots of its perfect subtrees, largest first. */
export class Frontier {
  readonly size: number;
  readonly hashes: readonly Bytes[];

  constructor(size = 0, hashes: readonly Bytes[] = []) {
    this.size = size;
    this.hashes = hashes;
  }

  /** The edge after appending leaf hashes (32 bytes each), oldest first. */
  extended(leaves: Iterable<Bytes>): Frontier {
    let size = this.size;
    const hashes = [...this.hashes];
    for (const leaf of leaves) {
      let carry = leaf;
      for (let below = size; odd(below); below = half(below)) {
        carry = nodeHash(hashes.pop() as Bytes, carry);
      }
      hashes.push(carry);
      size += 1;
    }
    return new Frontier(size, hashes);
  }

  /** The tree's root, 32 bytes. */
  root(): Bytes {
    const last = this.hashes.at(-1);
    if (last === undefined) return EMPTY_ROOT;
    return this.hashes.slice(0, -1).reduceRight((root, left) => nodeHash(left, root), last);
  }

  /** The hashes, joined; with `size` they are the whole edge. */
  toBytes(): Bytes {
    return concat(this.hashes);
  }

  /**
   * The edge that `toBytes` wrote for a tree of `size` leaves.
   *
   * Throws Inconsistent: the number of hashes is not the number of bits set in `size`.
   */
  static fromBytes(size: number, joined: Bytes): Frontier {
    if (!isCount(size) || joined.length !== bitsSet(size) * HASH_BYTES) {
      throw new Inconsistent(`${joined.length} bytes are no edge of a tree of ${size}`);
    }
    const count = joined.length / HASH_BYTES;
    const hashes = Array.from({ length: count }, (_, at) =>
      joined.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES),
    );
    return new Frontier(size, hashes);
  }
}

/** The root over leaf hashes. */
export function rootOf(leaves: Iterable<Bytes>): Bytes {
  return new Frontier().extended(leaves).root();
}

/**
 * The hashes from the leaf at `index` up to the root.
 *
 * Throws Inconsistent: there is no such leaf.
 */
export function inclusionProof(leaves: readonly Bytes[], index: number): Bytes[] {
  if (!isCount(index) || index >= leaves.length) {
    throw new Inconsistent(`no leaf ${index} in a tree of ${leaves.length}`);
  }
  const path: Bytes[] = [];
  let [part, at] = [leaves, index];
  while (part.length > 1) {
    const cut = split(part.length);
    const [left, right] = [part.slice(0, cut), part.slice(cut)];
    path.push(rootOf(at < cut ? right : left));
    [part, at] = at < cut ? [left, at] : [right, at - cut];
  }
  return path.reverse();
}

/**
 * Verifies that the leaf hash stands at `index` of the tree of `size` with this root.
 *
 * Throws Inconsistent: it does not, or the proof is none. Source: RFC 9162 section 2.1.3.2.
 */
export function verifyInclusion(said: {
  leaf: Bytes;
  index: number;
  size: number;
  root: Bytes;
  proof: readonly Bytes[];
}): void {
  const { leaf, index, size, root, proof } = said;
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new Inconsistent(`no leaf ${index} in a tree of ${size}`);
  }
  wholeHashes([leaf, ...proof]);
  let [at, last, found] = [index, size - 1, leaf];
  for (const step of proof) {
    if (last === 0) throw new Inconsistent("the proof is longer than the tree is high");
    if (odd(at) || at === last) {
      found = nodeHash(step, found);
      while (!odd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      found = nodeHash(found, step);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last > 0 || !equal(found, root)) {
    throw new Inconsistent(`leaf ${index} is not in the tree of ${size}`);
  }
}

/**
 * The hashes that show that the tree of `oldSize` is a prefix of this one.
 *
 * Throws Inconsistent: `oldSize` is not in 1..leaves.length.
 */
export function consistencyProof(leaves: readonly Bytes[], oldSize: number): Bytes[] {
  if (!isCount(oldSize) || oldSize === 0 || oldSize > leaves.length) {
    throw new Inconsistent(`a tree of ${oldSize} is no prefix of one of ${leaves.length}`);
  }
  const path: Bytes[] = [];
  let [part, old, whole] = [leaves, oldSize, true];
  while (old < part.length) {
    const cut = split(part.length);
    const [left, right] = [part.slice(0, cut), part.slice(cut)];
    path.push(rootOf(old <= cut ? right : left));
    [part, old, whole] = old <= cut ? [left, old, whole] : [right, old - cut, false];
  }
  if (!whole) path.push(rootOf(part));
  return path.reverse();
}

/**
 * Verifies that the tree only grew from `oldSize` to `size`.
 *
 * Throws Inconsistent: it did not, or the proof is none. Source: RFC 9162 section 2.1.4.2.
 */
export function verifyConsistency(said: {
  oldSize: number;
  oldRoot: Bytes;
  size: number;
  root: Bytes;
  proof: readonly Bytes[];
}): void {
  const { oldSize, oldRoot, size, root, proof } = said;
  if (!isCount(oldSize) || !isCount(size) || oldSize === 0 || oldSize > size) {
    throw new Inconsistent(`a log of ${oldSize} can't grow into one of ${size}`);
  }
  wholeHashes([oldRoot, ...proof]);
  if (oldSize === size) {
    if (proof.length > 0 || !equal(oldRoot, root)) throw new Inconsistent(`two trees of ${size}`);
    return;
  }
  const [first, ...rest] = bitsSet(oldSize) === 1 ? [oldRoot, ...proof] : proof;
  if (first === undefined) throw new Inconsistent("the proof is empty");
  let [at, last] = [oldSize - 1, size - 1];
  while (odd(at)) [at, last] = [half(at), half(last)];
  let [foundOld, found] = [first, first];
  for (const step of rest) {
    if (last === 0) throw new Inconsistent("the proof is longer than the tree is high");
    if (odd(at) || at === last) {
      [foundOld, found] = [nodeHash(step, foundOld), nodeHash(step, found)];
      while (!odd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      found = nodeHash(found, step);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last > 0 || !equal(foundOld, oldRoot) || !equal(found, root)) {
    throw new Inconsistent(`the tree of ${size} did not grow from the one of ${oldSize}`);
  }
}

function wholeHashes(hashes: readonly Bytes[]): void {
  // Two neighbours of 31 and 33 bytes join to what two hashes join to, and would pass for them.
  if (hashes.some((each) => each.length !== HASH_BYTES)) {
    throw new Inconsistent(`a hash has ${HASH_BYTES} bytes`);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function odd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function bitsSet(value: number): number {
  let bits = 0;
  for (let rest = value; rest > 0; rest = half(rest)) bits += rest % 2;
  return bits;
}

/** The largest power of two smaller than `size`, which is > 1. */
function split(size: number): number {
  let power = 1;
  while (2 * power < size) power *= 2;
  return power;
}
