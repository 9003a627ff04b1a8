"""One aiming from its beginning to its end: the law first, a note in the ledger, the camera and the page, a note again.

Rules: only on a device whose recogniser does not run; no model is loaded and no vault opened. Where the policy keeps
the camera shut it stays shut. A look through the camera can be proved: the ledger says when it began and when it ended,
each under a signed checkpoint, and one that was cut off has no end. Leaves out: words and files (the command).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from agent.adapters.page import AimPage
from agent.adapters.store import Store
from agent.app.aim.looking import POSTS, Looking
from agent.app.config import DeviceConfig
from agent.app.eye import Eye
from agent.app.parts import Parts
from agent.app.stopped import open_law
from agent.app.strain import Strain
from agent.crypto import SignSecret, random_bytes
from agent.errors import PolicyError
from agent.ledger.entry import aimed
from agent.measured import Aimed
from agent.policy.aiming import Solved
from agent.policy.bundle import MarkerPlace
from agent.policy.gate import Gate
from agent.policy.grounds import Ground
from agent.policy.location import spot

_EVERY_NS: Final = 150_000_000
"""No more pictures than an eye can use: marks are looked for as carefully as at commissioning."""
_TAKE_S: Final = 0.25
_SECRET_BYTES: Final = 16
_SHUT: Final = {
    Ground.PLACE_PRIVATE: "the policy is of a private place, where no camera is opened",
    Ground.MODE_BLIND: "the policy's mode opens no camera",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the installer has measured and wants to keep."""

    aimed: Aimed
    solved: Solved
    place: MarkerPlace | None
    """Of the sign's mark; None: it was not seen often enough."""
    site: str


def aim(
    config: DeviceConfig,
    parts: Parts,
    *,
    address: str,
    port: int,
    report: Callable[[str], None],
    ready: Callable[[str], None],
) -> Kept | None:
    """Serve the page until it is done or a signal comes; None: nothing is to be kept.

    Args:
        ready: hears the page's address, with its token.

    Raises:
        ConfigError: the recogniser runs, or the page cannot be served there.
        PolicyError: there is no policy in force, or it keeps the camera shut.
        VaultError, DeviceError, LinkError: see `open_law`.
    """
    with open_law(config, report) as (keys, store, standing, now_s), ExitStack() as opened:
        law = standing.law
        gate = Gate(law)
        closed = gate.closed()
        if closed is not None or law is None:
            ground = Ground.NO_POLICY if closed is None else closed.grounds[0]
            raise PolicyError(f"camera: stays shut ({ground.value}): {_SHUT[ground]}; there is nothing to aim")
        locator = None if parts.open_locator is None else parts.open_locator()
        if locator is not None:
            opened.callback(locator.close)
        location = law.policy.document.location
        looking = Looking(law, gate, config.aim, spot(location, None))
        token, session = (random_bytes(_SECRET_BYTES).hex() for _ in range(2))
        page = AimPage(
            address, port, token=token, session=session, posts=POSTS, view=looking.jpeg, ask=looking.ask
        )  # fmt: skip
        opened.callback(page.close)
        opened.enter_context(_ended_by_signals(looking.over))
        opened.enter_context(_noted(store, keys.sign_secret, now_s))
        eye = Eye(parts.open_camera, config.camera.stall_s, report, Strain(report))
        opened.callback(eye.close)
        eye.open()
        page.start()
        ready(page.url)
        seen_ns = 0
        while not looking.over.is_set():
            captured = eye.take(_TAKE_S)
            if captured is None:
                if eye.failed or eye.over:
                    looking.without("failing" if eye.failed else "over")
                    looking.over.wait(_TAKE_S)
                continue
            if captured.captured_ns - seen_ns < _EVERY_NS:
                continue
            seen_ns = captured.captured_ns
            if locator is not None:
                looking.spot = spot(location, locator.fix(seen_ns))
            looking.see(captured)
        if looking.kept is None:
            return None
        return Kept(*looking.kept, looking.place(), law.policy.site)


@contextmanager
def _noted(store: Store, secret: SignSecret, now_s: float | None) -> Iterator[None]:
    """In the ledger from now on until the end, whatever ends it."""
    since_s = time.monotonic()

    def note(*, open: bool) -> None:
        unix_s = None if now_s is None else now_s + time.monotonic() - since_s
        store.note(aimed(open=open, unix_s=unix_s))
        store.checkpoint(secret, unix_s)

    note(open=True)
    try:
        yield
    finally:
        note(open=False)


@contextmanager
def _ended_by_signals(over: threading.Event) -> Iterator[None]:
    """Ctrl-C, an order to end, or a terminal that goes away ends it as the page's own button does."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    former = {number: signal.signal(number, lambda *_: over.set()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
