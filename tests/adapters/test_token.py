"""Cards and PINs over a real pty: in their closed form, one at a time, none too fast, none too old, none shown."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.token import SerialTokens, Slot
from agent.adapters.token.slot import EVERY_S, STALE_S
from agent.token import Token, TokenKind, TokenWay
from tests.adapters.receivers import SECOND, SimulatedClock
from tests.app.running import until

PIN = Token(TokenKind.PIN, "482913", TokenWay.SERIAL)
CARD = Token(TokenKind.CARD, "04A2B3C4D5E6F7", TokenWay.SERIAL)
EVERY_NS, STALE_NS = round(EVERY_S * SECOND), round(STALE_S * SECOND)


class Desk:
    """A keypad at the far end of a pty, and the adapter at the near one."""

    def __init__(self, port: Path) -> None:
        self.port, self.clock, self.said = port, SimulatedClock(), list[str]()
        self.plug()
        self.reader = SerialTokens(str(port), 9600, self.clock, self.said.append, again_s=0.01)
        self.wait_open()

    def plug(self) -> None:
        self.far, self.near = os.openpty()
        mode = termios.tcgetattr(self.near)
        mode[4] = mode[5] = termios.B38400
        termios.tcsetattr(self.near, termios.TCSANOW, mode)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self.near))

    def unplug(self) -> None:
        for end in (self.far, self.near):
            os.close(end)

    def wait_open(self) -> None:
        until(lambda: termios.tcgetattr(self.near)[5] == termios.B9600, what="the line opened")

    def sends(self, data: bytes, after_s: float = EVERY_S) -> Token | None:
        """Send it, wait until it has been heard, and say what the adapter makes of it."""
        self.clock.now_ns += round(after_s * SECOND)
        heard = self.reader.lines + data.count(b"\n")
        os.write(self.far, data)
        until(lambda: self.reader.lines == heard, what="the line heard")
        return self.reader.token(self.clock.now_ns)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "keypad")
    yield made
    made.reader.close()
    made.unplug()


@pytest.mark.parametrize(
    "data, found",
    [
        (b"PIN 482913\n", PIN),
        (b"PIN 482913\r\n", PIN),
        (b"CARD 04A2B3C4D5E6F7\n", CARD),
        (b"\n", None),
        (b"482913\n", None),
        (b"PIN 482913 please\n", None),
        (b"\x00\xff\xfe\n", None),
        (b"PIN 48\n2913\n", None),
    ],
)
def test_a_line_is_a_token_in_its_form_or_nothing(desk: Desk, data: bytes, found: Token | None) -> None:
    assert desk.sends(data) == found
    assert desk.reader.token(desk.clock.now_ns) is None, "given once"


def test_the_tail_of_a_line_that_is_too_long_is_no_token(desk: Desk) -> None:
    for length in (54, 60, 64, 5000):
        for begin in range(0, length, 500):
            os.write(desk.far, b"x" * min(500, length - begin))
        assert desk.sends(b"PIN 482913\n") is None
    assert desk.sends(b"PIN 482913\n") == PIN, "and the next line is one again"


def test_a_line_in_pieces_is_one_line(desk: Desk) -> None:
    os.write(desk.far, b"PIN 48")
    assert desk.reader.token(desk.clock.now_ns) is None
    assert desk.sends(b"2913\n") == PIN


def test_a_token_that_waited_too_long_or_came_too_fast_is_dropped(desk: Desk) -> None:
    assert desk.sends(b"PIN 482913\nCARD 04A2B3C4D5E6F7\n") == PIN
    assert desk.sends(b"PIN 482913\n", after_s=0.99) is None
    assert desk.sends(b"PIN 482913\n", after_s=0.01) == PIN


def test_a_reader_that_was_pulled_out_is_told_once_and_comes_back(desk: Desk) -> None:
    assert desk.sends(b"PIN 482913\n") == PIN
    desk.clock.now_ns += EVERY_NS
    os.write(desk.far, b"PIN 482913\n")
    until(lambda: desk.reader.lines == 2)
    desk.port.unlink()
    desk.unplug()
    until(lambda: desk.said)
    assert desk.reader.token(desk.clock.now_ns) is None, "what waited is gone with the line"
    desk.plug()
    desk.wait_open()
    assert desk.sends(b"CARD 04A2B3C4D5E6F7\n") == CARD
    (said,) = desk.said
    assert said.startswith(f"reader: {desk.port}: ") and said.endswith("; see to the reader and reader.port; "
                                                                       "it is tried again")  # fmt: skip
    assert "482913" not in said


def test_what_is_no_serial_line_is_said_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_bytes(b"PIN 482913\n")
    reader = SerialTokens(str(tmp_path / "file"), 9600, SimulatedClock(), said.append, again_s=0.01)
    until(lambda: said)
    assert "not a serial line" in said[0] and reader.token(0) is None
    reader.close()
    reader.close()


class TestSlot:
    def test_one_token_in_a_second_and_each_once(self) -> None:
        clock = SimulatedClock(0)
        slot = Slot(clock)
        slot.put(PIN)
        slot.put(CARD)
        assert slot.token(0) == PIN and slot.token(0) is None
        clock.now_ns = EVERY_NS - 1
        slot.put(CARD)
        assert slot.token(clock.now_ns) is None
        clock.now_ns = EVERY_NS
        slot.put(CARD)
        assert slot.token(clock.now_ns) == CARD

    @pytest.mark.parametrize("later_ns, there", [(STALE_NS, True), (STALE_NS + 1, False)])
    def test_an_old_one_is_gone(self, later_ns: int, there: bool) -> None:
        slot = Slot(SimulatedClock(0))
        slot.put(PIN)
        assert (slot.token(later_ns) is PIN) is there
        assert slot.token(0) is None

    def test_closing_forgets(self) -> None:
        slot = Slot(SimulatedClock(0))
        slot.put(PIN)
        slot.close()
        assert slot.token(0) is None
