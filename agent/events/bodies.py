"""Bodies of telemetry: the closed list of what a device may say about itself.

Rules: no free text, no person, no score; a field is a number, an id, a hash or a member of an enum; a field of another
name is refused. Times are Unix seconds. Leaves out: signature and addressing (telemetry.py).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field, model_validator

from agent.events.command import CommandId, Result
from agent.events.decision import Outcome
from agent.events.seal import Base64
from agent.policy.bundle import View
from agent.policy.document import Strict
from agent.policy.fields import Hex32, Mode, Name, PixelPolygon, ProfileName, Purpose
from agent.policy.grounds import Ground
from agent.policy.proof import Evidence
from agent.policy.zones import MultiPolygon, Polygon, ZoneClass

UnixS = Annotated[float, Field(ge=0, lt=2**40)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,62}$")]
Degrees = Annotated[float, Field(ge=0, lt=360)]


@unique
class State(StrEnum):
    ONLINE = "online"
    REFUSED = "refused"


@unique
class Backend(StrEnum):
    PLAIN = "plain"
    SYSTEMD = "systemd-credentials"
    TPM2 = "tpm2"


@unique
class EraseStrength(StrEnum):
    HARDWARE = "hardware"
    SPLIT = "split"
    BEST_EFFORT = "best-effort"


@unique
class Acknowledge(StrEnum):
    """What frees an event from the outbox: the consumer's own word, or only the broker's."""

    CONSUMER = "consumer"
    PUBACK = "puback"


@unique
class Met(StrEnum):
    MET = "met"
    EXPIRING = "expiring"
    """Met, but what it stands on ends within `policy.proof.SOON_DAYS`."""
    UNMET = "unmet"
    UNKNOWN = "unknown"
    NOT_BINDING = "not-binding"
    """The policy's profile leaves it open."""


@unique
class Stage(StrEnum):
    """Parts of the work on one frame; `frame` is all of it."""

    CODES = "codes"
    GATE = "gate"
    DETECT = "detect"
    PROBE = "probe"
    EMBED = "embed"
    IDENTIFY = "identify"
    PAD = "pad"
    COMMIT = "commit"
    FRAME = "frame"


class Models(Strict):
    detector: Hex32
    embedder: Hex32
    runtime: Version
    """Runtime and its version, for instance `ai-edge-litert-2.3.0`."""


class Status(Strict):
    """The heartbeat."""

    state: State
    grounds: tuple[Ground, ...]
    """Every unmet one, in the gate's order; empty exactly when the state is online."""
    agent: Version
    policy_version: Annotated[int, Field(ge=1)] | None
    mode: Mode | None
    models: Models | None
    key_backend: Backend
    erase_strength: EraseStrength
    single_key: bool
    acknowledge: Acknowledge
    outcome_in_clear: bool = False
    """The policy lets events say the class of their outcome to whoever hears the broker."""

    @model_validator(mode="after")
    def _refused_for_a_reason(self) -> Status:
        if (self.state is State.REFUSED) != bool(self.grounds):
            raise ValueError("refused names its grounds, online has none")
        return self


class Obliged(Strict):
    ground: Ground
    state: Met
    since_s: UnixS
    until_s: UnixS | None = None
    """When what it stands on ends; None: at no date, or it is not met."""
    evidence: Evidence | None = None
    """What proves it; None: nothing that has an id, or it is not met."""

    @model_validator(mode="after")
    def _only_what_is_met_stands_on_something(self) -> Obliged:
        met = self.state in (Met.MET, Met.EXPIRING)
        if not met and (self.until_s is not None or self.evidence is not None):
            raise ValueError("what is not met has no end and no evidence")
        if self.state is Met.EXPIRING and self.until_s is None:
            raise ValueError("what is expiring has its end")
        return self


class Compliance(Strict):
    profile: ProfileName | None = None
    """The policy's; None while there is no policy."""
    obligations: tuple[Obliged, ...]
    consents: Count | None = None
    """People whose consent is kept here; None while they cannot be counted."""
    assessment_until_s: UnixS | None = None
    """End of the impact assessment; None: there is none."""
    filing_left: Count | None = None
    """People until the filing duty begins; 0: it has begun. None: there is no such duty."""


class StageTime(Strict):
    stage: Stage
    median_ms: Annotated[float, Field(ge=0, lt=1e6)]


class RefusedFrames(Strict):
    ground: Ground
    frames: Count


class Hourly(Strict):
    """Decisions of one outcome in one closed hour: never the number, only the five that it lies in."""

    outcome: Outcome
    at_least: Annotated[int, Field(ge=0, lt=2**53, multiple_of=5)]
    """0 stands for none to four."""


class Metrics(Strict):
    fps: Annotated[float, Field(ge=0, lt=1000)]
    stages: tuple[StageTime, ...]
    queue: Count
    """Events in the outbox that nobody has acknowledged yet."""
    frames: Count
    """Since start."""
    refused: tuple[RefusedFrames, ...]
    rss_kb: Count
    oldest_days: Count | None = None
    """Age of the oldest template in whole days; None: there is none, or the clock is not trusted (Measures art. 8)."""
    purge_in_days: Count | None = None
    """Whole days until the next template is erased because its time is over; None likewise."""
    hour_s: UnixS | None = None
    """Beginning of the hour that `hourly` tells of; None: no whole hour has been counted yet."""
    hourly: tuple[Hourly, ...] = ()
    thinned: Count = 0
    """Metrics since start that gave way to a newer one before they could go out."""
    temperature_c: Annotated[float, Field(ge=-100, le=200)] | None = None
    """The hottest that the machine measures in itself; None: it measures nothing."""
    throttled: bool | None = None
    """The machine has slowed itself down for heat or power, and fewer frames are looked at; None: it does not say."""
    under_voltage: bool | None = None
    """Its supply is too weak, and fewer frames are looked at; None: it does not say."""
    camera_restarts: Count = 0
    """How often the camera was opened again since start because it failed or gave nothing."""


class Ledger(Strict):
    """A signed checkpoint of the ledger, as ledger/checkpoint.py made it."""

    size: Count
    root: Hex32
    at_s: UnixS
    key: Hex32
    signature: Base64


class CameraPlace(Strict):
    """Where the camera is, and what it looks at as far as the policy or the survey says so (None: not surveyed)."""

    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    sigma_m: Annotated[float, Field(ge=0, le=10_000)]
    bearing_deg: Degrees | None = None
    """Clockwise from north."""
    view_deg: Annotated[float, Field(gt=0, lt=180)] | None = None
    """Horizontal angle of view."""
    reach_m: Annotated[float, Field(gt=0, le=1000)] | None = None


class NoticeZone(Strict):
    id: Name
    class_: Annotated[ZoneClass, Field(alias="class")]
    geometry: Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
    """GeoJSON, as the policy has it."""
    buffer_m: Annotated[float, Field(ge=0, le=10_000)]
    timed: bool
    """In force at certain times only; the policy says which."""


class Notice(Strict):
    """What a passer-by's phone may read, and what the page draws the plan from."""

    controller: Name
    """Id of who answers for the site; name and contact stand in the notice that the hash is of."""
    purpose: Purpose
    mode: Mode
    version: Name
    sha256: Hex32
    sign: Name
    door: Name
    view: View
    attempt: PixelPolygon
    excluded: tuple[PixelPolygon, ...]
    zones: tuple[NoticeZone, ...]
    """Those near the camera."""
    margin_m: Annotated[float, Field(ge=0, le=1000)]
    camera: CameraPlace | None
    """None while the position is unknown."""


class Answer(Strict):
    """What became of a command."""

    id: CommandId | None
    """As the command had it; None where it had none, or could not be read."""
    result: Result
    stopped_until_s: UnixS | None
    """End of the stop that is in force by command; None: there is none."""


Body = Status | Compliance | Metrics | Ledger | Notice | Answer
