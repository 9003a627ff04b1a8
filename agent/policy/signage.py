"""Watching signs by their markers, frame by frame.

A marker can be copied, so the site's sign counts only where it was attested: all four corners within the tolerance of
the place that the signed policy names, and it is looked for there alone. A no-recognition sign counts anywhere, signed
or not: a wall's, or one that a person holds up. A no-recognition card speaks for who shows it alone, as long as it can
be told who that is (optout.py); one that is loose counts like a sign. The whole frame is searched for both whenever a
face may be looked at on this frame, on each frame while something forbids, and now and then besides.
Leaves out: the token in the sign's QR code (read once, at its attestation), and holds after a refusal (hold.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.policy.bundle import MarkerPlace, Policy
from agent.policy.circumstances import SignSighting
from agent.policy.frames import CodeFrame
from agent.policy.optout import HOLD_NS
from agent.ports import MarkerReader
from agent.units import Marker, Polygon

MARKER_FAMILY: Final = "DICT_4X4_50"
"""ArUco family of every Doorward marker."""
FORBIDDING_MARKER: Final = 49
"""Number of the printed no-recognition sign, the same at every site; no site's own sign may use it."""
OPT_OUT_MARKER: Final = 48
"""Number of the printed no-recognition card of one person, the same at every site; no site's own sign may use it."""
FORBIDDING_TEXT: Final = "DN1"
"""Text of a QR code that says the same, for whoever has no marker at hand. Nothing is signed: anyone may narrow."""
_SEARCH_EVERY_NS: Final = 400_000_000
"""How often the whole frame is searched while nobody may be looked at anyhow."""
_TEXT_HOLD_NS: Final = 500_000_000
"""QR codes are not read on every frame, so one that forbids counts for this long."""


class SignWatch:
    """Remembers only when signs were last seen, the site's own also at which attested place."""

    __slots__ = ("_forbids", "_last", "_loose_ns", "_searched_ns", "_text_ns")

    def __init__(self) -> None:
        self._last: tuple[MarkerPlace, int] | None = None
        self._forbids = False
        self._loose_ns: int | None = None
        """When a card was last seen that is loose, or was a moment before."""
        self._searched_ns: int | None = None
        self._text_ns: int | None = None

    def see(
        self, frame: CodeFrame, reader: MarkerReader, policy: Policy, texts: Iterable[str], *, due: bool
    ) -> SignSighting:
        """What is known of signs on this frame.

        Args:
            texts: of the QR codes in view, if this frame was searched for them.
            due: a face may be looked at on this frame, so what forbids it must be known of this very frame.
        """
        now_ns, sign = frame.captured_ns, policy.document.sign
        place = sign.marker
        if place is not None and any(at_place(each, place) for each in reader.markers(frame, _around(place))):
            self._last = place, now_ns
        cards: tuple[Polygon, ...] | None = None
        if due or self._forbids or not _within(now_ns, self._searched_ns, _SEARCH_EVERY_NS):
            found, self._searched_ns = reader.markers(frame, None), now_ns
            cards = tuple(each.corners for each in found if each.number == OPT_OUT_MARKER)
            if cards and _within(now_ns, self._loose_ns, HOLD_NS):
                self._loose_ns = now_ns
            self._forbids = self._loose_ns == now_ns or any(each.number == FORBIDDING_MARKER for each in found)
        if any(text.partition(":")[0] == FORBIDDING_TEXT for text in texts):
            self._text_ns = now_ns
        seen_ns = self._last[1] if self._last is not None and self._last[0] == place else None
        return SignSighting(
            in_place=_within(now_ns, seen_ns, round(sign.lost_hold_s * 1e9)),
            forbidding=self._forbids or _within(now_ns, self._text_ns, _TEXT_HOLD_NS),
            cards=cards,
        )

    def loose(self, now_ns: int) -> None:
        """A card of this frame is not one track's alone: until none is seen any more, cards count like a sign."""
        self._loose_ns, self._forbids = now_ns, True


def at_place(marker: Marker, place: MarkerPlace) -> bool:
    """All four corners lie within the tolerance of the attested corners, in the same order."""
    return marker.number == place.number and all(
        (x - px) ** 2 + (y - py) ** 2 <= place.tolerance_px**2
        for (x, y), (px, py) in zip(marker.corners, place.corners, strict=True)
    )


def _within(now_ns: int, then_ns: int | None, hold_ns: int) -> bool:
    """An instant that is unknown, too long ago or in the future is none."""
    return then_ns is not None and 0 <= now_ns - then_ns <= hold_ns


def _around(place: MarkerPlace) -> Polygon:
    """The upright rectangle in which a marker that counts lies whole."""
    xs, ys = [x for x, _ in place.corners], [y for _, y in place.corners]
    x0, x1 = min(xs) - place.tolerance_px, max(xs) + place.tolerance_px
    y0, y1 = min(ys) - place.tolerance_px, max(ys) + place.tolerance_px
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
