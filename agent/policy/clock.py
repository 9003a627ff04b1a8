"""What time it is, as far as it can be proved: the system clock is believed only between two bounds.

Rules (docs: threats, "Time"): the floor is the latest of build time, the last signed `issued` of the timestamp role,
how far time has run since, and the last ledger time. Behind the floor, the floor is used. Ahead of the floor by more
than the lease the clock is untrusted, and stays so until a fresh timestamp whose `issued` is not older than the floor
arrives. A future time that nobody signed is never kept for good: a ledger time counts at most one lease beyond what is
proved, and only until the site signs a newer time, so that neither a lying time server nor a loop of restarts can push
the floor further, and no false future locks the device out. A false future that a stolen key signed is void as soon as
the site has taken that key away.

The floor moves on with CLOCK_MONOTONIC, which nobody can set: a clock that is stuck in 1970 must not stretch a lease.
Leaves out: reading clocks (the caller passes both), TUF (adapters/updates), the lease itself (rules.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Evidence:
    """It was at least `unix_s` when the monotonic clock stood at `at_ns`."""

    unix_s: float
    at_ns: int

    def by(self, monotonic_ns: int) -> float:
        return self.unix_s + max(0, monotonic_ns - self.at_ns) / 1e9


class TrustedClock:
    """One for the life of the process; all times are Unix seconds, `monotonic_ns` is CLOCK_MONOTONIC of now."""

    __slots__ = ("_built_s", "_issued_s", "_lease_s", "_proved", "_recorded", "_wanted_s")

    def __init__(self, built_s: float, lease_s: float, monotonic_ns: int) -> None:
        """Start from the build time alone; say `signed`, `ran`, and then `recorded` to it with what the disk holds."""
        self._built_s, self._lease_s = built_s, lease_s
        self._issued_s = built_s
        self._proved = _Evidence(built_s, monotonic_ns)
        self._recorded: _Evidence | None = None
        self._wanted_s: float | None = None

    def now(self, system_unix_s: float, monotonic_ns: int) -> float | None:
        """The trusted time; None while the clock is untrusted.

        The answer None is remembered: a clock that has lied is not believed again because it stopped, only because a
        signature says so.
        """
        floor_s = self.floor(monotonic_ns)
        if not system_unix_s <= floor_s + self._lease_s and self._wanted_s is None:  # also for a NaN
            self._wanted_s = (self._recorded or self._proved).unix_s
        return None if self._wanted_s is not None else max(system_unix_s, floor_s)

    def floor(self, monotonic_ns: int) -> float:
        """The earliest that it can be now: for judging signed data, and for dating, while `now` is None."""
        proved_s = self.proved(monotonic_ns)
        return proved_s if self._recorded is None else max(proved_s, self._recorded.by(monotonic_ns))

    def proved(self, monotonic_ns: int) -> float:
        """The part of the floor that rests on signatures and on CLOCK_MONOTONIC alone."""
        return self._proved.by(monotonic_ns)

    def signed(self, issued_s: float, monotonic_ns: int) -> None:
        """A timestamp that the site signed was verified; an older one than known changes nothing."""
        if self._wanted_s is not None and issued_s >= self._wanted_s:
            self._wanted_s = None
        if issued_s > self._issued_s:
            self._issued_s, self._recorded = issued_s, None
            self.ran(issued_s, monotonic_ns)

    def ran(self, proved_s: float, monotonic_ns: int) -> None:
        """So far an earlier process had `proved` time to have run."""
        if proved_s > self.proved(monotonic_ns):
            self._proved = _Evidence(proved_s, monotonic_ns)

    def recorded(self, ledger_s: float, monotonic_ns: int) -> None:
        """An entry with this time stands in the ledger: time does not go back behind it."""
        known_s = min(ledger_s, self.proved(monotonic_ns) + self._lease_s)
        if known_s > self.floor(monotonic_ns):
            self._recorded = _Evidence(known_s, monotonic_ns)

    def voided(self, issued_s: float, monotonic_ns: int) -> None:
        """Whoever vouched for the time had lied and may no longer: only this word of the site, and the build, count."""
        self._issued_s = issued_s
        self._proved = _Evidence(max(self._built_s, issued_s), monotonic_ns)
        self._recorded = self._wanted_s = None
