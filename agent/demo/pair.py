"""The two processes of one loop, and the inbox into which everything comes that is heard while it plays.

Rules: both start at once and wait for their config, so that their imports overlap with making the site; this file
imports nothing that takes time, for the same reason. Leaves out: what the messages mean (conduct.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, TypeAlias

from agent.demo import recorder
from agent.demo.process import Child, start

if TYPE_CHECKING:
    from agent.demo.subscriber import Heard


class PipeClosed:
    """The recogniser's end of the pipe is gone: it has ended."""


class PageAt:
    """The link serves the page here."""

    def __init__(self, url: str) -> None:
        self.url = url


Inbox: TypeAlias = "Queue[recorder.Record | Heard | PipeClosed | PageAt]"


class Pair:
    """Recogniser and link as processes that wait for their config."""

    def __init__(self, logs: Path, inbox: Inbox) -> None:
        """Main thread only, see `process.start`; `logs` takes what they say on stderr."""
        read_end, write_end = os.pipe()
        me, module = str(os.getpid()), "agent.demo.recogniser"
        self.recogniser = start(
            "recogniser", module, [me, str(write_end)], logs / "recogniser.err", fds=[write_end], ask=True
        )
        os.close(write_end)
        self.link = start("link", "agent.demo.link", [me], logs / "link.err", ask=True, answer=True)
        self._inbox = inbox
        threading.Thread(target=self._listen, args=(read_end,), name="recogniser-pipe", daemon=True).start()
        threading.Thread(target=self._hear_link, name="link-answer", daemon=True).start()

    def go(self, config: Path, passes: Path) -> None:
        """Both configs are written: let them begin."""
        _tell(self.link, str(config))
        _tell(self.recogniser, f"{config}\t{passes}")

    def enough(self) -> None:
        """The recogniser gives no further frame and runs on until `stop`."""
        _tell(self.recogniser, "enough")

    def _listen(self, read_end: int) -> None:
        with os.fdopen(read_end, encoding="ascii") as pipe:
            for line in pipe:
                self._inbox.put(recorder.read(line))
        self._inbox.put(PipeClosed())

    def _hear_link(self) -> None:
        assert self.link.process.stdout is not None
        with contextlib.suppress(ValueError):  # a link that dies half-way through a line, or is being closed
            for line in self.link.process.stdout:
                self._inbox.put(PageAt(json.loads(line)["page"]))

    def look(self) -> None:
        self.recogniser.look()
        self.link.look()

    def stop(self) -> None:
        """End both, the recogniser first: the link carries its last words."""
        self.recogniser.stop()
        self.link.stop()


def _tell(child: Child, line: str) -> None:
    """Say one line to a child's stdin; a child that has ended hears nothing, which is noticed elsewhere."""
    assert child.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.process.stdin.write(line + "\n")
        child.process.stdin.flush()
