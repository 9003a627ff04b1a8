"""The watchdog is fed by both, an outcome on a fresh frame and a commit, and by nothing less."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.watchdog import Watchdog
from agent.app.pulse import GROWN_KB, Pulse
from agent.errors import DeviceError

S = 1_000_000_000


class Bench:
    """A pulse, and what systemd's end has heard."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.watchdog = Watchdog(end.getsockname())
        self.pulse = Pulse(self.watchdog, grown_kb=1 << 40)
        self.carried = True

    def beat(self, now_ns: int) -> None:
        self.pulse.beat(now_ns, carried=self.carried)

    def heard(self) -> list[bytes]:
        words = []
        while True:
            try:
                words.append(self._end.recv(64))
            except BlockingIOError:
                return words


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield Bench(end)


def test_both_feed_it_once(bench: Bench) -> None:
    bench.pulse.begun()
    bench.pulse.judged(10 * S, 10 * S)
    bench.pulse.committed()
    bench.beat(10 * S)
    bench.beat(10 * S)
    bench.pulse.ended()
    assert bench.heard() == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_one_that_has_grown_too_large_ends_and_says_so(bench: Bench) -> None:
    bench.pulse = Pulse(bench.watchdog, grown_kb=-1024)
    bench.pulse.judged(10 * S, 10 * S)
    bench.pulse.committed()
    with pytest.raises(DeviceError, match=r"^memory: holds \d+ MB, and \d+ are allowed; the process ends"):
        bench.beat(10 * S)
    assert bench.heard() == []


def test_what_it_may_hold_is_what_its_unit_allows() -> None:
    unit = (Path(__file__).parents[2] / "systemd" / "doorward-recogniser.service").read_text()
    (most,) = re.findall(r"^MemoryMax=(\d+)M$", unit, re.MULTILINE)
    assert 100 <= int(most) - GROWN_KB // 1024 <= 200, "what it holds at its beginning"


def test_frames_without_a_commit_do_not(bench: Bench) -> None:
    for second in range(60):
        bench.pulse.judged(second * S, second * S)
        bench.beat(second * S)
    assert bench.heard() == []


def test_commits_without_a_frame_do_not(bench: Bench) -> None:
    for second in range(60):
        bench.pulse.committed()
        bench.beat(second * S)
    assert bench.heard() == []


def test_a_frame_of_long_ago_is_none(bench: Bench) -> None:
    bench.pulse.judged(10 * S, 12 * S + 1)
    bench.pulse.committed()
    bench.beat(12 * S + 1)
    assert bench.heard() == []


def test_an_outcome_of_long_ago_is_none(bench: Bench) -> None:
    """The camera stops right behind a frame: the commit that comes later must not feed for it."""
    bench.pulse.judged(10 * S, 10 * S)
    bench.beat(10 * S)
    bench.pulse.committed()
    bench.beat(12 * S + 1)
    assert bench.heard() == []
    bench.pulse.judged(13 * S, 13 * S)
    bench.beat(13 * S)
    assert bench.heard() == [b"WATCHDOG=1"], "the commit waits for a fresh frame"


def test_where_the_camera_is_shut_the_commit_alone_does(bench: Bench) -> None:
    bench.pulse.shut(10 * S)
    bench.beat(10 * S)
    assert bench.heard() == []
    bench.pulse.committed()
    bench.beat(10 * S)
    assert bench.heard() == [b"WATCHDOG=1"]


def test_a_camera_that_says_that_it_fails_is_as_good_as_a_frame(bench: Bench) -> None:
    for second in range(60):
        bench.pulse.failing(second * S)
        if second % 15 == 0:
            bench.pulse.committed()
        bench.beat(second * S)
    assert bench.heard() == [b"WATCHDOG=1"] * 4
    bench.pulse.committed()
    bench.beat(62 * S)
    assert bench.heard() == [], "and no better: its last word is of long ago"


def test_it_is_never_fed_without_the_threads_that_carry(bench: Bench) -> None:
    bench.pulse.judged(10 * S, 10 * S)
    bench.pulse.committed()
    bench.carried = False
    bench.beat(10 * S)
    assert bench.heard() == []
    bench.carried = True
    bench.beat(10 * S)
    assert bench.heard() == [b"WATCHDOG=1"]
