"""What an obligation that is met stands on, and when that ends: for whoever watches a door, and whoever audits it.

Rules: an id is a SHA-256, so that it can be compared with a document and names nobody by itself. Leaves out: whether an
obligation is met (rules.py); nothing here permits anything.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum, unique
from typing import Annotated, Final

from pydantic import Field

from agent.policy.bundle import PolicyDocument
from agent.policy.declared import Statute, Way
from agent.policy.document import Strict
from agent.policy.fields import Hex32
from agent.policy.filing import deadline
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.location import Survey
from agent.units import Sha256

SOON_DAYS: Final = 30
"""What ends within so many days is to be seen to now."""
_DAY_S: Final = 86_400
_SIGNED: Final = frozenset({
    Ground.POLICY_NOT_IN_FORCE, Ground.PLACE_PRIVATE, Ground.PURPOSE_UNFIT, Ground.NECESSITY_MISSING,
    Ground.BASIS_UNFIT, Ground.MODE_UNJUSTIFIED, Ground.ALTERNATIVE_MISSING, Ground.RETENTION_TOO_LONG,
    Ground.GALLERY_TOO_LARGE, Ground.IN_ZONE, Ground.VIEW_UNKNOWN, Ground.SIGN_MISSING,
})  # fmt: skip
"""Met by what the policy itself says, unless it names a record of its own."""
_SURVEYED: Final = frozenset({Ground.LOCATION_UNKNOWN, Ground.DEVICE_MOVED})
"""Met by what the policy says of the place, where it says it: a receiver's position is no record."""


@unique
class Proof(StrEnum):
    """What kind of thing an id is of. The values are wire names and never change."""

    POLICY = "policy"
    """The bytes of `permission/policy.json`, as the ledger has it too."""
    ASSESSMENT = "assessment"
    """The record of the impact assessment that the policy names."""
    STATUTE = "statute"
    """The record of another legal basis than consent."""
    NOTICE = "notice"
    """The texts of the notice; see `declared.notice_sha256`."""
    INSPECTION = "inspection"
    """The signature (64 bytes) of who looked at the sign."""
    FILING = "filing"
    """The filing's authority and number, as `authority number` in ASCII."""
    MODELS = "models"
    """Detector and embedder, in this order."""
    CHECKPOINT = "checkpoint"
    """The Merkle root of the device's latest signed ledger checkpoint."""


class Evidence(Strict):
    kind: Proof
    ids: Annotated[tuple[Hex32, ...], Field(min_length=1, max_length=2)]


def evidence(
    ground: Ground, law: Law, now_s: float, models: tuple[Sha256, ...] = (), root: Sha256 | None = None
) -> Evidence | None:
    """What proves that an obligation is met; None where it shows only in what the device does or sees.

    Args:
        models: detector and embedder as loaded; empty: none.
        root: of the latest signed checkpoint; None: nothing has been signed yet.
    """
    document = law.policy.document
    signed = ground in _SIGNED or (ground in _SURVEYED and isinstance(document.location, Survey))
    kind, ids = Proof.POLICY, (law.policy.sha256,) if signed else tuple[str, ...]()
    match ground:
        case Ground.ASSESSMENT_MISSING | Ground.ASSESSMENT_STALE | Ground.ASSESSMENT_UNFIT:
            kind, ids = Proof.ASSESSMENT, () if document.assessment is None else (document.assessment.sha256,)
        case Ground.NOTICE_INCOMPLETE | Ground.NOTICE_MISMATCH:
            kind, ids = Proof.NOTICE, (document.notice.sha256,)
        case Ground.FILING_OVERDUE:
            kind, filing = Proof.FILING, document.filing
            ids = () if filing is None else (_sha256(f"{filing.authority} {filing.number}".encode("ascii")),)
        case Ground.MODEL_NOT_ALLOWED | Ground.OUTPUT_NOT_ALLOWED:
            kind, ids = Proof.MODELS, models
        case Ground.CLOCK_UNTRUSTED | Ground.LEDGER_UNWRITABLE:
            kind, ids = Proof.CHECKPOINT, () if root is None else (root,)
        case Ground.BASIS_UNFIT if isinstance(document.basis, Statute):
            kind, ids = Proof.STATUTE, (document.basis.record_sha256,)
        case Ground.SIGN_MISSING if (signature := _inspected(document, now_s)) is not None:
            kind, ids = Proof.INSPECTION, (_sha256(bytes.fromhex(signature)),)
        case _:
            pass
    return Evidence(kind=kind, ids=ids) if ids else None


def ends_s(
    ground: Ground, law: Law, now_s: float, stock: int | None = None, crossed_s: float | None = None
) -> float | None:
    """When what an obligation stands on ends (Unix seconds), if nobody signs anything anew; None: at no date.

    What the site renews by itself, its lease, has no end here. The reader of passes is taken to work.

    Args:
        stock: people in the gallery; None: nobody knows.
        crossed_s: when the stock reached the profile's filing threshold; None: it has not, or nobody knows when.
    """
    document, ends = law.policy.document, list[float]()
    match ground:
        case Ground.POLICY_NOT_IN_FORCE:
            ends.append(document.until.timestamp())
        case Ground.NECESSITY_MISSING if document.necessity is not None:
            ends.append(document.necessity.until.timestamp())
        case Ground.BASIS_UNFIT if isinstance(document.basis, Statute):
            ends.append(document.basis.until.timestamp())
        case Ground.ASSESSMENT_STALE if (assessment := document.assessment) is not None:
            ends.append(assessment.until.timestamp())
            if law.profile.assessment_days is not None:
                ends.append(assessment.on.timestamp() + law.profile.assessment_days * _DAY_S)
        case Ground.ALTERNATIVE_MISSING:
            ends += _alternatives(document, now_s)
        case Ground.SIGN_MISSING:
            ends += [] if document.sign.until is None else [document.sign.until.timestamp()]
            if document.sign.inspection is not None and document.sign.marker is None:
                ends.append(document.sign.inspection.until.timestamp())
        case Ground.FILING_OVERDUE if _unfiled(law, stock) and crossed_s is not None:
            ends.append(deadline(crossed_s).ends_s)
        case _:
            pass
    return min(ends, default=None)


def soon(ends_s: float | None, now_s: float) -> bool:
    """Whether it is time to see to what ends then."""
    return ends_s is not None and ends_s - now_s <= SOON_DAYS * _DAY_S


def _inspected(document: PolicyDocument, now_s: float) -> str | None:
    """The signature of the inspection in force, in hex; None: there is none, or only the policy's is on it."""
    inspection = document.sign.inspection
    return inspection.signature if inspection is not None and inspection.covers(now_s) else None


def _alternatives(document: PolicyDocument, now_s: float) -> list[float]:
    """The end of the way in without a face that holds longest; empty: there is none."""
    keys = (key.until.timestamp() for key in document.pass_keys if document.door in key.doors)
    passes_s = max(keys, default=now_s)
    ends = (
        min(each.until.timestamp(), passes_s) if each.way is Way.PASS else each.until.timestamp()
        for each in document.alternatives
        if each.covers(now_s)
    )
    last = max(ends, default=None)
    return [] if last is None else [last]


def _unfiled(law: Law, stock: int | None) -> bool:
    """Whether so many people are known to be more than what needs no filing, and than what was filed for."""
    filing, most = law.policy.document.filing, law.profile.filing_at
    return most is not None and stock is not None and stock >= most and (filing is None or stock > filing.covers_people)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
