"""The receiver's serial line.

Rules: nothing is ever written to the receiver. What is no sentence is skipped. While the line is gone there is no
position. Leaves out: the line itself (serial_line.py), and what is believed (receiver.py).
"""

from __future__ import annotations

from collections.abc import Callable

from agent.adapters.gnss.nmea import LONGEST, parse
from agent.adapters.gnss.receiver import Receiver
from agent.adapters.serial_line import SerialLine
from agent.ports import Clock
from agent.units import Fix


class SerialLocator:
    """`ports.Locator` over a receiver that speaks NMEA 0183.

    Args:
        port: the line's device file; it may come and go.
        baud: one of the speeds that termios names.
        uere_m: see `Receiver`.
        report: told in one line when the line cannot be read, once until it can.
        again_s: how long after a failure the line is opened again.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        clock: Clock,
        report: Callable[[str], None],
        uere_m: float | None = None,
        again_s: float = 1.0,
    ) -> None:
        self._clock, self._receiver = clock, Receiver(uere_m)
        self._line = SerialLine(
            port,
            baud,
            name="position",
            longest=LONGEST,
            heard=self._heard,
            lost=lambda: self._receiver.lost(clock.monotonic_ns()),
            report=lambda why: report(
                f"position: {port}: {why}; see to the receiver and position.port; it is tried again"
            ),
            again_s=again_s,
        )

    @property
    def lines(self) -> int:
        """How many lines have been heard, good and bad."""
        return self._line.lines

    def fix(self, now_ns: int) -> Fix | None:
        return self._receiver.fix(now_ns)

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        self._line.close()

    def _heard(self, text: bytes) -> None:
        sentence = parse(text)
        if sentence is not None:
            self._receiver.hear(sentence, self._clock.monotonic_ns())
