"""The Merkle tree of RFC 6962, grown one leaf at a time.

A device and the server each keep only the tree's right edge (`Frontier`); proofs are made from all
leaf hashes, which whoever holds the log can compute.

Source: RFC 6962 section 2.1 (hashes, proofs), RFC 9162 section 2.1 (how proofs are verified).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from proctor.evidence.errors import Inconsistent

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
# 2**48 records would take a device eight thousand years at a thousand a second.
MAX_SIZE = 2**48


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above `left` and `right`."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: the roots of its perfect subtrees, largest first.

    There is one hash for each bit set in `size`, so the edge of a million leaves is 20 hashes at
    the most, and appending costs two hashes on average.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def extended(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the edge after appending leaf hashes (32 bytes each), oldest first."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaves:
            carry, below = leaf, size
            while below & 1:
                # node_hash, written out: this loop is half of verifying a log.
                carry = sha256(b"\x01" + hashes.pop() + carry).digest()
                below >>= 1
            hashes.append(carry)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """Return the tree's root, 32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the hashes, joined; with `size` they are the whole edge."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, joined: bytes) -> "Frontier":
        """Return the edge that `to_bytes` wrote for a tree of `size` leaves.

        Raises:
            Inconsistent: The number of hashes is not the number of bits set in `size`.
        """
        if size < 0 or len(joined) != size.bit_count() * HASH_BYTES:
            raise Inconsistent(f"{len(joined)} bytes are no edge of a tree of {size}")
        cut = range(0, len(joined), HASH_BYTES)
        return cls(size, tuple(joined[at : at + HASH_BYTES] for at in cut))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return Frontier().extended(leaves).root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes from the leaf at `index` up to the root.

    Raises:
        Inconsistent: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise Inconsistent(f"no leaf {index} in a tree of {len(leaves)}")
    path = []
    while len(leaves) > 1:
        split = _split(len(leaves))
        if index < split:
            path.append(root_of(leaves[split:]))
            leaves = leaves[:split]
        else:
            path.append(root_of(leaves[:split]))
            leaves, index = leaves[split:], index - split
    return path[::-1]


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Verify that the leaf hash stands at `index` of the tree of `size` with this root.

    Raises:
        Inconsistent: It does not, or the proof is none.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise Inconsistent(f"no leaf {index} in a tree of {size}")
    _whole_hashes(leaf, *proof)
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Inconsistent("the proof is longer than the tree is high")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise Inconsistent(f"leaf {index} is not in the tree of {size}")


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the hashes that show that the tree of `old_size` is a prefix of this one.

    Raises:
        Inconsistent: `old_size` is not in 1..len(leaves).
    """
    if not 0 < old_size <= len(leaves):
        raise Inconsistent(f"a tree of {old_size} is no prefix of one of {len(leaves)}")
    path: list[bytes] = []
    whole = True
    while old_size < len(leaves):
        split = _split(len(leaves))
        if old_size <= split:
            path.append(root_of(leaves[split:]))
            leaves = leaves[:split]
        else:
            path.append(root_of(leaves[:split]))
            leaves, old_size, whole = leaves[split:], old_size - split, False
    if not whole:
        path.append(root_of(leaves))
    return path[::-1]


def verify_consistency(
    *, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Verify that the tree only grew from `old_size` to `size`.

    Raises:
        Inconsistent: It did not, or the proof is none.

    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < old_size <= size:
        raise Inconsistent(f"a log of {old_size} can't grow into one of {size}")
    _whole_hashes(old_root, *proof)
    if old_size == size:
        if proof or old_root != root:
            raise Inconsistent(f"two trees of {size}")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Inconsistent("the proof is empty")
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    found_old = found = path[0]
    for step in path[1:]:
        if last == 0:
            raise Inconsistent("the proof is longer than the tree is high")
        if at & 1 or at == last:
            found_old, found = node_hash(step, found_old), node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last or found_old != old_root or found != root:
        raise Inconsistent(f"the tree of {size} did not grow from the one of {old_size}")


def _whole_hashes(*hashes: bytes) -> None:
    # Two neighbours of 31 and 33 bytes join to what two hashes join to, and would pass for them.
    if any(len(each) != HASH_BYTES for each in hashes):
        raise Inconsistent(f"a hash has {HASH_BYTES} bytes")


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`, which is > 1."""
    return 1 << ((size - 1).bit_length() - 1)
