"""Enrolment at a desk: pictures that a consenting person hands in, on a device whose recogniser does not run.

Rules: the consent comes first and is checked against the law in force; every picture passes the gate; what is kept is
one sealed row of the vault and one ledger entry, or nothing. Leaves out: files and words (the command), capture at the
camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from agent.adapters.clock import SystemClock
from agent.adapters.fetch import Repository
from agent.adapters.keys import KeySource, PlainKeys
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held, load_models
from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.authority import follow
from agent.app.config import DeviceConfig
from agent.app.custody import Custody
from agent.app.recogniser import alone
from agent.app.standing import Standing
from agent.app.timekeeping import hear, trusted_clock
from agent.errors import LinkError, PolicyError, VaultError
from agent.events.wire import FetchOutcome
from agent.gallery.consent import Consent, read_receipt
from agent.gallery.enrol import Rejected, Watch, enrol
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.vault import Rotation, VaultContext, lock
from agent.policy.circumstances import Circumstances, Surroundings
from agent.policy.filing import filing_advice
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.policy.law import Law
from agent.units import DeviceId, SiteId


class Desk:
    """Enrols people, one after the other, under one law at one time.

    Args:
        unix_s: trusted time; None while the clock is not trusted, and then the gate refuses.
        lease_until_s: end of the site's signed freshness.
        stopped: a stop order is in force; then nobody is enrolled.
    """

    def __init__(
        self,
        store: Store,
        keys: KeySource,
        law: Law,
        detector: LoadedModel,
        embedder: LoadedModel,
        *,
        unix_s: float | None,
        lease_until_s: float | None,
        stopped: bool = False,
    ) -> None:
        self._store, self._keys, self._law, self._unix_s = store, keys, law, unix_s
        self._detector, self._embedder = LiteRtDetector(detector), LiteRtEmbedder(embedder)
        self._model = ModelIdentity(embedder.sha256, embedder.runtime)
        self._context = VaultContext(keys.device, law.policy.site, self._model)
        self._rotation: Rotation | None = None
        self._around = Surroundings(
            unix_s=unix_s,
            lease_until_s=lease_until_s,
            fix=None,
            models=held(detector, embedder),
            keys_sealed=True,
            ledger_writable=store.writable(),
            stopped=stopped,
            moved=False,
            stock=None,
            crossed_s=None,
        )

    def consent(self, receipt: bytes, source: str = "receipt") -> Consent:
        """The consent of a receipt that somebody brings.

        Raises:
            PolicyError: not signed by an enrolment key of the law, not in force, not for this device and site, or the
                time is unknown.
            VaultError: this pseudonym has withdrawn.
        """
        if self._unix_s is None:
            raise PolicyError(
                f"{source}: the clock is not trusted; set it, or bring the device in contact with the site"
            )
        consent = read_receipt(receipt, self._law.policy.document.enrolment_keys, self._unix_s, source)
        if self._store.marks.withdrawn(consent.subject):
            raise VaultError(f"{source}: this pseudonym has withdrawn; enrol with a new receipt under a new pseudonym")
        if self._context.device not in consent.devices:
            raise PolicyError(f"{source}: devices: does not name {self._context.device}; ask for consent to it")
        if self._context.gallery != consent.site:
            raise PolicyError(f"{source}: site: is not {self._context.gallery}; ask for consent at this site")
        return consent

    @property
    def filing(self) -> str | None:
        """What to do about the filing duty, in one line; None: nothing yet."""
        filing_at = self._law.profile.filing_at
        people, _ = self._store.people.stock(filing_at, self._unix_s)
        return filing_advice(people, filing_at, self._law.policy.document.filing)

    def enrol(self, consent: Consent, pictures: Sequence[CapturedFrame], watch: Watch | None = None) -> Rejected | None:
        """Make and keep one person's reference; None when it is kept.

        Args:
            pictures: see `recording.handed_in`; they are gone afterwards.

        Raises:
            PolicyError: the consent does not cover this device or site.
            VaultError: the vault cannot keep it.
            DeviceError: the disk or a model failed.
        """
        gate = Gate(self._law)
        people, crossed_s = self._store.people.stock(self._law.profile.filing_at, self._unix_s)
        here = Circumstances(0, replace(self._around, stock=people, crossed_s=crossed_s), None)
        made = enrol(pictures, gate, here, self._detector, self._embedder, consent, self._model, watch=watch)
        if not isinstance(made, Reference):
            return made
        keys = self._keys.vault_keys
        self._rotation = self._rotation or Rotation(keys.gallery, self._context.epoch, len(made.template.vector))
        self._store.put_reference(lock(made, self._context, keys, self._rotation), self._unix_s)
        return None


@contextmanager
def open_desk(config: DeviceConfig, report: Callable[[str], None]) -> Iterator[Desk]:
    """The desk of a stopped device, under the law that the site publishes now, or the last one that was verified here.

    Raises:
        ConfigError: the recogniser runs, or the keys are another device's.
        PolicyError: the site has no policy in force that this device could verify.
        VaultError, DeviceError: keys, store or models cannot be used.
    """
    with open_law(config, report) as (keys, store, standing, now_s):
        assert standing.law is not None
        detector, embedder = load_models(config.path(config.models.directory), threads=config.models.threads)
        yield Desk(
            store,
            keys,
            standing.law,
            detector,
            embedder,
            unix_s=now_s,
            lease_until_s=standing.lease_until_s,
            stopped=standing.stopped(now_s),
        )


@contextmanager
def open_law(
    config: DeviceConfig, report: Callable[[str], None]
) -> Iterator[tuple[PlainKeys, Store, Standing, float | None]]:
    """A stopped device's keys, store, what stands for it now, and the trusted time; there is a law in the standing.

    Raises:
        ConfigError, PolicyError, VaultError, DeviceError: see `open_desk`.
    """
    with open_store(config) as (keys, store):
        clock, trusted = SystemClock(), trusted_clock(store)
        verified = _verified(config, trusted.proved(clock.monotonic_ns()), report)
        hear(verified, trusted, store, clock.monotonic_ns())
        now_s = trusted.now(clock.unix_s(), clock.monotonic_ns())
        standing = Standing(store, Custody(store, keys, report), lambda: None, report)
        standing.take(verified, now_s)
        if standing.law is None:
            raise PolicyError(f"{config.site.repository}: no policy for this device can be used; see the line above")
        yield keys, store, standing, now_s


@contextmanager
def open_store(config: DeviceConfig) -> Iterator[tuple[PlainKeys, Store]]:
    """A stopped device's keys and store; no network, no law.

    Raises:
        ConfigError: the recogniser runs.
        VaultError, DeviceError: keys or store cannot be used.
    """
    with alone(config.state):
        keys = PlainKeys.open(config.state / "keys.json", insecure_dev=config.device.insecure_dev)
        if keys.device != config.device.id:
            raise VaultError(f"{config.state}: keys of device {keys.device}; correct device.id or device.state")
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

    updates = follow(config.state / "tuf", config.site.root_sha256, fetch)
    try:
        return updates.refresh(judged_s)
    except LinkError as error:
        kept = updates.load()
        if kept is None:
            raise
        report(f"{error}; using what was verified before")
        return kept
