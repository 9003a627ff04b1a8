"""Opting out: whoever shows a no-recognition card is left alone, and nobody else is disturbed.

Rules: a card belongs to the one face whose owner can be holding it: its middle lies in the box of the face widened to
shoulders and chest. That track is opted out for as long as it lives. For `HOLD_NS` after a card was last seen a face
that is missed keeps its last place, and a track that begins meanwhile counts as the card holder's: the tracker may have
lost them. A card that is nobody's, or that two can be holding, is loose: then nobody may be looked at.
Leaves out: reading markers (signage.py), what a loose card leads to (the gate's `take_back`), and every pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.units import Box, Point, Polygon

if TYPE_CHECKING:
    from agent.policy.attempt import TrackId

HOLD_NS: Final = 2_000_000_000
_BESIDE: Final = 1.0
"""How far shoulders and elbows reach beside a face, in face widths."""
_ABOVE: Final = 0.75
"""How far a card may be held over the upper edge of a face, in face heights."""
_BELOW: Final = 3.0
"""How far down the chest reaches, in face heights."""


@dataclass(slots=True)
class _Holder:
    """Where an opted-out track was last seen, and when a card of theirs was."""

    face: Box
    card_ns: int


class OptOuts:
    """Who has opted out in one session; a refusal drops the session and this with it."""

    __slots__ = ("_holders", "_known", "_now_ns")

    def __init__(self) -> None:
        self._holders: dict[TrackId, _Holder] = {}
        self._known: set[TrackId] = set()
        self._now_ns = 0

    def observe(self, cards: Sequence[Polygon], faces: Mapping[TrackId, Box], now_ns: int) -> bool:
        """Take in the cards and faces of one frame; False: one of the cards is loose."""
        self._now_ns = now_ns
        self._begin(faces)
        for track, face in faces.items():
            if track in self._holders:
                self._holders[track].face = face
        waiting = {track: holder.face for track, holder in self._holders.items() if self._held(holder)}
        return all([self._assigned(middle(card), waiting | dict(faces)) for card in cards])

    def _begin(self, faces: Mapping[TrackId, Box]) -> None:
        """Tracks that were never seen before: while a holder is missed, each may be theirs."""
        missed = [
            holder.card_ns for track, holder in self._holders.items() if track not in faces and self._held(holder)
        ]
        for track in faces.keys() - self._known:
            self._known.add(track)
            if missed:
                self._holders[track] = _Holder(faces[track], max(missed))

    def renew(self, renewed: Mapping[TrackId, frozenset[TrackId]]) -> None:
        """Tracks that begin may each be any of the former ones: if one of those opted out, all of them have."""
        for track, former in renewed.items():
            self._known.add(track)
            holders = [self._holders[each] for each in former if each in self._holders]
            if holders:
                latest = max(holders, key=lambda holder: holder.card_ns)
                self._holders[track] = _Holder(latest.face, latest.card_ns)
        for former in renewed.values():
            self._holders = {track: holder for track, holder in self._holders.items() if track not in former}

    def _assigned(self, card: Point, places: Mapping[TrackId, Box]) -> bool:
        able = [track for track, face in places.items() if holds(face, card)]
        if not able or (len(able) > 1 and not all(track in self._holders for track in able)):
            return False
        for track in able:
            self._holders[track] = _Holder(places[track], self._now_ns)
        return True

    def _held(self, holder: _Holder) -> bool:
        return 0 <= self._now_ns - holder.card_ns <= HOLD_NS

    def __contains__(self, track: TrackId) -> bool:
        return track in self._holders

    def keep(self, alive: Collection[TrackId]) -> None:
        """Forget the tracks that the tracker has given up, those whose card was seen just now a little later."""
        self._holders = {
            track: holder for track, holder in self._holders.items() if track in alive or self._held(holder)
        }
        self._known &= set(alive)


def holds(face: Box, card: Point) -> bool:
    """Whether the owner of the face can be the one who holds a card there; what is no number, nobody holds."""
    x, y = card
    beside, above, below = _BESIDE * face.width, _ABOVE * face.height, _BELOW * face.height
    return face.x0 - beside <= x <= face.x1 + beside and face.y0 - above <= y <= face.y1 + below


def middle(card: Polygon) -> Point:
    return sum(x for x, _ in card) / len(card), sum(y for _, y in card) / len(card)
