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
from agent.adapters.keys import KeySource
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held, load_models
from agent.adapters.store import Store
from agent.app.alternative import self_test
from agent.app.config import DeviceConfig
from agent.app.erasure import Erasure
from agent.app.pad import open_pad
from agent.app.recogniser import open_gallery
from agent.app.stopped import open_law
from agent.errors import PolicyError, VaultError
from agent.gallery.alike import Alike, Distinct, compare
from agent.gallery.consent import Consent, read_receipt
from agent.gallery.enrol import NotPermitted, Rejected, Watch, enrol
from agent.gallery.gallery import Gallery
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.sitting import Sitting
from agent.gallery.tombstone import tombstone
from agent.gallery.vault import Rotation, VaultContext, lock
from agent.policy.bundle import PolicyDocument
from agent.policy.circumstances import Circumstances, SignSighting, Surroundings
from agent.policy.filing import filing_advice
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.policy.law import Law
from agent.policy.location import moved
from agent.units import Fix


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
        pad: only told to the gate, which asks for it where the policy does: nobody is let in here.
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
        pad: LoadedModel | None = None,
    ) -> None:
        self._store, self._keys, self._law, self._unix_s = store, keys, law, unix_s
        self._erasure = Erasure(store, keys, lambda line: None)  # only to open the vault: nobody is erased here
        self._detector, self._embedder = LiteRtDetector(detector), LiteRtEmbedder(embedder)
        self._model = ModelIdentity(embedder.sha256, embedder.runtime)
        self._context = VaultContext(keys.device, law.policy.site, self._model)
        self._rotation: Rotation | None = None
        self._gallery: Gallery | None = None
        self._around = Surroundings(
            unix_s=unix_s,
            lease_until_s=lease_until_s,
            fix=None,
            models=held(detector, embedder, pad),
            keys_sealed=True,
            ledger_writable=store.writable(),
            stopped=stopped,
            moved=False,
            stock=None,
            crossed_s=None,
            models_work=True,  # they were loaded just now, and no frame has been seen
            codes_read=self_test(lambda line: None).alive(0.0),
        )
        self._opened_ns = SystemClock().monotonic_ns()

    @property
    def law(self) -> Law:
        return self._law

    @property
    def policy(self) -> PolicyDocument:
        return self._law.policy.document

    def consent(self, receipt: bytes, source: str = "receipt") -> Consent:
        """The consent of a receipt that somebody brings for this device.

        Raises:
            PolicyError: not signed by an enrolment key of the law, not in force, not for this device and site, or the
                time is unknown.
            VaultError: this pseudonym has withdrawn.
        """
        consent = self.admitted(receipt, source)
        if self._context.device not in consent.devices:
            raise PolicyError(f"{source}: devices: does not name {self._context.device}; ask for consent to it")
        return consent

    def admitted(self, receipt: bytes, source: str = "receipt") -> Consent:
        """The same for whichever devices of the site the receipt names."""
        if self._unix_s is None:
            raise PolicyError(
                f"{source}: the clock is not trusted; set it, or bring the device in contact with the site"
            )
        consent = read_receipt(receipt, self.policy.enrolment_keys, self._unix_s, source)
        erased = tombstone(self._keys.ledger_key, consent.subject) in self._keys.erased.read()
        if erased or self._store.marks.withdrawn(consent.subject):
            raise VaultError(f"{source}: this pseudonym has withdrawn; enrol with a new receipt under a new pseudonym")
        if self._context.gallery != consent.site:
            raise PolicyError(f"{source}: site: is not {self._context.gallery}; ask for consent at this site")
        return consent

    @property
    def filing(self) -> str | None:
        """What to do about the filing duty, in one line; None: nothing yet."""
        filing_at = self._law.profile.filing_at
        people, crossed_s = self._store.people.stock(filing_at, self._unix_s)
        return filing_advice(people, filing_at, self._law.policy.document.filing, crossed_s)

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
        since_s, made = time.monotonic(), self.make(consent, pictures, watch)
        return self.keep(made, since_s) if isinstance(made, Reference) else made

    def make(
        self, consent: Consent, pictures: Sequence[CapturedFrame], watch: Watch | None = None
    ) -> Reference | Rejected:
        """Make one person's reference and keep nothing; arguments as for `enrol`.

        Raises:
            DeviceError: a model failed.
        """
        gate = Gate(self._law)
        return enrol(pictures, gate, self._here(), self._detector, self._embedder, consent, self._model, watch=watch)

    def sitting(self, gate: Gate, consent: Consent, limit_s: float) -> Sitting | NotPermitted:
        """The capture of one person at the camera; not permitted where it may not even be opened.

        Args:
            gate: under the desk's law.

        Raises:
            VaultError: the vault does not open, so that nobody could be compared afterwards.
        """
        refusal = gate.closed() or gate.closed_to(consent, self._here())
        if refusal is not None:
            return NotPermitted(refusal.grounds)
        self._opened_gallery()
        return Sitting(gate, self._detector, self._embedder, consent, self._model, round(limit_s * 1e9))

    def here(self, captured_ns: int, fix: Fix | None, sign: SignSighting | None) -> Circumstances:
        """What is the case at one frame of the camera; `captured_ns` as the system's monotonic clock counts."""
        document = self._law.policy.document
        unix_s = None if self._unix_s is None else self._unix_s + (captured_ns - self._opened_ns) / 1e9
        around = replace(
            self._here().surroundings,
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
        keys = self._erasure.vault_keys()
        distinct = compare(reference, self._opened_gallery(), one_to_one=self._law.one_to_one)
        if not isinstance(distinct, Distinct):
            return distinct
        made = distinct.reference
        self._rotation = self._rotation or Rotation(keys.gallery, self._context.rotation, len(made.template.vector))
        self._store.put_reference(lock(made, self._context, keys, self._rotation), self._unix_s)
        self._gallery = None  # there is one more in it now
        return Kept(distinct.too_like, time.monotonic() - since_s)

    def _here(self) -> Circumstances:
        """What is the case now, away from the door: the stock counts everybody who was enrolled so far."""
        people, crossed_s = self._store.people.stock(self._law.profile.filing_at, self._unix_s)
        return Circumstances(0, replace(self._around, stock=people, crossed_s=crossed_s), None)

    def _opened_gallery(self) -> Gallery:
        """Everybody here; opened once, since that takes a second or two where there are many."""
        gallery = self._gallery or open_gallery(self._store, self._erasure, self._model)
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
            pad=open_pad(config.path(config.models.directory), report),
        )
