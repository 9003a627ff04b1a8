"""What `scripts/prove wire` judges by: the consumer's lines, and the search through all that went over the wire."""

from __future__ import annotations

import base64
from pathlib import Path

from bench.wire import capture
from bench.wire.consumer import Journal
from bench.wire.ends import CANARIES


def test_lines_are_read_as_they_come_and_what_is_missing_late_or_behind_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "taken.log"
    journal = Journal(path)
    journal.read()
    assert (journal.messages, journal.gaps, journal.held()) == (0, 0, [])
    path.write_text("1 act 5\n2 act 6\n5 record 90000\n4 rec")
    journal.read()
    assert (journal.messages, journal.gaps, journal.out_of_order) == (3, 2, 0)
    with path.open("a") as file:
        file.write("ord 7\n2 again 8\n0 refused 0\n")
    journal.read()
    assert (journal.messages, journal.again, journal.refused, journal.out_of_order, journal.gaps) == (6, 1, 1, 1, 1)
    assert (journal.acted, journal.late_ms, journal.held()) == ({1, 2}, [5, 6, 90000, 7], [(1, 2), (4, 5)])


def test_a_name_is_found_in_any_writing_wherever_parts_meet(tmp_path: Path) -> None:
    clean, path = tmp_path / "clean", tmp_path / "wire.out"
    clean.write_bytes(bytes(range(256)) * 100)
    assert capture.found_in(clean) == (0, 25_600)
    kept = capture.Capture(path)
    kept.keep(bytes(capture._PART - 10) + CANARIES[7].encode() + b"\n" + base64.b64encode(CANARIES[9].encode()))
    kept.close()
    hits, _ = capture.found_in(clean, path)
    assert hits == 2
