"""A reference: the template of an enrolled person, which cannot exist without that person's consent.

`ReferenceTemplate` is the mean of several probes and lives between enrolment and the vault only; `Reference` joins
it to its consent; `ProtectedReference` is what the vault gives back, rotated by the gallery key, and the only form
in which people are compared. None of them can be copied, pickled or printed. Leaves out: encryption (vault.py),
search (gallery.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.consent import Consent
from agent.policy.frames import Permit
from agent.units import Sha256, Vector

if TYPE_CHECKING:  # not to load the image library wherever rows are only carried
    from agent.face.probe import ProbeTemplate

PROBES_MIN: Final = 5
"""Fewer pictures make references that miss their own person and meet others."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What made a template. The same file gives other templates in another runtime, so both count."""

    sha256: Sha256
    runtime: str
    """Name and version of the runtime, for instance `litert 2.3.0`."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ReferenceTemplate(Unforgeable):
    mint: InitVar[Mint]
    vector: Vector
    model: ModelIdentity
    permit: Permit | None = None
    """That of its last probe: what it may be compared under. None: not made on this device."""

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "ReferenceTemplate")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reference(Unforgeable):
    """A template and the consent to it; there is no other constructor, and a consent comes from a receipt alone."""

    template: ReferenceTemplate
    consent: Consent

    def __post_init__(self) -> None:
        template: object = self.template
        consent: object = self.consent
        if not (isinstance(template, ReferenceTemplate) and isinstance(consent, Consent)):
            raise TypeError("a Reference joins a ReferenceTemplate to its Consent")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ProtectedReference(Unforgeable):
    """A reference as the vault opened it: its vector is still rotated, so it fits this gallery's key and epoch only."""

    mint: InitVar[Mint]
    rotated: Vector
    consent: Consent
    model: ModelIdentity
    epoch: int

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "ProtectedReference")


def average(probes: Sequence[ProbeTemplate], model: ModelIdentity) -> ReferenceTemplate:
    """The normalised mean of at least `PROBES_MIN` probe templates of one person.

    Raises:
        ValueError: too few, of different lengths, or with no direction in common.
    """
    if len(probes) < PROBES_MIN:
        raise ValueError(f"a reference takes at least {PROBES_MIN} probes")
    mean = unit(np.mean([probe.vector for probe in probes], axis=0))
    return ReferenceTemplate(mint=MINT, vector=mean, model=model, permit=probes[-1].permit)


def unit(vector: Vector) -> Vector:
    """The vector at length one, in new memory.

    Raises:
        ValueError: it is not one-dimensional, or has no direction (zero, infinite, not a number).
    """
    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    if wide.ndim != 1 or not np.isfinite(length) or length < 1e-9:
        raise ValueError("a template is one row of finite numbers that are not all zero")
    return (wide / length).astype(np.float32)
