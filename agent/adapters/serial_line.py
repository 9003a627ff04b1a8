"""A serial line: opened raw, read on a thread of its own, and opened again when it is gone.

Rules: nothing is ever written to whoever is at its other end. A line of text without an end is dropped. A device file
is all it takes: the recogniser has no network. Leaves out: what a line of text means.
"""

from __future__ import annotations

import errno
import fcntl
import os
import selectors
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_CHUNK: Final = 4096


class SerialLine:
    """Hands on each line of text without its end; the callbacks run on its own thread.

    Args:
        port: the line's device file; it may come and go.
        baud: one of the speeds that termios names.
        longest: bytes of a text without an end that are kept. Of a longer one its last bytes are, so that whatever it
            is in the end, it is longer than this.
        heard: told each text.
        lost: told when the line is gone.
        report: told why the line cannot be read, once until it can.
        again_s: how long after a failure the line is opened again.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        name: str,
        longest: int,
        heard: Callable[[bytes], None],
        lost: Callable[[], None],
        report: Callable[[str], None],
        again_s: float = 1.0,
    ) -> None:
        self._port, self._speed = port, int(getattr(termios, f"B{baud}"))
        self._longest, self._heard, self._lost, self._report = longest, heard, lost, report
        self._again_s = again_s
        self._reported = False
        self.lines = 0
        """How many lines have been heard, good and bad."""
        self._wake, self._closing = os.pipe()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        if self._closing >= 0:
            os.close(self._closing)
            self._closing = -1
            self._thread.join()
            os.close(self._wake)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                try:
                    with self._opened() as line:
                        key = selector.register(line, selectors.EVENT_READ)
                        try:
                            self._read(line, selector)
                        finally:
                            selector.unregister(key.fileobj)
                        return
                except (OSError, termios.error) as error:
                    self._lost()
                    self._tell(error)
                if selector.select(self._again_s):
                    return

    def _read(self, line: int, selector: selectors.BaseSelector) -> None:
        """Until told to stop.

        Raises:
            OSError: the line is gone.
        """
        rest = b""
        while all(key.fd == line for key, _ in selector.select()):
            data = os.read(line, _CHUNK)
            if not data:
                raise OSError(errno.EPIPE, "the line has ended")
            self._reported = False
            *whole, rest = (rest + data).split(b"\n")
            for text in whole:
                self._heard(text)
                self.lines += 1
            rest = rest[-self._longest :]

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The line, raw and ours alone, without what has waited in it: nobody knows how old that is."""
        line = os.open(self._port, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(line, termios.TIOCEXCL)
            tty.setraw(line, termios.TCSANOW)
            mode = termios.tcgetattr(line)
            mode[2] = (mode[2] | termios.CLOCAL | termios.CREAD) & ~termios.CRTSCTS
            mode[4] = mode[5] = self._speed
            termios.tcsetattr(line, termios.TCSAFLUSH, mode)
            yield line
        finally:
            os.close(line)

    def _tell(self, error: Exception) -> None:
        if not self._reported:
            self._reported = True
            number, reason = error.args
            self._report("not a serial line" if number == errno.ENOTTY else reason)
