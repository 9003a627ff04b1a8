"""The mark that stays of a person who was erased: recognisable with the device's key, and nobody's name without it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from agent.units import SubjectId

MARK_BYTES: Final = 32


def tombstone(key: bytes, subject: SubjectId) -> bytes:
    """BLAKE2b-256 of the pseudonym, keyed with the device's ledger key.

    Pseudonyms are few and can be guessed, so a plain hash would still name them.
    """
    return hashlib.blake2b(subject.encode(), digest_size=MARK_BYTES, key=key, person=b"doorward/mark").digest()


@dataclass(frozen=True, slots=True, repr=False)
class Withdrawn:
    """Who has withdrawn: answers `subject in withdrawn`, and cannot be asked for names."""

    key: bytes
    marks: frozenset[bytes]

    def __contains__(self, subject: object) -> bool:
        return isinstance(subject, str) and tombstone(self.key, SubjectId(subject)) in self.marks
