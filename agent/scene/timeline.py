"""The lawful state of a scene, frame after frame: signs and zones with their holds, dwell, stays.

Rules: it applies the gate's hold times and the attempt's bounds but shares no code with the gate, so that one can be
checked against the other. Only truth.py uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians
from typing import Final, Literal

from shapely.geometry import Point as Place
from shapely.geometry import Polygon as Area
from shapely.geometry import box as rectangle

from agent.scene import stage
from agent.scene.scene import Scene
from agent.units import Box, Point

Ground = Literal["sign-missing", "in-zone", "sign-forbids"]
Quad = tuple[Point, Point, Point, Point]

_METRES_PER_DEGREE: Final = 111_195.0
_ALLOWANCE: Final = 0.12
"""A detector's box may be smaller than the drawn face by this part of its side, all round together."""


@dataclass(frozen=True, slots=True)
class Holds:
    """The gate's hold times as the demo's policy has them, and the probe's limit of blur."""

    sign_lost_s: float = 0.5
    sign_clear_s: float = 2.0
    sign_clear_frames: int = 5
    zone_clear_s: float = 30.0
    zone_clear_frames: int = 5
    blur_px: float = 0.3


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """One person on one frame."""

    person: str
    actor: int
    """Index of the walk in the script."""
    quad: Quad
    """Corners of the face, clockwise from its own top left, in pixels."""
    box: Box
    inter_eye_px: float
    in_region: bool
    """The whole face stands in the attempt region."""
    opted_in: bool
    """In the region for the dwell time, on frames that were not refused."""
    excluded: bool
    """The face touches an excluded region."""
    left_alone: bool
    """Showed a no-recognition card on this walk: never to be embedded."""
    consented: bool
    """Enrolled, and consent in force at this instant."""
    may_be_embedded: bool
    """With the allowance: opted in, not excluded, left alone or refused. Bounds of the attempt: see `unlawful`."""
    good: bool
    """Opted in, and large and sharp enough for a probe."""
    stay: int
    """Counts the stays of this person that may each hold one attempt."""


@dataclass(frozen=True, slots=True)
class Truth:
    number: int
    grounds: tuple[Ground, ...]
    """Grounds on which recognition is refused; empty when it is permitted."""
    people: tuple[PersonTruth, ...]


@dataclass(slots=True)
class _Waiting:
    """One ground's hold: since when it is clear, once it has been unmet after the first permit."""

    clear_s: float
    clear_frames: int
    pending: bool = False
    since_s: float | None = None
    frames: int = 0

    def refuses(self, unmet: bool, t: float, armed: bool) -> bool:
        if unmet:
            self.pending, self.since_s, self.frames = self.pending or armed, None, 0
            return True
        if not self.pending:
            return False
        if self.since_s is None:
            self.since_s, self.frames = t, 1
            return True
        self.frames += 1
        self.pending = t - self.since_s < self.clear_s - 1e-9 or self.frames < self.clear_frames
        return self.pending


@dataclass(slots=True)
class _Stay:
    """One person's stay in the region, once with the nominal face and once with the allowance."""

    since_s: float | None = None
    left_s: float | None = None
    count: int = 0

    def dwelt(self, inside: bool, t: float, dwell_s: float, leave_s: float) -> bool:
        if not inside:
            self.since_s = None
            self.left_s = t if self.left_s is None else self.left_s
            return False
        if self.since_s is None:
            self.since_s = t
            if self.left_s is not None and t - self.left_s >= leave_s:
                self.count += 1
        self.left_s = None
        return t - self.since_s >= dwell_s - 1e-9

    def dropped(self) -> None:
        """A refusal drops the session: dwell starts anew and a new attempt is allowed."""
        self.since_s, self.left_s = None, None
        self.count += 1


@lru_cache(maxsize=4)
def timeline(scene: Scene, holds: Holds) -> tuple[Truth, ...]:
    """Every frame of the scene; worked out once and kept."""
    script = scene.script
    region = Area(script.attempt.region)
    closed = [Area(each.polygon) for each in script.excluded]
    sign = _Waiting(holds.sign_clear_s, holds.sign_clear_frames)
    zone = _Waiting(holds.zone_clear_s, holds.zone_clear_frames)
    loose = _Waiting(holds.sign_clear_s, holds.sign_clear_frames)
    alone: set[int] = set()
    """Walks on which a card was shown since the last refusal, which drops what was known of anybody."""
    nominal: dict[str, _Stay] = {}
    allowed: dict[str, _Stay] = {}
    last_seen: float | None = None
    armed = False
    frames = []
    for number in range(script.frames):
        t = stage.frame_time(script, number)
        if _sign_visible(scene, t):
            last_seen = t
        no_sign = last_seen is None or t - last_seen > holds.sign_lost_s + 1e-9
        refusing: list[Ground] = []
        if zone.refuses(_in_zone(scene, t), t, armed):
            refusing.append("in-zone")
        if sign.refuses(no_sign, t, armed):
            refusing.append("sign-missing")
        cards = stage.shown_cards(script, t)
        if loose.refuses(any(each.person is None for each in cards), t, armed):
            refusing.append("sign-forbids")
        armed = armed or not refusing
        if refusing:
            for stay in (*nominal.values(), *allowed.values()):
                stay.dropped()
            alone.clear()
        holders = {each.person for each in cards}
        alone |= {pose.actor for pose in stage.poses(script, t) if pose.person in holders}
        people = tuple(
            _person(scene, pose, t, bool(refusing), pose.actor in alone, region, closed, nominal, allowed, holds)
            for pose in stage.poses(script, t)
        )
        on = {person.person for person in people}
        for absent in set(nominal) - on:
            nominal[absent].dwelt(False, t, script.attempt.dwell_s, script.attempt.leave_s)
            allowed[absent].dwelt(False, t, script.attempt.dwell_s, script.attempt.leave_s)
        frames.append(Truth(number, tuple(refusing), people))
    return tuple(frames)


def _person(
    scene: Scene,
    pose: stage.Pose,
    t: float,
    refused: bool,
    left_alone: bool,
    region: Area,
    closed: list[Area],
    nominal: dict[str, _Stay],
    allowed: dict[str, _Stay],
    holds: Holds,
) -> PersonTruth:
    rules = scene.script.attempt
    quad = stage.face_quad(scene.cast, pose)
    face = _upright(scene, pose, quad)
    spare_x, spare_y = face.width * _ALLOWANCE / 2, face.height * _ALLOWANCE / 2
    smaller = Box(face.x0 + spare_x, face.y0 + spare_y, face.x1 - spare_x, face.y1 - spare_y)
    inside = region.covers(_area(face))
    stay = nominal.setdefault(pose.person, _Stay())
    lenient = allowed.setdefault(pose.person, _Stay())
    opted_in = stay.dwelt(inside and not refused, t, rules.dwell_s, rules.leave_s)
    may = lenient.dwelt(region.covers(_area(smaller)) and not refused, t, rules.dwell_s, rules.leave_s)
    excluded = any(area.intersects(_area(face)) for area in closed)
    return PersonTruth(
        person=pose.person,
        actor=pose.actor,
        quad=quad,
        box=face,
        inter_eye_px=pose.eyes_px,
        in_region=inside,
        opted_in=opted_in,
        excluded=excluded,
        left_alone=left_alone,
        consented=_consented(scene, pose.person, t),
        may_be_embedded=may and not refused and not excluded and not left_alone,
        good=opted_in
        and not excluded
        and not left_alone
        and pose.eyes_px >= rules.inter_eye_px
        and pose.blur_px <= holds.blur_px,
        stay=lenient.count,
    )


def _consented(scene: Scene, person: str, t: float) -> bool:
    gone = any(e.kind == "withdraw" and e.person == person and e.t <= t for e in scene.script.event)
    return person in scene.script.enrolled and not gone


def _sign_visible(scene: Scene, t: float) -> bool:
    """Whether the marker can be read: the cover has not reached its white border."""
    corners = scene.script.sign.corners
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    return stage.covering(scene.script, t) * (right + 24) < left - 2


def _in_zone(scene: Scene, t: float) -> bool:
    where = scene.script.position
    _, lat, lon, sigma = stage.position(scene.script, t)
    shrink = cos(radians(lat)) * _METRES_PER_DEGREE
    for zone in where.zones:
        for rings in zone.geometry.pieces:
            shell, *holes = ([((x - lon) * shrink, (y - lat) * _METRES_PER_DEGREE) for x, y in ring] for ring in rings)
            area = Area(shell, holes)
            if area.distance(Place(0.0, 0.0)) <= where.margin_m + 3 * sigma + zone.buffer_m:
                return True
    return False


def _upright(scene: Scene, pose: stage.Pose, quad: Quad) -> Box:
    """A detector's box does not turn with the head: same middle, same size, upright."""
    sprite = scene.cast.sprites[pose.sprite]
    (x0, y0), (x1, y1) = sprite.eyes
    scale = pose.eyes_px / ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    half_x = (sprite.face[2] - sprite.face[0]) * scale / 2
    half_y = (sprite.face[3] - sprite.face[1]) * scale / 2
    x, y = sum(p[0] for p in quad) / 4, sum(p[1] for p in quad) / 4
    return Box(x - half_x, y - half_y, x + half_x, y + half_y)


def _area(box: Box) -> Area:
    return rectangle(box.x0, box.y0, box.x1, box.y1)
