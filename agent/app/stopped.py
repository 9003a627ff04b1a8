"""A stopped device, opened: its keys, its store, and the law that its site publishes now or published last.

Rules: only one process at a time works on a state folder; an erasure that was cut off is finished first. Leaves out:
what is then done with it (desk.py, records.py, why.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent.adapters.clock import SystemClock
from agent.adapters.fetch import Repository
from agent.adapters.keys import KeySource
from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.authority import follow
from agent.app.config import DeviceConfig
from agent.app.custody import Custody
from agent.app.erasure import Erasure
from agent.app.keys import open_keys
from agent.app.recogniser import alone
from agent.app.standing import Standing
from agent.app.timekeeping import hear, trusted_clock
from agent.errors import LinkError, PolicyError
from agent.events.wire import FetchOutcome
from agent.units import DeviceId, SiteId


@contextmanager
def open_law(
    config: DeviceConfig, report: Callable[[str], None]
) -> Iterator[tuple[KeySource, Store, Standing, float | None]]:
    """A stopped device's keys, store, what stands for it now, and the trusted time; there is a law in the standing.

    Raises:
        PolicyError: the site has no policy in force that this device could verify.
        ConfigError, VaultError, DeviceError: see `open_store`.
    """
    with open_store(config) as (keys, store):
        clock, trusted = SystemClock(), trusted_clock(store)
        verified = _verified(config, trusted.proved(clock.monotonic_ns()), report)
        hear(verified, trusted, store, clock.monotonic_ns())
        now_s = trusted.now(clock.unix_s(), clock.monotonic_ns())
        erasure = Erasure(store, keys, report)
        erasure.settle(now_s)
        standing = Standing(store, Custody(store, keys, erasure, report), lambda: None, report)
        standing.take(verified, now_s)
        if standing.law is None:
            raise PolicyError(f"{config.site.repository}: no policy for this device can be used; see the line above")
        yield keys, store, standing, now_s


@contextmanager
def open_store(config: DeviceConfig) -> Iterator[tuple[KeySource, Store]]:
    """A stopped device's keys and store; no network, no law.

    Raises:
        ConfigError: the recogniser runs.
        VaultError, DeviceError: keys or store cannot be used.
    """
    with alone(config.state):
        keys = open_keys(config)
        store = Store.open(
            config.state / "store.sqlite",
            site=SiteId(config.site.name),
            device=DeviceId(config.device.id),
            ledger_key=keys.ledger_key,
        )
        try:
            yield keys, store
        finally:
            store.close()


def _verified(config: DeviceConfig, judged_s: float, report: Callable[[str], None]) -> Verified:
    """The site's present state; without contact the last one that was verified here, with its own lease."""
    url = config.site.repository
    repository = Repository(url)

    def fetch(path: str, limit: int) -> bytes | None:
        outcome, data = repository.fetch(path, limit)
        if outcome is FetchOutcome.BYTES:
            return data
        if outcome is FetchOutcome.ABSENT:
            return None
        raise LinkError(f"{url}: not reachable; look at site.repository and the network")

    updates = follow(config.state / "tuf", config.site.root_sha256, fetch, DeviceId(config.device.id))
    try:
        return updates.refresh(judged_s)
    except LinkError as error:
        kept = updates.load()
        if kept is None:
            raise
        report(f"{error}; using what was verified before")
        return kept
