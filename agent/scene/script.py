"""The scene file: people on paths, a sign, passes, cards, light, events, the position, as a strict TOML document.

Rules: unknown keys, wrong types, values out of range and times out of order are errors, and every fault of the file is
listed at once. Times are seconds from the scene's start, places are pixels of the 640 x 480 picture, sizes of people
are the distance between the eyes in pixels. Columns of the time tables are named at each field.
Leaves out: what a person looks like (cast.py), where somebody is between two way points (stage.py), what is lawful
(truth.py).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import ConfigError
from agent.policy.location import Pose
from agent.policy.zones import Zone
from agent.scene.held import Medium

WIDTH: Final = 640
HEIGHT: Final = 480
_LIMIT_BYTES: Final = 1_000_000

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Person = Annotated[str, Field(pattern=r"^P[1-9][0-9]?$")]
"""A pseudonym of the cast; never a name."""
Picture = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\.webp$")]
"""A WebP beside the scene file."""
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Across = Annotated[float, Field(ge=-400, le=1040)]
Down = Annotated[float, Field(ge=-400, le=880)]
InX = Annotated[float, Field(ge=0, le=WIDTH)]
InY = Annotated[float, Field(ge=0, le=HEIGHT)]
Polygon = Annotated[tuple[tuple[InX, InY], ...], Field(min_length=3, max_length=64)]
Layer = Literal["street", "path", "front"]
"""Depth, far to near; an occluder hides the layers before it."""
LAYERS: Final[tuple[Layer, ...]] = ("street", "path", "front")
Span = tuple[Seconds, Seconds]
Curve = Annotated[tuple[tuple[Seconds, Annotated[float, Field(ge=-60, le=60)]], ...], Field(min_length=1)]


class Part(BaseModel):
    """A frozen part of the document: unknown keys refused, types not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class Sign(Part):
    """The printed sign on the wall, known by its ArUco marker (DICT_4X4_50)."""

    marker: Annotated[int, Field(ge=0, le=47)]
    corners: Annotated[tuple[tuple[InX, InY], ...], Field(min_length=4, max_length=4)]
    """Corners of the marker, clockwise from its own top left."""
    tolerance_px: Annotated[float, Field(gt=0, le=60)]
    face: Picture
    """What the sign looks like apart from its marker."""
    covered: tuple[Span, ...] = ()
    """While something hangs before the sign: from, to."""


class Attempt(Part):
    """What the demo's signed policy says about opting in."""

    region: Polygon
    dwell_s: Annotated[float, Field(ge=0.3, le=10)] = 0.5
    probes: Annotated[int, Field(ge=1, le=3)] = 3
    window_s: Annotated[float, Field(gt=0, le=0.5)] = 0.5
    leave_s: Annotated[float, Field(ge=2, le=60)] = 2.0
    inter_eye_px: Annotated[float, Field(ge=20, le=400)] = 40.0
    pad: bool = False
    """Whether the policy asks for detection of presentation attacks."""


class Excluded(Part):
    id: Name
    polygon: Polygon


class Occluder(Part):
    """A part of the backdrop that stands before people of the named layer and of all farther ones."""

    before: Literal["street", "path"]
    polygon: Polygon


class Actor(Part):
    """One walk of one person."""

    person: Person
    layer: Layer
    path: Annotated[tuple[tuple[Seconds, Across, Down, Annotated[float, Field(ge=6, le=90)]], ...], Field(min_length=2)]
    """Time, x and y of the middle between the eyes, eye distance in pixels. Present from the first to the last time."""
    sprites: Annotated[tuple[tuple[Seconds, Name], ...], Field(min_length=1)]
    """Time from which on, sprite."""
    roll: Curve = ((0.0, 0.0),)
    """Time, degrees that the head leans to the right of the picture."""
    turn: Curve = ((0.0, 0.0),)
    """Time, degrees that the head is turned to the right of the picture, from how the sprite shows it."""
    blur: Curve = ((0.0, 0.0),)
    """Time, spread of the blur in pixels."""
    shade: Curve = ((0.0, 1.0),)
    """Time, light on this person alone, 1 as painted."""
    held: Medium | None = None
    """It is no person but a picture of one that somebody holds up; None: the person."""


class Pass(Part):
    """A QR pass held up to the camera; its text is given from outside when the scene is played."""

    name: Name
    person: Person | None = None
    """Whom the pass names; None: it is a visitor's."""
    heading: Picture
    """The band at the card's upper edge."""
    span: Span
    x: InX
    y: InY
    """Middle of the card."""
    module_px: Annotated[float, Field(ge=4, le=8)]
    """Pixels of the picture for one QR module."""
    tilt_deg: Annotated[float, Field(ge=-20, le=20)] = 0.0
    blur: Annotated[float, Field(ge=0, le=1.5)] = 0.0


class Card(Part):
    """A printed no-recognition card, held up."""

    person: Person | None = None
    """Who holds it and is to be left alone; None: it hangs where nobody can tell, and forbids for all."""
    span: Span
    x: InX
    y: InY
    """Middle of its mark."""
    side_px: Annotated[float, Field(ge=16, le=160)]
    """Pixels of the picture for one side of the mark."""
    tilt_deg: Annotated[float, Field(ge=-20, le=20)] = 0.0


class Event(Part):
    """Something that is no picture: the demo makes it happen."""

    t: Seconds
    kind: Literal["withdraw", "broker-stops", "broker-returns"]
    person: Person | None = None

    @model_validator(mode="after")
    def _person_where_one_is_meant(self) -> Event:
        if (self.kind == "withdraw") != (self.person is not None):
            raise ValueError("withdraw names a person, the other kinds name none")
        return self


class Position(Part):
    margin_m: Annotated[float, Field(ge=0, le=1000)]
    hertz: Annotated[float, Field(ge=0.5, le=20)]
    fixes: Annotated[
        tuple[
            tuple[
                Seconds,
                Annotated[float, Field(ge=-85, le=85)],
                Annotated[float, Field(ge=-180, le=180)],
                Annotated[float, Field(ge=0, le=1000)],
            ],
            ...,
        ],
        Field(min_length=1),
    ]
    """Time, latitude, longitude (degrees), one standard deviation (m); straight lines between."""
    pose: Pose | None = None
    zones: tuple[Zone, ...]
    """As in a policy; a scene has no calendar, so they are in force all the time."""

    @model_validator(mode="after")
    def _no_calendar(self) -> Position:
        if any(zone.hours or zone.from_ or zone.until for zone in self.zones):
            raise ValueError("a zone of a scene has neither hours nor from nor until")
        return self


class Script(Part):
    """A whole scene file. Fields that are lists of tables have the table's singular name, as TOML reads best."""

    version: Literal[1]
    name: Name
    fps: Annotated[int, Field(ge=1, le=60)]
    duration_s: Annotated[float, Field(ge=1, le=3600)]
    seed: Annotated[int, Field(ge=0, le=2**31)]
    noise: Annotated[float, Field(ge=0, le=12)]
    """Spread of the sensor noise in grey levels."""
    beside: Annotated[str, Field(pattern=r"^(\.\./)*[a-z]+$")] | None = None
    """Folder of pictures and cast, from the scene file; None: they lie beside it."""
    backdrop: Picture
    cast: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Folder beside the scene file that holds `cast.toml`."""
    enrolled: tuple[Person, ...]
    light: Annotated[
        tuple[tuple[Seconds, Annotated[float, Field(ge=0.3, le=1.5)], Annotated[float, Field(ge=-0.2, le=0.2)]], ...],
        Field(min_length=1),
    ]
    """Time, brightness of everything (1 as painted), warmth (red up, blue down)."""
    sign: Sign
    attempt: Attempt
    excluded: tuple[Excluded, ...] = ()
    occluder: tuple[Occluder, ...] = ()
    actor: tuple[Actor, ...] = ()
    pass_: Annotated[tuple[Pass, ...], Field(alias="pass")] = ()
    card: tuple[Card, ...] = ()
    event: tuple[Event, ...] = ()
    position: Position
    camera_fails_s: Seconds | None = None
    """From this time on the camera gives no more frames; None: it never fails."""

    @property
    def frames(self) -> int:
        """How many frames the scene has; they are numbered from 0."""
        return int(self.duration_s * self.fps)

    @model_validator(mode="after")
    def _times_in_order(self) -> Script:
        faults = [*_order_faults(self), *_span_faults(self)]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _order_faults(script: Script) -> Iterable[str]:
    tables: list[tuple[str, tuple[tuple[Any, ...], ...]]] = [
        ("light", script.light),
        ("position.fixes", script.position.fixes),
    ]
    for index, actor in enumerate(script.actor):
        tables += [
            (f"actor.{index}.{field}", getattr(actor, field))
            for field in ("path", "sprites", "roll", "turn", "blur", "shade")
        ]
    for field, rows in tables:
        if any(later[0] <= earlier[0] for earlier, later in pairwise(rows)):
            yield f"{field}: times must increase"
    for index, actor in enumerate(script.actor):
        if actor.sprites[0][0] > actor.path[0][0]:
            yield f"actor.{index}.sprites: the first must not come after the path begins"


def _span_faults(script: Script) -> Iterable[str]:
    spans = [(f"pass.{index}.span", each.span) for index, each in enumerate(script.pass_)]
    spans += [(f"card.{index}.span", card.span) for index, card in enumerate(script.card)]
    spans += [(f"sign.covered.{index}", span) for index, span in enumerate(script.sign.covered)]
    for field, (start, end) in spans:
        if not start < end:
            yield f"{field}: the end must come after the start"


def read(path: Path) -> Script:
    """Read one scene file.

    Raises:
        ConfigError: the file is missing or wrong; one line for each fault, as `file: field: rule`.
    """
    try:
        data = path.read_bytes()
        if len(data) > _LIMIT_BYTES:
            raise ConfigError(f"{path.name}: larger than {_LIMIT_BYTES} bytes; a scene is a short text")
        raw = tomllib.loads(data.decode("utf-8"))
        # Validated as JSON: TOML arrays may become tuples while no type is converted, and a date is a wrong type.
        return Script.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        raise ConfigError("\n".join(faults(error, path.name))) from None
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read ({error.strerror}); give the path of a scene file") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise ConfigError(f"{path.name}: not readable as TOML ({reason}); mend it there") from None


def faults(error: ValidationError, source: str) -> list[str]:
    """Every fault of a document, one a line, as `source: field: rule`; nothing of the values."""
    return [
        f"{source}: {'.'.join(str(part) for part in fault['loc']) or 'document'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]
