"""Which purpose is fit for which class of place, and in which mode (Measures art. 13; PIPL art. 26).

A public place serves public security only. Premises that a business opens to the public may compare one face with one
reference for a purpose of its own, never search for strangers. Nothing is listed for private spaces, and a purpose
that is listed nowhere (a paper dispenser, say) is fit for no place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.policy.fields import Mode, Place, Purpose

_BOTH: Final = frozenset({Mode.VERIFY, Mode.IDENTIFY})
_ONE: Final = frozenset({Mode.VERIFY})

FIT: Final[Mapping[Place, Mapping[Purpose, frozenset[Mode]]]] = {
    Place.PRIVATE_LAND: {
        Purpose.RESIDENT_ENTRY: _BOTH,
        Purpose.STAFF_ENTRY: _BOTH,
        Purpose.VISITOR_ENTRY: _BOTH,
        Purpose.PUPIL_ENTRY: _BOTH,
    },
    Place.BUSINESS_PREMISES: {
        Purpose.STAFF_ENTRY: _BOTH,
        Purpose.VISITOR_ENTRY: _ONE,
        Purpose.GUEST_ENTRY: _ONE,
        Purpose.IDENTITY_CHECK: _ONE,
        Purpose.PAYMENT: _ONE,
        Purpose.BOARDING: _ONE,
    },
    Place.PUBLIC_PLACE: {Purpose.PUBLIC_SECURITY: _BOTH},
    Place.PRIVATE_SPACE: {},
}


def fit(place: Place, purpose: Purpose, mode: Mode) -> bool:
    """Whether the purpose is fit for the place; a mode that compares faces must be one of those listed for it."""
    modes = FIT[place].get(purpose)
    return modes is not None and (mode not in _BOTH or mode in modes)
