"""The Merkle tree of RFC 9162: one hash for all entries, and short proofs about it.

Leaves are hashed with 0x00 in front, inner nodes with 0x01, so that neither passes as the other. `Frontier` keeps the
roots of the complete subtrees only, about log2(size) hashes, which is all that appending needs. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Hash = bytes
"""32 bytes, SHA-256."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_HASH_BYTES: Final = 32


def leaf_hash(entry: bytes) -> Hash:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a growing tree.

    Args:
        size: number of leaves.
        peaks: roots of the complete subtrees, largest first: one for each bit that is set in `size`.
    """

    size: int = 0
    peaks: tuple[Hash, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("a frontier has one peak for each bit of its size")
        if any(len(peak) != _HASH_BYTES for peak in self.peaks):
            raise ValueError("a peak is 32 bytes")

    def append(self, leaf: Hash) -> Frontier:
        """The frontier with one more leaf; as many hashes as there are complete subtrees to join."""
        peaks, size = [*self.peaks, leaf], self.size
        while size & 1:
            right = peaks.pop()
            peaks.append(node_hash(peaks.pop(), right))
            size >>= 1
        return Frontier(self.size + 1, tuple(peaks))

    def root(self) -> Hash:
        """The root of all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        joined = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            joined = node_hash(peak, joined)
        return joined


def root(leaves: Sequence[Hash]) -> Hash:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[Hash], index: int) -> tuple[Hash, ...]:
    """The hashes that lead from leaf `index` to the root, lowest first.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), root(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), root(leaves[:split]))


def included(leaf: Hash, index: int, size: int, proof: Sequence[Hash], of: Hash) -> bool:
    """Whether `leaf` is number `index` of the tree of `size` leaves whose root is `of`."""
    if not 0 <= index < size:
        return False
    reached, node, last = leaf, index, size - 1
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            reached = node_hash(step, reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        node, last = node >> 1, last >> 1
    return last == 0 and reached == of


def consistency_proof(leaves: Sequence[Hash], old: int) -> tuple[Hash, ...]:
    """The hashes that show that the first `old` leaves have stayed what they were.

    Raises:
        ValueError: `old` is not between 1 and the number of leaves.
    """
    if not 1 <= old <= len(leaves):
        raise ValueError(f"no tree of {old} within one of {len(leaves)}")
    return _subproof(leaves, old, whole=True)


def consistent(old: int, old_root: Hash, size: int, new_root: Hash, proof: Sequence[Hash]) -> bool:
    """Whether the tree of `size` leaves begins with the tree of `old` leaves."""
    if not 1 <= old <= size:
        return False
    if old == size:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:  # the old tree is complete: it is its own first hash
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _subproof(leaves: Sequence[Hash], old: int, *, whole: bool) -> tuple[Hash, ...]:
    if old == len(leaves):
        return () if whole else (root(leaves),)
    split = _split(len(leaves))
    if old <= split:
        return (*_subproof(leaves[:split], old, whole=whole), root(leaves[split:]))
    return (*_subproof(leaves[split:], old - split, whole=False), root(leaves[:split]))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
