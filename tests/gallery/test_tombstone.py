"""The mark of who was erased: the same each time, another for each person and device, and nobody's name."""

from __future__ import annotations

from agent.gallery.tombstone import MARK_BYTES, tombstone
from agent.units import SubjectId


def test_a_mark_is_of_one_person_on_one_device() -> None:
    marks = {tombstone(key, SubjectId(name)) for key in (b"k" * 32, b"l" * 32) for name in ("p-1", "p-2", "p-1")}
    assert (len(marks), {len(mark) for mark in marks}) == (4, {MARK_BYTES})
    assert not any(b"p-" in mark for mark in marks)
