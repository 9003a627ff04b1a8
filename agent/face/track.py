"""Following faces from frame to frame by place, size and motion alone, so that one visit is one attempt.

Rules: a face goes to the track whose place, carried on at its speed, it overlaps best; a track that is not seen is kept
for as long as a person must be away before they may try again, so that neither a blink of the detector nor a short
absence makes a new visitor. Where two people could be taken for each other, nobody is: all who could be meant go on
under new numbers, and who they may be is said. No appearance is compared: a tracker that knew faces would recognise.
Leaves out: who it is, whether they opted in, and what a new number means for an attempt.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.face.detect import Face
from agent.policy.attempt import TrackId
from agent.units import Box

_REACH: Final = 0.8
"""How far a face may be from where it is expected, in face widths; grows with the time since it was seen."""
_REACH_PER_S: Final = 1.0
_SIZE_RATIO: Final = 1.6
_COAST_S: Final = 0.5
"""So long the last speed says something about where an unseen face is."""
_DOUBT: Final = 0.25
"""Another way to tell who is who that costs less than this more is as good: about a quarter of a face width."""
_SURE: Final = 0.3
"""A face that was missed for longer than `_SURE_NS` is the same without doubt if it overlaps the expected place so."""
_SURE_NS: Final = 150_000_000


@dataclass(slots=True)
class _Track:
    track: TrackId
    box: Box
    seen_ns: int
    speed: tuple[float, float] = (0.0, 0.0)
    """Of the middle, pixels a second."""

    def expected(self, now_ns: int) -> Box:
        gap_s = min((now_ns - self.seen_ns) / 1e9, _COAST_S)
        dx, dy = self.speed[0] * gap_s, self.speed[1] * gap_s
        return Box(self.box.x0 + dx, self.box.y0 + dy, self.box.x1 + dx, self.box.y1 + dy)

    def see(self, box: Box, now_ns: int) -> None:
        gap_s = (now_ns - self.seen_ns) / 1e9
        if 0.0 < gap_s <= _COAST_S:
            (ax, ay), (bx, by) = self.box.centre, box.centre
            self.speed = (self.speed[0] + (bx - ax) / gap_s) / 2, (self.speed[1] + (by - ay) / gap_s) / 2
        elif gap_s > _COAST_S:
            self.speed = (0.0, 0.0)
        self.box, self.seen_ns = box, now_ns


class Tracker:
    """The tracks of one session.

    Args:
        keep_s: how long an unseen track is remembered (policy: attempt.leave_s).
    """

    __slots__ = ("_keep_ns", "_next", "_tracks", "renewed", "unsure")

    def __init__(self, keep_s: float) -> None:
        self._keep_ns = keep_s * 1e9
        self._tracks: list[_Track] = []
        self._next = 1
        self.renewed: Mapping[TrackId, frozenset[TrackId]] = {}
        """Of the latest frame: tracks that begin because it could not be told who is who, and whose they may be."""
        self.unsure: frozenset[TrackId] = frozenset()
        """Of the latest frame: tracks that were missed and came back elsewhere than expected, or late."""

    def update(self, faces: Sequence[Face], now_ns: int) -> dict[TrackId, Face]:
        """The faces of this frame by track; a face that fits no track starts one."""
        tracks = self._tracks = [track for track in self._tracks if now_ns - track.seen_ns <= self._keep_ns]
        costs = {
            (place, index): cost
            for place, track in enumerate(tracks)
            for index, face in enumerate(faces)
            if (cost := _cost(track, face.box, now_ns)) is not None
        }
        taken = _nearest_first(costs)
        self.unsure = frozenset(
            tracks[place].track for place, index in taken.items() if not _sure(tracks[place], faces[index].box, now_ns)
        )
        fresh = {place for place, track in enumerate(tracks) if now_ns - track.seen_ns <= _COAST_S * 1e9}
        former = {
            place: frozenset(tracks[each].track for each in group)
            for group in _doubtful(costs, taken, fresh)
            for place in group
        }
        renewed: dict[TrackId, frozenset[TrackId]] = {}
        for place, whose in former.items():
            tracks[place].track = self._new()
            renewed[tracks[place].track] = whose
        found: dict[TrackId, Face] = {}
        for place, index in taken.items():
            tracks[place].see(faces[index].box, now_ns)
            found[tracks[place].track] = faces[index]
        left = set(taken.values())
        for index, face in enumerate(faces):
            if index not in left:
                track = _Track(self._new(), face.box, now_ns)
                maybe = [former[place] for place in former if _as_good(costs, taken, place, index)]
                if maybe:
                    renewed[track.track] = frozenset().union(*maybe)
                self._tracks.append(track)
                found[track.track] = face
        self.renewed = renewed
        return found

    def _new(self) -> TrackId:
        self._next += 1
        return TrackId(self._next - 1)

    def alive(self) -> frozenset[TrackId]:
        """Tracks that are not given up yet, seen on this frame or not."""
        return frozenset(track.track for track in self._tracks)


_Costs = Mapping[tuple[int, int], float]
"""Place of a track in the list, index of a face: what it costs to take the one for the other; only where possible."""


def _nearest_first(costs: _Costs) -> dict[int, int]:
    taken: dict[int, int] = {}
    for (place, index), _ in sorted(costs.items(), key=lambda item: item[1]):
        if place not in taken and index not in taken.values():
            taken[place] = index
    return taken


def _doubtful(costs: _Costs, taken: Mapping[int, int], fresh: Collection[int]) -> list[set[int]]:
    """Groups of tracks within which it cannot be told who is who; `fresh` were seen a moment ago."""
    groups: list[set[int]] = []

    def together(*places: int) -> None:
        joined = {*places}.union(*(group for group in groups if not group.isdisjoint(places)))
        groups[:] = [*(group for group in groups if group.isdisjoint(joined)), joined]

    for (place, index), cost in costs.items():
        holder = next((each for each, face in taken.items() if face == index), None)
        if holder is None:
            if _as_good(costs, taken, place, index):
                together(place)
        elif holder != place:
            more = cost - costs[holder, index]
            if place not in taken:
                doubt = place in fresh and more < _DOUBT
            else:
                back = costs.get((holder, taken[place]))
                doubt = back is not None and more + back - costs[place, taken[place]] < _DOUBT
            if doubt:
                together(place, holder)
    return groups


def _as_good(costs: _Costs, taken: Mapping[int, int], place: int, index: int) -> bool:
    """Whether a face that was left over could as well be the one that this track was given."""
    cost = costs.get((place, index))
    return cost is not None and place in taken and cost - costs[place, taken[place]] < _DOUBT


def _cost(track: _Track, box: Box, now_ns: int) -> float | None:
    """How far the face is from where the track's should be, 0 to 2; None when it cannot be the same face.

    One minus the generalised intersection over union (Rezatofighi et al., CVPR 2019), which also tells how far apart
    boxes are that do not overlap. Possible is what lies within reach of the last place or of the expected one, since
    whoever was walking may have stopped.
    """
    width = max(track.box.width, 1.0)
    if not 1 / _SIZE_RATIO <= box.width / width <= _SIZE_RATIO:
        return None
    expected = track.expected(now_ns)
    reach = min(_REACH + _REACH_PER_S * (now_ns - track.seen_ns) / 1e9, 2.0) * width
    if not min(math.dist(each.centre, box.centre) for each in (expected, track.box)) <= reach:
        return None
    hull = (max(expected.x1, box.x1) - min(expected.x0, box.x0)) * (max(expected.y1, box.y1) - min(expected.y0, box.y0))
    shared = expected.overlap(box)
    areas = expected.width * expected.height + box.width * box.height
    union = areas / (1.0 + shared)
    return 1.0 - shared + (hull - union) / max(hull, 1e-9)


def _sure(track: _Track, box: Box, now_ns: int) -> bool:
    """Whether a face that a track was given surely is the one it had: seen without a gap, or back where expected."""
    gap_ns = now_ns - track.seen_ns
    return gap_ns <= _SURE_NS or (gap_ns <= _COAST_S * 1e9 and track.expected(now_ns).overlap(box) >= _SURE)
