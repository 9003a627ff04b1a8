"""Opting in: a face may be looked at only while it stands in the attempt region, and only as often as the policy says.

Rules: the whole face box lies inside the region, continuously for the dwell time, and on this very frame. An attempt is
one opted-in track: at most `probes` probes within `window_s` of the first, ended by the first match; afterwards the
track must be out of the region for `leave_s` before it may try again. Where it cannot be told any more who is who,
attempts that were begun end, all concerned stand anew for the dwell time, and may try once more in all; so may
whoever was recognised while the door stayed shut (too late, disk full). A face never seen inside is never opted in, and
neither is one whose owner shows a no-recognition card or may be the one who did, nor anybody on a frame that was not
searched for cards.
Leaves out: who the person is, and every pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass
from typing import Final, NewType, final

from shapely import prepared
from shapely.geometry import Polygon, box
from shapely.prepared import PreparedGeometry

from agent.policy._mint import MINT, Mint, Unforgeable, demand
from agent.policy.bundle import Attempt
from agent.policy.frames import PermittedFrame
from agent.policy.optout import OptOuts
from agent.units import Box, SubjectId

TrackId = NewType("TrackId", int)

_GAP_S: Final = 0.2
"""A face that the detector misses for less than this has not left; one seen outside has."""
_RENEWALS: Final = 1
"""So many attempts more has a visit in which it could not be told who is who, lest two get any number by crossing."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class OptIn(Unforgeable):
    """Proof that one track has opted in on one frame. A `Probe` cannot be made without it."""

    key: InitVar[Mint]
    track: TrackId
    number: int
    """The frame that it is good for."""
    face: Box | None
    """The face that it is good for; None: any face of a picture that was handed in for enrolment."""

    def __post_init__(self, key: Mint) -> None:
        demand(key, "OptIn")


@final
class MarkedSpace(Unforgeable):
    """The attempt region on one frame of an enrolment at the camera; only the gate makes it, with the consent in force.

    Whoever is being enrolled stands in the region for longer than an attempt lasts, so its bounds do not count here;
    the region does: nobody who walks past outside it can be looked at.
    """

    __slots__ = ("_area", "_number")

    def __init__(self, *, key: Mint, rules: Attempt, number: int) -> None:
        demand(key, "MarkedSpace")
        self._area = prepared.prep(Polygon(rules.region))
        self._number = number

    def opt_in(self, face: Box) -> OptIn | None:
        """Leave to look at this face; None when it does not lie wholly in the region."""
        if not _covers(self._area, face):
            return None
        return OptIn(key=MINT, track=TrackId(0), number=self._number, face=face)


@dataclass(slots=True)
class _Stay:
    """What is remembered of one track: times in frame nanoseconds, no picture."""

    inside_ns: int | None = None
    """Since when the face has been inside; None while it is not."""
    last_inside_ns: int = 0
    left_ns: int | None = None
    first_probe_ns: int | None = None
    probes: int = 0
    ended: bool = False
    renewed: int = 0
    """How often this visit went on under another number after somebody had been looked at."""
    let_in: frozenset[SubjectId] = frozenset()
    """Who was let in during this visit, by whatever number it went."""


class Attempts:
    """The attempts of one session; a refusal drops the session and this with it."""

    __slots__ = ("_area", "_opted_out", "_rules", "_stays", "loose")

    def __init__(self, rules: Attempt) -> None:
        self._rules = rules
        self._opted_out = OptOuts()
        self.loose = False
        """A no-recognition card of the latest frame is not one track's alone: the session must end."""
        self._area = prepared.prep(Polygon(rules.region))
        self._stays: dict[TrackId, _Stay] = {}

    def observe(
        self,
        frame: PermittedFrame,
        faces: Mapping[TrackId, Box],
        renewed: Mapping[TrackId, frozenset[TrackId]] | None = None,
    ) -> dict[TrackId, OptIn]:
        """Take in the faces seen on this frame; give an `OptIn` for each that may be looked at now.

        Args:
            renewed: tracks that begin with this frame, and the former ones whose they may be (face/track.py).
        """
        now_ns = frame.captured_ns
        for track, former in (renewed or {}).items():
            self._renew(track, former)
        self._opted_out.renew(renewed or {})
        granted: dict[TrackId, OptIn] = {}
        self.loose = not self._opted_out.observe(frame.cards or (), faces, now_ns)
        closed = self.loose or frame.cards is None
        for track in self._stays.keys() | faces.keys():
            stay = self._stays.setdefault(track, _Stay())
            face = faces.get(track)
            if face is not None and _covers(self._area, face):
                if stay.inside_ns is None:
                    stay.inside_ns = now_ns
                stay.last_inside_ns, stay.left_ns = now_ns, None
                if not closed and track not in self._opted_out and self._ready(stay, now_ns):
                    granted[track] = OptIn(key=MINT, track=track, number=frame.number, face=face)
            else:
                self._outside(stay, now_ns, seen=face is not None)
        return granted

    def _renew(self, track: TrackId, former: frozenset[TrackId]) -> None:
        """Nothing is taken over but what narrows."""
        stays = [self._stays[each] for each in former if each in self._stays]
        begun = any(stay.probes or stay.ended for stay in stays)
        times = max((stay.renewed for stay in stays), default=0) + begun
        let_in = frozenset[SubjectId]().union(*(stay.let_in for stay in stays))
        self._stays[track] = _Stay(renewed=times, ended=times > _RENEWALS, let_in=let_in)
        for stay in stays:
            stay.inside_ns = None  # what was begun is over with this frame: see `exhausted`

    def _ready(self, stay: _Stay, now_ns: int) -> bool:
        if stay.ended or stay.inside_ns is None or now_ns - stay.inside_ns < self._rules.dwell_s * 1e9:
            return False
        return stay.probes < self._rules.probes and not self._window_over(stay, now_ns)

    def due(self, now_ns: int) -> bool:
        """Whether `observe` may grant anything on a frame of this time: known before anybody has looked at it."""
        return any(self._ready(stay, now_ns) for track, stay in self._stays.items() if track not in self._opted_out)

    def waiting(self) -> list[TrackId]:
        """Tracks that stand in the region and whose attempt is not over, also while they dwell; no leave to look."""
        return [
            track
            for track, stay in self._stays.items()
            if stay.inside_ns is not None and not stay.ended and track not in self._opted_out
        ]

    def _outside(self, stay: _Stay, now_ns: int, *, seen: bool) -> None:
        if not seen and now_ns - stay.last_inside_ns < _GAP_S * 1e9:
            return
        stay.inside_ns = None
        if stay.left_ns is None:
            stay.left_ns = now_ns
        if now_ns - stay.left_ns >= self._rules.leave_s * 1e9:
            stay.ended, stay.probes, stay.first_probe_ns, stay.renewed, stay.let_in = False, 0, None, 0, frozenset()

    def _window_over(self, stay: _Stay, now_ns: int) -> bool:
        return stay.first_probe_ns is not None and now_ns - stay.first_probe_ns >= self._rules.window_s * 1e9

    def looked(self, opt_in: OptIn, frame: PermittedFrame) -> None:
        """One probe of this track has been embedded; the first one starts the attempt's window."""
        stay = self._stays[opt_in.track]
        if stay.first_probe_ns is None:
            stay.first_probe_ns = frame.captured_ns
        stay.probes += 1

    def end(self, track: TrackId, subject: SubjectId) -> bool:
        """A match ends the attempt; False: this person was let in during this very visit, and is not again."""
        stay = self._stays[track]
        known, stay.ended, stay.let_in = subject in stay.let_in, True, stay.let_in | {subject}
        return not known

    def again(self, subject: SubjectId | None) -> None:
        """The door stayed shut although they were recognised: once in a visit they stand anew and may try again."""
        for stay in self._stays.values():
            if subject not in stay.let_in:
                continue
            stay.let_in -= {subject}
            if stay.renewed < _RENEWALS:
                stay.ended, stay.probes, stay.first_probe_ns, stay.inside_ns = False, 0, None, None
            stay.renewed += 1

    def exhausted(self, now_ns: int) -> list[TrackId]:
        """Tracks whose attempt has just run out without a match: probes used up, window over, or walked away."""
        over = [
            track
            for track, stay in self._stays.items()
            if stay.probes
            and not stay.ended
            and (stay.probes >= self._rules.probes or self._window_over(stay, now_ns) or stay.inside_ns is None)
        ]
        for track in over:
            self._stays[track].ended = True
        return over

    def keep(self, alive: Collection[TrackId]) -> None:
        """Forget the tracks that the tracker has given up."""
        self._stays = {track: stay for track, stay in self._stays.items() if track in alive}
        self._opted_out.keep(alive)


def _covers(area: PreparedGeometry[Polygon], face: Box) -> bool:
    # Asked first, since shapely leaves out corners that are not numbers and judges the rest.
    proper = face.x0 < face.x1 and face.y0 < face.y1
    return proper and bool(area.covers(box(face.x0, face.y0, face.x1, face.y1)))
