"""Following faces from frame to frame by place and size alone, so that one visit is one attempt.

Rules: greedy nearest match, the closest pair first; a track that is not seen is kept for as long as a person must be
away before they may try again, so that neither a blink of the detector nor a short absence makes a new visitor. No
appearance is compared: a tracker that knew faces would be a recogniser.
Leaves out: who it is, and whether they opted in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.face.detect import Face
from agent.policy.attempt import TrackId
from agent.units import Box

_REACH: Final = 0.8
"""How far a face may move between two frames, in face widths; grows with the time since it was seen."""
_REACH_PER_S: Final = 1.0
_SIZE_RATIO: Final = 1.6


@dataclass(slots=True)
class _Track:
    track: TrackId
    box: Box
    seen_ns: int


class Tracker:
    """The tracks of one session.

    Args:
        keep_s: how long an unseen track is remembered (policy: attempt.leave_s).
    """

    __slots__ = ("_keep_ns", "_next", "_tracks")

    def __init__(self, keep_s: float) -> None:
        self._keep_ns = keep_s * 1e9
        self._tracks: list[_Track] = []
        self._next = 1

    def update(self, faces: Sequence[Face], now_ns: int) -> dict[TrackId, Face]:
        """The faces of this frame by track; a face that fits no track starts one."""
        self._tracks = [track for track in self._tracks if now_ns - track.seen_ns <= self._keep_ns]
        pairs = sorted(
            (distance, index, track.track)
            for index, face in enumerate(faces)
            for track in self._tracks
            if (distance := _distance(track, face.box, now_ns)) is not None
        )
        found: dict[TrackId, Face] = {}
        placed: set[int] = set()
        for _, index, track_id in pairs:
            if index not in placed and track_id not in found:
                found[track_id] = faces[index]
                placed.add(index)
        for index, face in enumerate(faces):
            if index not in placed:
                self._tracks.append(_Track(TrackId(self._next), face.box, now_ns))
                found[TrackId(self._next)] = face
                self._next += 1
        for track in self._tracks:
            if track.track in found:
                track.box, track.seen_ns = found[track.track].box, now_ns
        return found

    def alive(self) -> frozenset[TrackId]:
        """Tracks that are not given up yet, seen on this frame or not."""
        return frozenset(track.track for track in self._tracks)


def _distance(track: _Track, box: Box, now_ns: int) -> float | None:
    """How far the face is from where the track was last, in face widths; None when it cannot be the same face."""
    width = max(track.box.width, 1.0)
    if not 1 / _SIZE_RATIO <= box.width / width <= _SIZE_RATIO:
        return None
    (ax, ay), (bx, by) = track.box.centre, box.centre
    distance = math.hypot(ax - bx, ay - by) / width
    reach = min(_REACH + _REACH_PER_S * (now_ns - track.seen_ns) / 1e9, 2.0)
    return distance if distance <= reach else None
