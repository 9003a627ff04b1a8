"""The law in force: the policy, what restrictions have added, the profile that it names; and what an obligation is.

Leaves out: the obligations themselves (rules.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.policy.bundle import Policy, Zone
from agent.policy.circumstances import Circumstances
from agent.policy.fields import Mode
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES, Profile

Rule = Callable[["Law", Circumstances], bool | None]


@dataclass(frozen=True, slots=True)
class Law:
    """The policy together with what restrictions have added to it."""

    policy: Policy
    extra_zones: tuple[Zone, ...] = ()
    incident_s: float | None = None
    """Unix time of the latest major incident; None: none is on record."""

    @property
    def zones(self) -> tuple[Zone, ...]:
        return self.policy.document.zones + self.extra_zones

    @property
    def profile(self) -> Profile:
        return PROFILES[self.policy.document.profile]

    @property
    def one_to_one(self) -> bool:
        """Faces are compared only with the person whom a pass has named."""
        return self.policy.document.mode is Mode.VERIFY

    def binds(self, ground: Ground) -> bool:
        return self.profile.binds(ground) or ground in self.policy.document.stricter


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
