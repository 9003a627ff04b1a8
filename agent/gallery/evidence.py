"""When enough has been seen of one visitor: the stopping rule over the comparisons of one attempt.

Rules: one comparison that is clear (`Match.clear`) is enough; else two of one attempt must name the same person, or one
where the policy allows no second look. Two that name different people prove that one is wrong: then nobody is named any
more in this attempt. Comparisons count together only while the track is surely one person's (face/track.py). Kept are
pseudonyms alone, no score and no template; a refusal drops them with the session.
Leaves out: how many looks there may be, and when (policy/attempt.py).
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from agent.gallery.gallery import Match, NoMatch
from agent.policy.attempt import TrackId
from agent.units import SubjectId

AGREEING: Final = 2
"""So many comparisons that are not clear must agree."""


class Evidence:
    """The comparisons of one session.

    Args:
        looks: how many probes an attempt has at most (policy: attempt.probes).
    """

    __slots__ = ("_named", "_needed")

    def __init__(self, looks: int) -> None:
        self._needed = min(AGREEING, looks)
        self._named: dict[TrackId, list[SubjectId]] = {}

    def weigh(self, track: TrackId, found: Match | NoMatch) -> Match | None:
        """Take in one comparison; the match if that is enough, None if not, or not yet."""
        if isinstance(found, NoMatch):
            return None
        named = self._named.setdefault(track, [])
        named.append(found.subject)
        agree = len(set(named)) == 1
        return found if agree and (found.clear or len(named) >= self._needed) else None

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """The attempts of these are over, or it is not sure that they are still the same people's."""
        for track in tracks:
            self._named.pop(track, None)

    def keep(self, alive: Container[TrackId]) -> None:
        self._named = {track: named for track, named in self._named.items() if track in alive}
