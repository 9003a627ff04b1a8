"""Every obligation: one enum member, one small function, in the order in which the gate asks.

Rules: a function returns True (met), False (unmet) or None (unknown). Only True is met; an exception is unmet under the
same ground. To add a rule, add a `Ground` and a function decorated with it; its place in the file is its place in the
order. Leaves out: holds (hold.py) and what concerns one face (attempt.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from agent.policy.bundle import Gnss, Mode, Place, Policy, Purpose, Zone
from agent.policy.circumstances import Circumstances
from agent.policy.geofence import clear_of_zones


@unique
class Ground(StrEnum):
    """Why the gate refused. The values are wire names and never change."""

    NO_POLICY = "no-policy"
    POLICY_NOT_IN_FORCE = "policy-not-in-force"
    CLOCK_UNTRUSTED = "clock-untrusted"
    LEASE_EXPIRED = "lease-expired"
    STOPPED = "stopped"
    PLACE_PRIVATE = "place-private"
    PURPOSE_UNFIT = "purpose-unfit"
    MODE_UNJUSTIFIED = "mode-unjustified"
    MODE_BLIND = "mode-blind"
    LOCATION_UNKNOWN = "location-unknown"
    IN_ZONE = "in-zone"
    SIGN_MISSING = "sign-missing"
    SIGN_FORBIDS = "sign-forbids"
    MODEL_NOT_ALLOWED = "model-not-allowed"
    KEYS_NOT_SEALED = "keys-not-sealed"
    LEDGER_UNWRITABLE = "ledger-unwritable"
    VIEW_MISMATCH = "view-mismatch"
    NO_FRAMES = "no-frames"
    NO_CONSENT = "no-consent"


Rule = Callable[["Law", Circumstances], bool | None]


@dataclass(frozen=True, slots=True)
class Law:
    """The policy together with the zones that restrictions have added to it."""

    policy: Policy
    extra_zones: tuple[Zone, ...] = ()

    @property
    def zones(self) -> tuple[Zone, ...]:
        return self.policy.document.zones + self.extra_zones


@dataclass(frozen=True, slots=True)
class Obligation:
    ground: Ground
    provision: str
    """The provision that it serves, in words for people."""
    rule: Rule


_FOUND: list[Obligation] = []


def obligation(ground: Ground, provision: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _FOUND.append(Obligation(ground, provision, rule))
        return rule

    return register


@obligation(Ground.CLOCK_UNTRUSTED, "Measures art. 8: no retention without a trusted clock")
def clock_trusted(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.unix_s is not None


@obligation(Ground.POLICY_NOT_IN_FORCE, "Measures art. 4: a specific purpose, for its time")
def policy_in_force(law: Law, here: Circumstances) -> bool | None:
    now = here.surroundings.unix_s
    return None if now is None else law.policy.in_force(now)


@obligation(Ground.LEASE_EXPIRED, "Measures art. 14: only current, signed configuration")
def lease_in_force(law: Law, here: Circumstances) -> bool | None:
    now, until = here.surroundings.unix_s, here.surroundings.lease_until_s
    return None if now is None or until is None else now < until


@obligation(Ground.STOPPED, "a stop order narrows at once")
def not_stopped(law: Law, here: Circumstances) -> bool | None:
    stopped = here.surroundings.stopped
    return None if stopped is None else not stopped


@obligation(Ground.PLACE_PRIVATE, "Measures art. 13: never inside a private space")
def place_not_private(law: Law, here: Circumstances) -> bool | None:
    return law.policy.document.place is not Place.PRIVATE_SPACE


@obligation(Ground.PURPOSE_UNFIT, "Measures art. 13: a public place only for public security")
def purpose_fits_place(law: Law, here: Circumstances) -> bool | None:
    document = law.policy.document
    return (document.place is Place.PUBLIC_PLACE) == (document.purpose is Purpose.PUBLIC_SECURITY)


@obligation(Ground.MODE_UNJUSTIFIED, "Measures art. 4: sufficient necessity; 1:N must be justified")
def mode_justified(law: Law, here: Circumstances) -> bool | None:
    document = law.policy.document
    return document.mode is Mode.IDENTIFY and document.identify is not None


@obligation(Ground.LOCATION_UNKNOWN, "Measures art. 13: a reasonable, declared area")
def location_known(law: Law, here: Circumstances) -> bool | None:
    location = law.policy.document.location
    if not isinstance(location, Gnss):
        return True
    fix = here.surroundings.fix
    if fix is None or not (abs(fix.lat_deg) <= 90 and abs(fix.lon_deg) <= 180 and 0 <= fix.sigma_m < math.inf):
        return None
    return 0 <= here.captured_ns - fix.taken_ns <= location.max_age_s * 1e9


@obligation(Ground.IN_ZONE, "Measures art. 13: no recognition inside excluded places")
def outside_zones(law: Law, here: Circumstances) -> bool | None:
    location, margin_m = law.policy.document.location, law.policy.document.margin_m
    if not isinstance(location, Gnss):
        return clear_of_zones(location.lat_deg, location.lon_deg, margin_m + 3 * location.sigma_m, law.zones)
    fix = here.surroundings.fix
    if fix is None:
        return None
    return clear_of_zones(fix.lat_deg, fix.lon_deg, margin_m + 3 * fix.sigma_m, law.zones)


@obligation(Ground.SIGN_MISSING, "Measures art. 13: a prominent sign")
def sign_in_force(law: Law, here: Circumstances) -> bool | None:
    inspection, now = law.policy.document.sign.inspection, here.surroundings.unix_s
    if inspection is not None and now is not None and inspection.covers(now):
        return True
    return None if here.sign is None else here.sign.in_place


@obligation(Ground.SIGN_FORBIDS, "anyone may narrow: a no-recognition sign in view")
def no_forbidding_sign(law: Law, here: Circumstances) -> bool | None:
    return None if here.sign is None else not here.sign.forbidding


@obligation(Ground.MODEL_NOT_ALLOWED, "Measures art. 9: only the models that the assessment covers")
def models_allowed(law: Law, here: Circumstances) -> bool | None:
    models, policy = here.surroundings.models, law.policy
    if models is None:
        return None
    return policy.allows_model("detector", models.detector) and policy.allows_model("embedder", models.embedder)


@obligation(Ground.KEYS_NOT_SEALED, "Measures art. 14: encryption and access control")
def keys_sealed(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.keys_sealed


@obligation(Ground.LEDGER_UNWRITABLE, "Measures art. 14: an audit trail, or no recognition")
def ledger_writable(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.ledger_writable


OBLIGATIONS: Final[tuple[Obligation, ...]] = tuple(_FOUND)


def unmet(law: Law | None, here: Circumstances, among: Sequence[Obligation] = OBLIGATIONS) -> tuple[Ground, ...]:
    """Every unmet ground in the gate's order; empty means that all obligations are met."""
    if law is None:
        return (Ground.NO_POLICY,)
    return tuple(each.ground for each in among if not _met(each.rule, law, here))


def _met(rule: Rule, law: Law, here: Circumstances) -> bool:
    try:
        return rule(law, here) is True
    except Exception:  # an exception in a rule is a refusal under the rule's own ground, never a crash and never a skip
        return False
