"""A reader of cards or a keypad on a serial line that sends one token a line.

Rules: a line is a token in its closed form (agent/token.py) or it is skipped, and never shown. Nothing is written to
the reader. Leaves out: the line itself (serial_line.py), and how fast tokens may come (slot.py).
"""

from __future__ import annotations

from collections.abc import Callable

from agent.adapters.serial_line import SerialLine
from agent.adapters.token.slot import Slot
from agent.ports import Clock
from agent.token import LONGEST, Token, TokenWay, read_line


class SerialTokens:
    """Implements `ports.TokenReader`.

    Args:
        port: the line's device file; it may come and go.
        baud: one of the speeds that termios names.
        report: told in one line when the line cannot be read, once until it can.
        again_s: how long after a failure the line is opened again.
    """

    def __init__(self, port: str, baud: int, clock: Clock, report: Callable[[str], None], again_s: float = 1.0) -> None:
        self._slot = Slot(clock)
        self._line = SerialLine(
            port,
            baud,
            name="tokens",
            longest=LONGEST,
            heard=self._heard,
            lost=self._slot.close,
            report=lambda why: report(f"reader: {port}: {why}; see to the reader and reader.port; it is tried again"),
            again_s=again_s,
        )

    @property
    def lines(self) -> int:
        """How many lines have been heard, good and bad."""
        return self._line.lines

    def token(self, now_ns: int) -> Token | None:
        return self._slot.token(now_ns)

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        self._line.close()
        self._slot.close()

    def _heard(self, text: bytes) -> None:
        found = read_line(text, TokenWay.SERIAL)
        if found is not None:
            self._slot.put(found)
