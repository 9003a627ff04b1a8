"""The tree against RFC 9162: roots written out by hand, and every proof of every small tree, good and bad."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, strategies

from agent.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    consistent,
    included,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
)

LEAVES = [leaf_hash(bytes((number,))) for number in range(20)]
OTHER = leaf_hash(b"other")


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_hashes_say_what_they_are() -> None:
    assert leaf_hash(b"a") == hashlib.sha256(b"\x00a").digest()
    assert node_hash(b"a", b"b") == hashlib.sha256(b"\x01ab").digest()
    assert Frontier().root() == EMPTY_ROOT == root([])


def test_the_frontier_gives_the_root_of_every_size() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == plain_root(LEAVES[:size]) == root(LEAVES[:size])
        assert len(frontier.peaks) == size.bit_count()
        frontier = frontier.append(leaf)


@pytest.mark.parametrize(("size", "peaks"), [(1, ()), (0, (b"x" * 32,)), (-1, (b"x" * 32,)), (1, (b"short",))])
def test_a_frontier_that_cannot_be_is_refused(size: int, peaks: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="peak"):
        Frontier(size, peaks)


def test_every_leaf_of_every_tree_is_proved_and_no_other() -> None:
    for size in range(1, len(LEAVES) + 1):
        whole = plain_root(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(LEAVES[:size], index)
            assert included(LEAVES[index], index, size, proof, whole)
            assert not included(OTHER, index, size, proof, whole)
            assert not included(LEAVES[index], index, size, (*proof, OTHER), whole)
            assert not included(LEAVES[index], index, size, proof, OTHER)
            for wrong in {index ^ 1, size, -1} - {index}:
                assert not included(LEAVES[index], wrong, size, proof, whole)
            for at in range(len(proof)):
                assert not included(LEAVES[index], index, size, (*proof[:at], OTHER, *proof[at + 1 :]), whole)
                assert not included(LEAVES[index], index, size, (*proof[:at], *proof[at + 1 :]), whole)


def test_every_tree_is_proved_to_begin_every_longer_one() -> None:
    for size in range(1, len(LEAVES) + 1):
        whole = plain_root(LEAVES[:size])
        for old in range(1, size + 1):
            proof, before = consistency_proof(LEAVES[:size], old), plain_root(LEAVES[:old])
            assert consistent(old, before, size, whole, proof)
            assert not consistent(old, OTHER, size, whole, proof)
            assert not consistent(old, before, size, OTHER, proof)
            assert not consistent(old, before, size, whole, (*proof, OTHER))
            for at in range(len(proof)):
                assert not consistent(old, before, size, whole, (*proof[:at], OTHER, *proof[at + 1 :]))
                assert not consistent(old, before, size, whole, (*proof[:at], *proof[at + 1 :]))


def test_no_proof_of_what_is_not_there() -> None:
    for index in (-1, 3):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(LEAVES[:3], index)
    for old in (0, 4):
        with pytest.raises(ValueError, match="no tree"):
            consistency_proof(LEAVES[:3], old)
        assert not consistent(old, OTHER, 3, OTHER, ())
    assert not consistent(3, OTHER, 5, OTHER, ())


@given(strategies.lists(strategies.binary(max_size=8), min_size=1, max_size=60), strategies.data())
def test_any_tree(entries: list[bytes], data: strategies.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    index = data.draw(strategies.integers(0, len(leaves) - 1))
    assert included(leaves[index], index, len(leaves), inclusion_proof(leaves, index), root(leaves))
    old = index + 1
    assert consistent(old, root(leaves[:old]), len(leaves), root(leaves), consistency_proof(leaves, old))
