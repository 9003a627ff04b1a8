"""The law in force: the policy, what restrictions have added, the profile that it names; and what an obligation is.

Leaves out: the obligations themselves (rules.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from agent.errors import PolicyError
from agent.policy.bundle import Policy
from agent.policy.circumstances import Circumstances, LoadedModels
from agent.policy.fields import Mode
from agent.policy.footprint import Cells, hidden
from agent.policy.geofence import Fence, Reached
from agent.policy.grounds import Ground
from agent.policy.location import Spot, spot
from agent.policy.profiles import PROFILES, Profile
from agent.policy.zones import Zone
from agent.units import PassId

_PLAN_M: Final = 2_000.0
RANGE_UNKNOWN_M: Final = 50.0
"""How far a camera is taken to see in every direction while nobody has said how it looks."""
Rule = Callable[["Law", Circumstances], bool | None]


@dataclass(frozen=True, slots=True)
class Law:
    """The policy together with what restrictions have added to it."""

    policy: Policy
    extra_zones: tuple[Zone, ...] = ()
    incident_s: float | None = None
    """Unix time of the latest major incident; None: none is on record."""
    revoked: frozenset[PassId] = frozenset()
    """Passes that open nothing any more."""
    _extra: Fence = field(init=False, repr=False, compare=False)
    _bound: frozenset[Ground] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_extra", Fence(self.extra_zones))
        document = self.policy.document
        bound = {ground for ground in Ground if self.profile.binds(ground) or ground in document.stricter}
        object.__setattr__(self, "_bound", frozenset(bound))

    def spot(self, here: Circumstances) -> Spot | None:
        """Where the device is; None: unknown."""
        return spot(self.policy.document.location, here.surroundings.fix)

    def reached(self, spot: Spot, metres: float, here: Circumstances) -> tuple[Reached, ...]:
        """The zones in force within these metres and three standard deviations of the position; see `Fence`."""
        return self.near(spot, metres, here.surroundings.unix_s, here.surroundings.utc_offset_s)

    def near(
        self, spot: Spot, metres: float, unix_s: float | None = None, utc_offset_s: float | None = None
    ) -> tuple[Reached, ...]:
        """The same at this time; without one, as if every zone were in force."""
        return tuple(
            found
            for fence in (self.policy.fence, self._extra)
            for found in fence.reached(spot, metres + 3 * spot.sigma_m, unix_s, utc_offset_s)
        )

    def plan(self, spot: Spot | None) -> Iterator[Zone]:
        """The zones that a plan of the place shows, in force or not; of an unknown place, all."""
        for fence in (self.policy.fence, self._extra):
            if spot is None:
                yield from fence.zones
            else:
                yield from (each.zone for each, _ in fence.reached(spot, _PLAN_M, None, None))

    def hidden(self, here: Circumstances) -> Cells | None:
        """The cells of the picture in which a zone may be seen; None: there is no such zone.

        Raises:
            PolicyError: it is not known where the device is, or how its camera looks at a zone within its reach.
        """
        document, spot = self.policy.document, self.spot(here)
        if spot is None:
            raise PolicyError("location: unknown")
        range_m = RANGE_UNKNOWN_M if document.pose is None else document.pose.range_m
        near = self.reached(spot, document.margin_m + range_m, here)
        if not near:
            return None
        if document.pose is None:
            raise PolicyError("pose: unknown, with a zone within reach of the camera")
        cells = hidden(document.pose, document.view.width, document.view.height, spot, near)
        if cells is None:
            raise PolicyError("pose: so near a pole it does not say what of a zone is seen")
        return cells

    def clear(self, here: Circumstances) -> bool | None:
        """Whether some of the picture shows no zone; None: nobody can tell (see `hidden`)."""
        try:
            cells = self.hidden(here)
        except PolicyError:
            return None
        return cells is None or not cells.all()

    @property
    def profile(self) -> Profile:
        return PROFILES[self.policy.document.profile]

    @property
    def one_to_one(self) -> bool:
        """Faces are compared only with the person whom a pass has named."""
        return self.policy.document.mode is Mode.VERIFY

    def threshold(self, people: int | None) -> float | None:
        """How alike a face and a reference must be at the door, with so many people enrolled.

        None: in 1:N more than the operating point covers, or nobody knows how many.
        """
        point = self.policy.document.operating_point
        if self.one_to_one:
            return point.threshold
        return None if people is None else point.among(people)

    def covers(self, people: int | None, more: int = 0) -> bool | None:
        """Whether so many, and more, can be compared at the door; None: nobody knows how many there are in 1:N."""
        if self.one_to_one or people is not None:
            return self.threshold(None if people is None else people + more) is not None
        return None

    def looks_for_attacks(self, models: LoadedModels | None) -> bool:
        """Whether presentation attacks are looked for as the policy asks: by a model that it names, or not at all."""
        if self.policy.document.pad is None:
            return True
        return models is not None and models.pad is not None and self.policy.allows_model("pad", models.pad)

    def binds(self, ground: Ground) -> bool:
        return ground in self._bound


@dataclass(frozen=True, slots=True)
class Obligation:
    ground: Ground
    demand: str
    """What must be so, in words for people."""
    remedy: str
    """What the operator can do."""
    rule: Rule


FOUND: Final[list[Obligation]] = []


def obligation(ground: Ground, demand: str, remedy: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        FOUND.append(Obligation(ground, demand, remedy, rule))
        return rule

    return register
