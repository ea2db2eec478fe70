import { describe, expect, it } from "vitest";
import { hex, utf8, type Bytes } from "../../src/evidence/bytes";
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../src/evidence/tree";
import { codeOf, dice, flipped, sure } from "./made";

const LEAVES = Array.from({ length: 80 }, (_, at) => leafHash(utf8(`record ${at}`)));
const MANY = 400;

/** RFC 6962 section 2.1, word for word: what the incremental tree must agree with. */
function mth(leaves: readonly Bytes[]): Bytes {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  let cut = 1;
  while (cut * 2 < leaves.length) cut *= 2;
  return nodeHash(mth(leaves.slice(0, cut)), mth(leaves.slice(cut)));
}

describe("a tree grown leaf by leaf", () => {
  it("has the root that RFC 6962 defines, at every size", () => {
    for (let size = 0; size <= LEAVES.length; size += 1) {
      expect(hex(rootOf(LEAVES.slice(0, size)))).toBe(hex(mth(LEAVES.slice(0, size))));
    }
  });

  it("is the same in whichever portions it grew, kept as bytes in between", () => {
    const roll = dice(2);
    for (let round = 0; round < 50; round += 1) {
      let edge = new Frontier();
      while (edge.size < LEAVES.length) {
        edge = edge.extended(LEAVES.slice(edge.size, edge.size + roll(9)));
        edge = Frontier.fromBytes(edge.size, edge.toBytes());
      }
      expect(hex(edge.root())).toBe(hex(rootOf(LEAVES)));
    }
  });

  it("does not change the edge it grew from", () => {
    const edge = new Frontier().extended(LEAVES.slice(0, 7));
    const before = hex(edge.root());
    edge.extended(LEAVES);
    expect(hex(edge.root())).toBe(before);
  });

  it("grows on beyond 2^32, where bit operators end", () => {
    const size = 2 ** 40 - 1;
    const full = Frontier.fromBytes(size, new Uint8Array(40 * 32)).extended(LEAVES.slice(0, 1));
    expect([full.size, full.hashes.length]).toEqual([2 ** 40, 1]);
  });

  it.each([
    ["a hash too few", 3, 32],
    ["a hash too many", 4, 64],
    ["a cut hash", 1, 31],
    ["a negative size", -1, 0],
    ["half a leaf", 0.5, 32],
    ["a size that is rounded", 2 ** 53, 32],
  ])("is not read from %s", async (_, size, length) => {
    expect(await codeOf(() => Frontier.fromBytes(size, new Uint8Array(length)))).toBe("inconsistent");
  });
});

describe("a proof", () => {
  it("shows a leaf in its place and in no other", async () => {
    const roll = dice(3);
    for (let round = 0; round < MANY; round += 1) {
      const size = 1 + roll(LEAVES.length);
      const index = roll(size);
      const leaves = LEAVES.slice(0, size);
      const [leaf, root] = [sure(leaves[index]), rootOf(leaves)];
      const said = { leaf, index, size, root, proof: inclusionProof(leaves, index) };
      verifyInclusion(said);
      const elsewhere = { ...said, index: roll(size + 1) };
      if (elsewhere.index !== index) {
        expect(await codeOf(() => verifyInclusion(elsewhere))).toBe("inconsistent");
      }
      for (const broken of brokenProofs(said.proof, roll)) {
        expect(await codeOf(() => verifyInclusion({ ...said, proof: broken }))).toBe("inconsistent");
      }
    }
  });

  it("shows that nothing was dropped, and shows nothing else", async () => {
    const roll = dice(4);
    for (let round = 0; round < MANY; round += 1) {
      const size = 1 + roll(LEAVES.length);
      const oldSize = 1 + roll(size);
      const leaves = LEAVES.slice(0, size);
      const proof = consistencyProof(leaves, oldSize);
      const said = { oldSize, oldRoot: rootOf(leaves.slice(0, oldSize)), size, root: rootOf(leaves), proof };
      verifyConsistency(said);
      const otherPast = { ...said, oldRoot: flipped(said.oldRoot, roll(32)) };
      expect(await codeOf(() => verifyConsistency(otherPast))).toBe("inconsistent");
      const otherPresent = { ...said, root: flipped(said.root, roll(32)) };
      expect(await codeOf(() => verifyConsistency(otherPresent))).toBe("inconsistent");
      for (const broken of brokenProofs(proof, roll)) {
        expect(await codeOf(() => verifyConsistency({ ...said, proof: broken }))).toBe("inconsistent");
      }
    }
  });

  it.each([
    ["a leaf that is not there", () => inclusionProof(LEAVES, LEAVES.length)],
    ["a leaf before the first", () => inclusionProof(LEAVES, -1)],
    ["growth from nothing", () => consistencyProof(LEAVES, 0)],
    ["growth from a longer tree", () => consistencyProof(LEAVES, LEAVES.length + 1)],
  ])("is not made of %s", async (_, make) => {
    expect(await codeOf(make)).toBe("inconsistent");
  });
});

/** The same proof with a bit turned, cut, longer, and with a byte moved to its neighbour. */
function brokenProofs(proof: readonly Bytes[], roll: (below: number) => number): Bytes[][] {
  const longer = [...proof, sure(LEAVES[0])];
  if (proof.length === 0) return [longer];
  const at = roll(proof.length);
  const turned = proof.map((each, index) => (index === at ? flipped(each, roll(32)) : each));
  const [first, second, ...rest] = proof;
  const moved =
    first === undefined || second === undefined
      ? longer
      : [first.slice(0, 31), Uint8Array.of(first[31] ?? 0, ...second), ...rest];
  return [longer, turned, proof.slice(0, -1), proof.slice(1), moved];
}
