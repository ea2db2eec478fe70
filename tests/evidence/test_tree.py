"""The tree is RFC 6962's: its published roots, its own recursive text, and the laws of proofs."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.errors import Inconsistent
from proctor.evidence.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves of the Certificate Transparency reference tests.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LEAVES = [leaf_hash(b"%d" % at) for at in range(40)]
sizes = st.integers(1, len(LEAVES))


def mth(data: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = 1
    while 2 * k < len(data):
        k *= 2
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(data) == 1:
        return []
    k = 1
    while 2 * k < len(data):
        k *= 2
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], b: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if m == len(data):
        return [] if b else [mth(data)]
    k = 1
    while 2 * k < len(data):
        k *= 2
    if m <= k:
        return [*subproof(m, data[:k], b), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_ours(size: int) -> None:
    assert root_of([leaf_hash(leaf) for leaf in CT_LEAVES[:size]]).hex() == CT_ROOTS[size]


def test_the_empty_root_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == root_of([])


@given(st.lists(st.binary(max_size=8), max_size=40), st.integers(0, 40))
def test_the_edge_grown_in_two_steps_has_the_root_of_the_recursive_text(
    data: list[bytes], cut: int
) -> None:
    first = Frontier().extended(map(leaf_hash, data[:cut]))
    assert first.extended(map(leaf_hash, data[cut:])).root() == mth(data)


@given(sizes.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_inclusion_proofs_are_those_of_the_text_and_verify(place: tuple[int, int]) -> None:
    size, index = place
    data = [b"%d" % at for at in range(size)]
    proof = inclusion_proof(LEAVES[:size], index)
    assert proof == path(index, data)
    verify_inclusion(leaf=LEAVES[index], index=index, size=size, root=mth(data), proof=proof)


@given(sizes.flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))))
def test_consistency_proofs_are_those_of_the_text_and_verify(place: tuple[int, int]) -> None:
    size, old_size = place
    data = [b"%d" % at for at in range(size)]
    proof = consistency_proof(LEAVES[:size], old_size)
    assert proof == subproof(old_size, data, True)
    verify_consistency(
        old_size=old_size,
        old_root=mth(data[:old_size]),
        size=size,
        root=mth(data),
        proof=proof,
    )


def flip(hashes: list[bytes], at: int) -> list[bytes]:
    which = at % len(hashes)
    broken = bytes([hashes[which][0] ^ 1]) + hashes[which][1:]
    return [*hashes[:which], broken, *hashes[which + 1 :]]


def shift(hashes: list[bytes], at: int) -> list[bytes]:
    """Move a byte from one hash to its neighbour: joined, they are as before."""
    which = at % len(hashes)
    taken, given_to = hashes[which], hashes[which - 1]
    changed = list(hashes)
    changed[which - 1], changed[which] = given_to + taken[:1], taken[1:]
    return changed


ALTERATIONS = [
    pytest.param(flip, id="a bit is flipped"),
    pytest.param(lambda hashes, at: hashes[: at % len(hashes)], id="it is cut"),
    pytest.param(lambda hashes, at: [*hashes, LEAVES[at]], id="a hash is added behind"),
    pytest.param(lambda hashes, at: [LEAVES[at], *hashes], id="a hash is added before"),
    pytest.param(
        lambda hashes, at: [*hashes[: at % len(hashes)], hashes[at % len(hashes)][1:]],
        id="a hash is cut",
    ),
    pytest.param(shift, id="a byte moves to the neighbour"),
    pytest.param(lambda hashes, _: [*hashes, b""], id="an empty hash is added"),
]
Alteration = Callable[[list[bytes], int], list[bytes]]


@pytest.mark.parametrize("alter", ALTERATIONS)
@given(place=st.integers(2, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_an_altered_inclusion_proof_is_refused(alter: Alteration, place: tuple[int, int]) -> None:
    size, index = place
    proof = alter(inclusion_proof(LEAVES[:size], index), index)
    with pytest.raises(Inconsistent):
        verify_inclusion(
            leaf=LEAVES[index], index=index, size=size, root=root_of(LEAVES[:size]), proof=proof
        )


@pytest.mark.parametrize("alter", ALTERATIONS)
@given(place=st.integers(2, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_an_altered_consistency_proof_is_refused(alter: Alteration, place: tuple[int, int]) -> None:
    size, old_size = place
    proof = alter(consistency_proof(LEAVES[:size], old_size), old_size)
    with pytest.raises(Inconsistent):
        verify_consistency(
            old_size=old_size,
            old_root=root_of(LEAVES[:old_size]),
            size=size,
            root=root_of(LEAVES[:size]),
            proof=proof,
        )


@given(st.data())
def test_a_true_proof_shows_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index))
    proof, root = inclusion_proof(LEAVES[:size], index), root_of(LEAVES[:size])
    for leaf, at, of in [
        (LEAVES[other], index, size),
        (LEAVES[index], other, size),
        (LEAVES[index], index, index),
        (LEAVES[index], -1, size),
        (LEAVES[index][1:], index, size),
    ]:
        with pytest.raises(Inconsistent):
            verify_inclusion(leaf=leaf, index=at, size=of, root=root, proof=proof)
    with pytest.raises(Inconsistent):
        verify_inclusion(leaf=LEAVES[index], index=index, size=size, root=proof[0], proof=proof)


@given(st.integers(2, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_a_log_that_changed_its_past_has_no_proof(place: tuple[int, int]) -> None:
    size, old_size = place
    proof, root = consistency_proof(LEAVES[:size], old_size), root_of(LEAVES[:size])
    changed = root_of([LEAVES[-1], *LEAVES[1:old_size]])
    with pytest.raises(Inconsistent):
        verify_consistency(old_size=old_size, old_root=changed, size=size, root=root, proof=proof)


@pytest.mark.parametrize(
    ("old_size", "size", "old_root", "proof"),
    [
        pytest.param(5, 4, root_of(LEAVES[:5]), [], id="it shrank"),
        pytest.param(0, 4, EMPTY_ROOT, [], id="from nothing, which proves nothing"),
        pytest.param(4, 4, LEAVES[0], [], id="two roots of one size"),
        pytest.param(4, 4, root_of(LEAVES[:4]), [LEAVES[0]], id="a proof where none is needed"),
        pytest.param(3, 4, root_of(LEAVES[:3]), [], id="no proof"),
        pytest.param(2, 4, root_of(LEAVES[:2]), [], id="no proof from a perfect tree"),
    ],
)
def test_no_other_growth_is_believed(
    old_size: int, size: int, old_root: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(Inconsistent):
        verify_consistency(
            old_size=old_size,
            old_root=old_root,
            size=size,
            root=root_of(LEAVES[:size]),
            proof=proof,
        )


def test_there_is_no_proof_of_what_is_not_there() -> None:
    for index in (-1, 4):
        with pytest.raises(Inconsistent):
            inclusion_proof(LEAVES[:4], index)
    for old_size in (0, 5):
        with pytest.raises(Inconsistent):
            consistency_proof(LEAVES[:4], old_size)


@given(st.integers(0, 40))
def test_an_edge_survives_being_stored(size: int) -> None:
    edge = Frontier().extended(LEAVES[:size])
    assert Frontier.from_bytes(size, edge.to_bytes()) == edge
    assert len(edge.hashes) == size.bit_count()


@pytest.mark.parametrize("size", [-1, 2, 4, 7])
def test_an_edge_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(Inconsistent):
        Frontier.from_bytes(size, Frontier().extended(LEAVES[:3]).to_bytes())


def test_a_leaf_is_no_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
