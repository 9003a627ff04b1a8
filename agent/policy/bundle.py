"""The site policy and the restrictions: what the authority signed, as frozen values.

Rules: a `Policy` is made from a `VerifiedTarget` only; whatever the document leaves open is refused, not guessed.
Pixel regions are in pixels of the recognition picture (`view`), zones on the earth are longitude, latitude in degrees
(RFC 7946 order). Leaves out: TUF (adapters/updates.py), rules (rules.py).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from agent.errors import PolicyError
from agent.policy.declared import (
    Alternative,
    Assessment,
    Basis,
    Consented,
    Filing,
    Inspection,
    Justified,
    Necessity,
    Notice,
    Retention,
    notice_sha256,
)
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Mode, Name, Pixel, PixelPolygon, Place, ProfileName, Purpose
from agent.policy.geofence import Fence
from agent.policy.grounds import Ground
from agent.policy.location import Gnss, Pose, Survey
from agent.policy.operating import OperatingPoint
from agent.policy.pad import Pad
from agent.policy.tokens import Tokens
from agent.policy.zones import Zone
from agent.units import DeviceId, DoorId, Sha256, SiteId


class View(Strict):
    width: Annotated[int, Field(ge=64, le=4096)]
    height: Annotated[int, Field(ge=64, le=4096)]


class Attempt(Strict):
    """How a person opts in, and how often the face may then be looked at."""

    region: PixelPolygon
    dwell_s: Annotated[float, Field(ge=0.3, le=10)]
    probes: Annotated[int, Field(ge=1, le=3)]
    window_s: Annotated[float, Field(gt=0, le=0.5)]
    leave_s: Annotated[float, Field(ge=2, le=60)]
    inter_eye_px: Annotated[float, Field(ge=20, le=400)]


class ExcludedRegion(Strict):
    id: Name
    polygon: PixelPolygon
    code_readable: bool = False


class MarkerPlace(Strict):
    """Where in the image the sign's marker was when the sign was attested; a copy elsewhere does not count."""

    number: Annotated[int, Field(ge=0, le=47)]
    corners: Annotated[tuple[Pixel, ...], Field(min_length=4, max_length=4)]
    tolerance_px: Annotated[float, Field(gt=0, le=60)]


class Sign(Strict):
    id: Name
    marker: MarkerPlace | None = None
    inspection: Inspection | None = None
    notice_sha256: Hex32 | None = None
    """The notice that the mounted sign refers to, as it was attested."""
    until: AwareDatetime | None = None
    """The date printed on the sign; None: it holds as long as the policy."""
    lost_hold_s: Annotated[float, Field(ge=0, le=2)] = 0.5
    clear_hold_s: Annotated[float, Field(ge=2, le=60)] = 2.0
    clear_frames: Annotated[int, Field(ge=5, le=1000)] = 5

    @model_validator(mode="after")
    def _one_proof(self) -> Sign:
        if self.marker is None and self.inspection is None:
            raise ValueError("name a marker place or a dated inspection")
        return self


ModelRole = Literal["detector", "embedder", "pad"]


class Allowed(Strict):
    """A model by its hash; what it may put out is checked against its manifest entry."""

    role: ModelRole
    sha256: Hex32


class EnrolledDevice(Strict):
    id: Name
    signing_key: Hex32
    box_key: Hex32


class Elsewhere(Strict):
    """How far a key may enrol people for a device from another place; without it, not at all."""

    doors: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=len(Purpose))]
    per_day: Annotated[int, Field(ge=1, le=10_000)]
    """People a device takes on one day (UTC) by this key."""


class EnrolmentKey(Strict):
    key: Hex32
    until: AwareDatetime
    elsewhere: Elsewhere | None = None


class PassKey(Strict):
    key: Hex32
    doors: Annotated[tuple[Name, ...], Field(min_length=1)]
    until: AwareDatetime
    max_days: Annotated[int, Field(ge=1, le=366)] = 31
    """No pass of this key holds longer, from its first day to its last."""
    per_day: Annotated[int, Field(ge=1, le=100_000)] = 200
    """How many openings each device grants to passes of this key on one day (UTC)."""


class CommandKey(Strict):
    """May sign commands to devices, which only take back what a command has done."""

    key: Hex32
    until: AwareDatetime


class PolicyDocument(Strict):
    schema_: Annotated[Literal["doorward/policy/1"], Field(alias="schema")]
    site: Name
    version: Annotated[int, Field(ge=1)]
    single_key: bool
    from_: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime
    profile: ProfileName = ProfileName.STRICT
    stricter: tuple[Ground, ...] = ()
    """Obligations that bind here although the profile leaves them open."""
    place: Place
    purpose: Purpose
    necessity: Necessity | None = None
    mode: Mode
    identify: Justified | None = None
    basis: Basis = Consented(kind="consent")
    assessment: Assessment | None = None
    alternatives: tuple[Alternative, ...] = ()
    filing: Filing | None = None
    door: Name
    outcome_class_in_clear: bool = False
    view: View
    attempt: Attempt
    excluded: tuple[ExcludedRegion, ...] = ()
    sign: Sign
    location: Annotated[Survey | Gnss, Field(discriminator="kind")]
    margin_m: Annotated[float, Field(ge=0, le=1000)] = 5.0
    pose: Pose | None = None
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}$")] | None = None
    """IANA name, for instance `Europe/Berlin`; the hours of zones are in its time."""
    zones: tuple[Zone, ...] = ()
    notice: Notice
    retention: Retention
    operating_point: OperatingPoint
    pad: Pad | None = None
    """Detection of presentation attacks; None asks for none."""
    models: Annotated[tuple[Allowed, ...], Field(min_length=1)]
    devices: Annotated[tuple[EnrolledDevice, ...], Field(min_length=1)]
    events_key: Hex32
    lifts: tuple[Name, ...] = ()
    """Restrictions that the permission role ends, by id."""
    enrolment_keys: tuple[EnrolmentKey, ...] = ()
    pass_keys: tuple[PassKey, ...] = ()
    tokens: Tokens | None = None
    """Cards and PINs that name people; None knows none."""
    command_keys: tuple[CommandKey, ...] = ()
    """Who may end a `stop` that came by command; empty: it ends at its time alone."""

    @property
    def withdrawal_keys(self) -> tuple[str, ...]:
        """The public keys, in hex, whose withdrawal codes count, however long ago the keys have ended."""
        return *(each.key for each in self.enrolment_keys), *(each.key for each in self.pass_keys)

    @model_validator(mode="after")
    def _times_in_order(self) -> PolicyDocument:
        if self.until <= self.from_:
            raise ValueError("until must lie after from")
        return self

    @model_validator(mode="after")
    def _one_zone_of_a_name(self) -> PolicyDocument:
        twice = sorted(name for name, count in Counter(zone.id for zone in self.zones).items() if count > 1)
        if twice:
            raise ValueError(f"zone {twice[0]}: the id is given twice; give each zone its own")
        return self


@dataclass(frozen=True, slots=True)
class VerifiedTarget:
    """Bytes whose signatures, version and expiry the TUF client has verified. Made by adapters/updates.py alone."""

    role: Literal["permission", "restriction", "enrolment", "pass"]
    path: str
    data: bytes


POLICY_PATH = "permission/policy.json"


class Policy:
    """What the authority permits this device, once and for all frames until the next version.

    Raises:
        PolicyError: the target is of another role or path, malformed, or does not name this device.
    """

    __slots__ = ("device", "document", "door", "fence", "notice_is_its_hash", "sha256", "site")

    def __init__(self, target: VerifiedTarget, device: DeviceId) -> None:
        if target.role != "permission" or target.path != POLICY_PATH:
            raise PolicyError(f"{target.path}: a policy comes as {POLICY_PATH} from the permission role")
        document = read(target.data, PolicyDocument, target.path)
        named = [entry for entry in document.devices if entry.id == device]
        if len(named) != 1:
            raise PolicyError(f"{target.path}: devices: does not name {device} once; admit it with 'doorward site'")
        self.document = document
        self.sha256 = Sha256(hashlib.sha256(target.data).hexdigest())
        """Of the signed bytes: what the ledger has, and what stands as evidence."""
        self.device = named[0]
        self.site = SiteId(document.site)
        self.door = DoorId(document.door)
        self.fence = Fence(document.zones)
        texts = {language: text.model_dump() for language, text in document.notice.texts.items()}
        self.notice_is_its_hash = notice_sha256(texts) == document.notice.sha256
        """The texts of the notice are those that its hash is of; worked out once, not on every frame."""

    def in_force(self, unix_s: float) -> bool:
        return self.document.from_.timestamp() <= unix_s < self.document.until.timestamp()

    def allows_model(self, role: ModelRole, sha256: Sha256) -> bool:
        return any(model.role == role and model.sha256 == sha256 for model in self.document.models)


class Restriction(Strict):
    """One narrowing: it stays on the device until it expires or the permission role lifts it by id."""

    schema_: Annotated[Literal["doorward/restriction/1"], Field(alias="schema")]
    id: Name
    kind: Literal["withdraw", "stop", "zone", "incident", "revoke-pass"]
    subject: Name | None = None
    pass_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    zone: Zone | None = None
    at: AwareDatetime | None = None
    """When a major incident happened: no impact assessment of an earlier day counts from then on."""
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Restriction:
        said = {"withdraw": self.subject, "zone": self.zone, "incident": self.at, "revoke-pass": self.pass_id}
        if any((self.kind == kind) != (value is not None) for kind, value in said.items()):
            raise ValueError("withdraw names a subject, zone a zone, incident its time, revoke-pass a pass, stop none")
        return self

    def in_force(self, unix_s: float | None) -> bool:
        """An untrusted clock (None) never ends a restriction."""
        return self.until is None or unix_s is None or unix_s < self.until.timestamp()


def restriction(target: VerifiedTarget) -> Restriction:
    """Read one restriction target.

    Raises:
        PolicyError: wrong role or malformed.
    """
    if target.role != "restriction":
        raise PolicyError(f"{target.path}: a restriction comes from the restriction role")
    return read(target.data, Restriction, target.path)


def utc(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
