"""The mark of who was erased: the same each time, another for each person and device, and nobody's name."""

from __future__ import annotations

from agent.gallery.tombstone import MARK_BYTES, Withdrawn, tombstone
from agent.units import SubjectId


def test_a_mark_is_of_one_person_on_one_device() -> None:
    marks = {tombstone(key, SubjectId(name)) for key in (b"k" * 32, b"l" * 32) for name in ("p-1", "p-2", "p-1")}
    assert (len(marks), {len(mark) for mark in marks}) == (4, {MARK_BYTES})
    assert not any(b"p-" in mark for mark in marks)


def test_who_has_withdrawn_is_known_by_the_mark_alone() -> None:
    gone = Withdrawn(b"k" * 32, frozenset({tombstone(b"k" * 32, SubjectId("p-1"))}))
    assert "p-1" in gone and "p-2" not in gone and 1 not in gone
    assert SubjectId("p-1") not in Withdrawn(b"l" * 32, gone.marks) and "p-1" not in repr(gone)
    assert gone == Withdrawn(b"k" * 32, frozenset(gone.marks))
