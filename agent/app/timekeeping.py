"""The trusted clock between the store and the site: where it starts, what it hears, and what it leaves on disk.

Rules: how far time has run is written down every `RUN_S`, together with the time up to which it may run before the next
line: so that not even a loop of restarts, each shorter than that, stops the time of a device whose clock is dead.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.policy.clock import TrustedClock
from agent.ports import Clock

LEASE_S: Final = 86_400.0
"""How far the system clock may run ahead of what is proved."""
BUILT_S: Final = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
"""It was at least then when this release was made."""
RUN_S: Final = 15.0


def trusted_clock(store: Store, monotonic_ns: int | None = None) -> TrustedClock:
    """A clock that starts from what the store remembers.

    Args:
        monotonic_ns: CLOCK_MONOTONIC of now; None reads it.
    """
    now_ns = time.monotonic_ns() if monotonic_ns is None else monotonic_ns
    trusted, known = TrustedClock(BUILT_S, LEASE_S, now_ns), store.times.known()
    for known_s, tell in (
        (known.signed_s, trusted.signed),
        (known.proved_s, trusted.ran),
        (known.recorded_s, trusted.recorded),
    ):
        if known_s is not None:
            tell(known_s, now_ns)
    return trusted


class DeviceTime:
    """What time it is, by the trusted clock; Unix seconds."""

    def __init__(self, trusted: TrustedClock, clock: Clock) -> None:
        self._trusted, self._clock = trusted, clock

    def unix_s(self) -> float | None:
        """None while the clock is untrusted."""
        return self._trusted.now(self._clock.unix_s(), self._clock.monotonic_ns())

    def dated_s(self) -> float:
        """The earliest that it can be while the clock is untrusted."""
        unix_s = self.unix_s()
        return self._trusted.floor(self._clock.monotonic_ns()) if unix_s is None else unix_s


def hear(verified: Verified, trusted: TrustedClock, store: Store, monotonic_ns: int) -> None:
    """Tell clock and store what the site signed about the time.

    Raises:
        DeviceError: the store cannot keep it; the clock has heard it all the same.
    """
    voided = store.times.voided(verified.issued_s, verified.clock_keys)
    (trusted.voided if voided else trusted.signed)(verified.issued_s, monotonic_ns)
    store.times.signed(verified.issued_s, verified.clock_keys)


def run_on(trusted: TrustedClock, store: Store, monotonic_ns: int) -> None:
    """Write down how far time has run; call it at the start and every `RUN_S`.

    Raises:
        DeviceError: the store cannot keep it.
    """
    store.times.run(trusted.proved(monotonic_ns), trusted.floor(monotonic_ns) + RUN_S)
