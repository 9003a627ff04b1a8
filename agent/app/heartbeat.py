"""When and what the recogniser says about itself: status, compliance, metrics, ledger, notice.

Rules: status and compliance go out at once when they change, and at least every 15 s; metrics when the grounds change
and every 5 s; a checkpoint of the ledger every 60 s or 100 entries, whichever is first. Only bodies of events/bodies.py
leave.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from agent import __version__
from agent.adapters.store import Store
from agent.crypto import SignSecret
from agent.events import bodies
from agent.events.bodies import Body
from agent.ledger.checkpoint import read_checkpoint
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.location import Gnss, Pose, Spot, spot
from agent.policy.proof import ends_s, evidence, soon
from agent.policy.rules import OBLIGATIONS
from agent.ports import Clock
from agent.units import Fix, Sha256

_BEAT_S: Final = 15.0
_METRICS_S: Final = 5.0
_CHECKPOINT_S: Final = 60.0
_CHECKPOINT_ENTRIES: Final = 100
_PLAN_POSITIONS: Final = 1_500
_SIGMA_M: Final = 10_000.0
"""The largest error that a notice can say."""


@dataclass(frozen=True, slots=True)
class Constant:
    """What does not change while the process runs."""

    models: bodies.Models | None
    key_backend: bodies.Backend
    erase_strength: bodies.EraseStrength
    acknowledge: bodies.Acknowledge


class Heartbeat:
    """Decides what is due; the caller signs and sends."""

    def __init__(self, constant: Constant, send: Callable[[Body], None], clock: Clock) -> None:
        self._constant = constant
        self.send: Final = send
        self._clock = clock
        self._grounds: tuple[Ground, ...] | None = None
        self._law: Law | None = None
        self._since: dict[Ground, tuple[bodies.Met, float]] = {}
        self._status_at = self._metrics_at = self._checkpoint_at = float("-inf")
        self._signed_size = 0
        self._signed_root: Sha256 | None = None
        self._notice: Body | None = None

    def beat(
        self,
        law: Law | None,
        grounds: tuple[Ground, ...],
        fix: Fix | None,
        unix_s: float,
        stock: int | None = None,
        crossed_s: float | None = None,
    ) -> None:
        """Send status, compliance and notice if something changed or the time has come.

        Args:
            stock: people whose consent is kept; None while they cannot be counted.
            crossed_s: when the stock reached the filing threshold; None: it has not, or nobody knows when.
        """
        now = self._clock.monotonic_ns() / 1e9
        if grounds == self._grounds and law is self._law and now - self._status_at < _BEAT_S:
            return
        if grounds != self._grounds:
            self._metrics_at = float("-inf")
        self._grounds, self._law, self._status_at = grounds, law, now
        document = None if law is None else law.policy.document
        self.send(
            bodies.Status(
                state=bodies.State.REFUSED if grounds else bodies.State.ONLINE,
                grounds=grounds,
                agent=__version__,
                policy_version=None if document is None else document.version,
                mode=None if document is None else document.mode,
                models=self._constant.models,
                key_backend=self._constant.key_backend,
                erase_strength=self._constant.erase_strength,
                single_key=document is not None and document.single_key,
                acknowledge=self._constant.acknowledge,
                outcome_in_clear=document is not None and document.outcome_class_in_clear,
            )
        )
        self.send(self._compliance(law, grounds, unix_s, stock, crossed_s))
        if law is not None:
            notice = _notice(law, fix)
            if notice != self._notice:
                self._notice = notice
                self.send(notice)

    def checkpoint(self, store: Store, secret: SignSecret, unix_s: float | None) -> None:
        """Sign the ledger's head when it is time, or when it has grown by a hundred entries."""
        now, size = self._clock.monotonic_ns() / 1e9, store.frontier.size
        if size == self._signed_size or (now < self._checkpoint_at and size - self._signed_size < _CHECKPOINT_ENTRIES):
            return
        signed = read_checkpoint(store.checkpoint(secret, unix_s))
        self._checkpoint_at, self._signed_size, self._signed_root = now + _CHECKPOINT_S, size, Sha256(signed.root)
        self.send(
            bodies.Ledger(
                size=signed.size,
                root=signed.root,
                at_s=(signed.time_ms or 0) / 1000,
                key=signed.key,
                signature=b64encode(bytes.fromhex(signed.signature)).decode("ascii"),
            )
        )

    def metrics_due(self) -> bool:
        now = self._clock.monotonic_ns() / 1e9
        if now - self._metrics_at < _METRICS_S:
            return False
        self._metrics_at = now
        return True

    def _compliance(
        self, law: Law | None, grounds: tuple[Ground, ...], unix_s: float, stock: int | None, crossed_s: float | None
    ) -> bodies.Compliance:
        obligations = list[bodies.Obliged]()
        models = self._constant.models
        loaded = () if models is None else (Sha256(models.detector), Sha256(models.embedder))
        for ground in (each.ground for each in OBLIGATIONS):
            met, until_s, proof = bodies.Met.UNMET, None, None
            if law is None:
                met = bodies.Met.UNKNOWN
            elif not law.binds(ground):
                met = bodies.Met.NOT_BINDING
            elif ground not in grounds:
                until_s = ends_s(ground, law, unix_s, stock, crossed_s)
                met = bodies.Met.EXPIRING if soon(until_s, unix_s) else bodies.Met.MET
                proof = evidence(ground, law, unix_s, loaded, self._signed_root)
            if self._since.get(ground, (None, 0.0))[0] is not met:
                self._since[ground] = (met, unix_s)
            since_s = self._since[ground][1]
            obligations.append(
                bodies.Obliged(ground=ground, state=met, since_s=since_s, until_s=until_s, evidence=proof)
            )
        assessment = None if law is None else law.policy.document.assessment
        filing_at = None if law is None else law.profile.filing_at
        return bodies.Compliance(
            consents=stock,
            assessment_until_s=None if assessment is None else assessment.until.timestamp(),
            filing_left=None if filing_at is None or stock is None else max(0, filing_at - stock),
            profile=None if law is None else law.policy.document.profile,
            obligations=tuple(obligations),
        )


def _notice(law: Law, fix: Fix | None) -> bodies.Notice:
    document = law.policy.document
    here = spot(document.location, fix)
    if here is not None and isinstance(document.location, Gnss):
        # A moving receiver would send a notice at every fix; whole ten-thousandths of a degree (11 m) are enough here.
        here = Spot(round(here.lat_deg, 4), round(here.lon_deg, 4), round(here.sigma_m))
    return bodies.Notice(
        controller=document.site,
        purpose=document.purpose,
        mode=document.mode,
        version=document.notice.version,
        sha256=document.notice.sha256,
        sign=document.sign.id,
        door=document.door,
        view=document.view,
        attempt=document.attempt.region,
        excluded=tuple(region.polygon for region in document.excluded),
        zones=tuple(_plan(law, here)),
        margin_m=document.margin_m,
        camera=None if here is None else _camera(here, document.pose),
    )


def _camera(here: Spot, pose: Pose | None) -> bodies.CameraPlace:
    place = bodies.CameraPlace(lat_deg=here.lat_deg, lon_deg=here.lon_deg, sigma_m=min(here.sigma_m, _SIGMA_M))
    if pose is None:
        return place
    looks = {"bearing_deg": pose.heading_deg, "view_deg": pose.view_deg, "reach_m": pose.range_m}
    return place.model_copy(update=looks)


def _plan(law: Law, here: Spot | None) -> Iterator[bodies.NoticeZone]:
    """As many zones of the place as a message holds."""
    positions = 0
    for zone in law.plan(here):
        positions += sum(len(ring) for rings in zone.geometry.pieces for ring in rings)
        if positions > _PLAN_POSITIONS:
            return
        timed = bool(zone.hours or zone.from_ or zone.until)
        fields = {"id": zone.id, "class": zone.class_, "geometry": zone.geometry, "buffer_m": zone.buffer_m}
        yield bodies.NoticeZone.model_validate({**fields, "timed": timed})
