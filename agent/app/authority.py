"""The authority's word on its way into the core: what the site signed, checked on a thread of its own.

Rules: the thread asks through the link and verifies here; the main loop only ever takes a whole, verified state. A
failure leaves the former state in force until its lease ends, and is reported once until it changes.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.adapters.channel import Channel
from agent.adapters.keys import write_whole
from agent.adapters.updates import Fetch, Updates, Verified, pin_root
from agent.crypto import sha256
from agent.errors import DoorwardError
from agent.units import DeviceId

_FIRST_WAIT_S: Final = 0.1


def follow(folder: Path, root_sha256: str, fetch: Fetch, device: DeviceId | None = None) -> Updates:
    """The trusted metadata in `folder`, from the pinned root: the one on disk if its fingerprint fits, else fetched.

    Args:
        device: whose sealed enrolments are wanted; None: nobody's.

    Raises:
        PolicyError, LinkError, DeviceError: see `pin_root` and `Updates`.
    """
    kept = folder / "pinned.json"
    root = b""
    with contextlib.suppress(OSError):
        root = kept.read_bytes()
    if sha256(root) == root_sha256:
        return Updates(folder, root, fetch, device)
    root = pin_root(fetch, root_sha256)
    updates = Updates(folder, root, fetch, device)
    write_whole(kept, root, 0o600)
    return updates


class Authority:
    """Follows one site repository.

    Args:
        folder: `tuf/` of the state folder; no other process writes it.
        judged_s: the time that is proved. What nobody signed must not keep out a newer word of the site, by which it
            would be put right; whether the lease is over is asked by the gate. Asked on the authority's own thread.
        report: told once about each change of trouble, in one line.
        device: see `follow`.
    """

    def __init__(
        self,
        folder: Path,
        root_sha256: str,
        channel: Channel,
        every_s: float,
        judged_s: Callable[[], float],
        report: Callable[[str], None],
        device: DeviceId | None = None,
    ) -> None:
        self._device = device
        self._folder, self._root_sha256 = folder, root_sha256
        self._channel, self._every_s = channel, every_s
        self._judged_s, self._report = judged_s, report
        self._news: Verified | None = None
        self._lock = threading.Lock()
        self._closing, self._look = threading.Event(), threading.Event()
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="authority", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._look.set()
        self._thread.join(2.0)

    def look_now(self) -> None:
        """Do not wait for the next round."""
        self._look.set()

    def news(self) -> Verified | None:
        """The latest verified state, once; None when there is nothing new."""
        with self._lock:
            news, self._news = self._news, None
            return news

    def _run(self) -> None:
        updates: Updates | None = None
        while not self._closing.is_set():
            linked = self._channel.connected
            try:
                if updates is None:
                    updates = follow(self._folder, self._root_sha256, self._channel.fetch, self._device)
                    self._offer(updates.load())
                self._offer(updates.refresh(self._judged_s()))
                self._say(None)
            except DoorwardError as error:
                self._say(str(error) if linked and self._channel.connected else None)
            self._look.wait(self._every_s if self._channel.connected else _FIRST_WAIT_S)
            self._look.clear()

    def _offer(self, verified: Verified | None) -> None:
        if verified is not None:
            with self._lock:
                self._news = verified

    def _say(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            self._report(trouble)
        self._trouble = trouble
