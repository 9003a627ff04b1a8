"""Enrolment at a desk: pictures that a consenting person hands in, on a device whose recogniser does not run.

Rules: the consent comes first and is checked against the law in force; every picture passes the gate; who is here under
another pseudonym, or too like somebody who is, is not kept; what is kept is one sealed row of the vault and one ledger
entry, or nothing. Leaves out: files and words (the command), the camera (app/capture.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from agent.adapters.clock import SystemClock, utc_offset_s
from agent.adapters.fetch import Repository
from agent.adapters.keys import KeySource, PlainKeys
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held, load_models
from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.authority import follow
from agent.app.config import DeviceConfig
from agent.app.recogniser import alone, open_gallery
from agent.app.standing import Standing
from agent.app.timekeeping import hear, trusted_clock
from agent.errors import LinkError, PolicyError, VaultError
from agent.events.wire import FetchOutcome
from agent.gallery.alike import Alike, Distinct, compare
from agent.gallery.consent import Consent, read_receipt
from agent.gallery.enrol import NotPermitted, Rejected, Watch, enrol
from agent.gallery.gallery import Gallery
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.sitting import Sitting
from agent.gallery.vault import Rotation, VaultContext, lock
from agent.policy.circumstances import Circumstances, SignSighting, Surroundings
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.policy.law import Law
from agent.policy.location import moved
from agent.units import DeviceId, Fix, SiteId


@dataclass(frozen=True, slots=True)
class Kept:
    """One person's reference is in the vault."""

    too_like: bool
    """Too like somebody else for 1:N; only in 1:1, where it is worth a warning."""
    seconds: float
    """From the first picture that was looked at (or, at the camera, taken) to the row on the disk."""


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
        self._gallery: Gallery | None = None
        stock, crossed_s = store.stock(law.profile.filing_at, unix_s)
        around = Surroundings(
            unix_s=unix_s,
            lease_until_s=lease_until_s,
            fix=None,
            models=held(detector, embedder),
            keys_sealed=True,
            ledger_writable=store.writable(),
            stopped=stopped,
            moved=False,
            stock=stock,
            crossed_s=crossed_s,
        )
        self._here = Circumstances(0, around, None)
        self._opened_ns = SystemClock().monotonic_ns()

    @property
    def law(self) -> Law:
        return self._law

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
        if consent.subject in self._store.tombstones():
            raise VaultError(f"{source}: this pseudonym has withdrawn; enrol with a new receipt under a new pseudonym")
        if self._context.device not in consent.devices:
            raise PolicyError(f"{source}: devices: does not name {self._context.device}; ask for consent to it")
        if self._context.gallery != consent.site:
            raise PolicyError(f"{source}: site: is not {self._context.gallery}; ask for consent at this site")
        return consent

    def enrol(
        self, consent: Consent, pictures: Sequence[CapturedFrame], watch: Watch | None = None
    ) -> Kept | Rejected | Alike:
        """Make and keep one person's reference from pictures.

        Args:
            pictures: see `recording.handed_in`; they are gone afterwards.

        Raises:
            PolicyError: the consent does not cover this device or site.
            VaultError: the vault cannot keep it, or cannot be opened to compare it.
            DeviceError: the disk or a model failed.
        """
        since_s, gate = time.monotonic(), Gate(self._law)
        made = enrol(pictures, gate, self._here, self._detector, self._embedder, consent, self._model, watch=watch)
        return self.keep(made, since_s) if isinstance(made, Reference) else made

    def sitting(self, gate: Gate, consent: Consent, limit_s: float) -> Sitting | NotPermitted:
        """The capture of one person at the camera; not permitted where it may not even be opened.

        Args:
            gate: under the desk's law.

        Raises:
            VaultError: the vault does not open, so that nobody could be compared afterwards.
        """
        refusal = gate.closed() or gate.closed_to(consent, self._here)
        if refusal is not None:
            return NotPermitted(refusal.grounds)
        self._opened_gallery()
        return Sitting(gate, self._detector, self._embedder, consent, self._model, round(limit_s * 1e9))

    def here(self, captured_ns: int, fix: Fix | None, sign: SignSighting | None) -> Circumstances:
        """What is the case at one frame of the camera; `captured_ns` as the system's monotonic clock counts."""
        document = self._law.policy.document
        unix_s = None if self._unix_s is None else self._unix_s + (captured_ns - self._opened_ns) / 1e9
        around = replace(
            self._here.surroundings,
            unix_s=unix_s,
            fix=fix,
            moved=moved(document.location, fix, captured_ns),
            utc_offset_s=None
            if document.timezone is None or unix_s is None
            else utc_offset_s(document.timezone, unix_s),
        )
        return Circumstances(captured_ns, around, sign)

    def keep(self, reference: Reference, since_s: float) -> Kept | Alike:
        """Compare a reference with everybody here, and keep it if it is distinct.

        Args:
            since_s: when its making began, on the monotonic clock.

        Raises:
            PolicyError, VaultError, DeviceError: see `enrol`.
        """
        keys = self._keys.vault_keys
        distinct = compare(reference, self._opened_gallery(), one_to_one=self._law.one_to_one)
        if not isinstance(distinct, Distinct):
            return distinct
        made = distinct.reference
        self._rotation = self._rotation or Rotation(keys.gallery, self._context.epoch, len(made.template.vector))
        self._store.put_reference(lock(made, self._context, keys, self._rotation), self._unix_s)
        self._gallery = None  # there is one more in it now
        return Kept(distinct.too_like, time.monotonic() - since_s)

    def _opened_gallery(self) -> Gallery:
        """Everybody here; opened once, since that takes a second or two where there are many."""
        context = self._context
        gallery = self._gallery or open_gallery(self._store, context.gallery, context.device, self._keys, self._model)
        if gallery is None:
            raise VaultError("vault: it does not open, see the line above; nobody can be compared, so nobody is kept")
        self._gallery = gallery
        return gallery


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
    with _open_store(config) as (keys, store):
        clock, trusted = SystemClock(), trusted_clock(store)
        verified = _verified(config, trusted.proved(clock.monotonic_ns()), report)
        hear(verified, trusted, store, clock.monotonic_ns())
        now_s = trusted.now(clock.unix_s(), clock.monotonic_ns())
        standing = Standing(keys.device, store, lambda: None, report)
        standing.take(verified, now_s)
        if standing.law is None:
            raise PolicyError(f"{config.site.repository}: no policy for this device can be used; see the line above")
        yield keys, store, standing, now_s


@contextmanager
def _open_store(config: DeviceConfig) -> Iterator[tuple[PlainKeys, Store]]:
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
