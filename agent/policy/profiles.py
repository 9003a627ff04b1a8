"""Profiles as data: for each obligation whether it binds, the provision it serves, and the figures that the law sets.

An engineering reading of public law, not legal advice. Rules: a policy names one profile; it may bind more (`stricter`)
and set tighter figures, never looser ones (`laxer`). What protects the device and its proof binds in every profile.
`strict`, the default, is everything at its tightest, the house rules of the 2023 draft included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.policy.declared import Retention
from agent.policy.fields import ProfileName
from agent.policy.grounds import Ground

_ALWAYS: Final[dict[Ground, str]] = {
    Ground.CLOCK_UNTRUSTED: "house rule: nothing that expires can be judged without a trusted clock",
    Ground.POLICY_NOT_IN_FORCE: "house rule: only a signed policy, in its time",
    Ground.LEASE_EXPIRED: "house rule: only a current policy, so that a withdrawal cannot be held back",
    Ground.STOPPED: "house rule: a stop order narrows at once",
    Ground.PLACE_PRIVATE: "house rule: no camera in a private space",
    Ground.LOCATION_UNKNOWN: "house rule: unknown is refused",
    Ground.IN_ZONE: "house rule: no recognition in a no-recognition zone",
    Ground.VIEW_UNKNOWN: "house rule: what the camera sees of a zone is known, or unknown is refused",
    Ground.DEVICE_MOVED: "house rule: a device that was moved stands at a place that nobody attested",
    Ground.TAMPERED: "house rule: a device that somebody has opened may not be what was attested",
    Ground.SIGN_FORBIDS: "house rule: anyone may narrow",
    Ground.MODEL_NOT_ALLOWED: "house rule: only models that the policy names, by hash",
    Ground.PAD_MISSING: "house rule: what the policy asks for to tell prints and screens runs, or nothing does",
    Ground.OUTPUT_NOT_ALLOWED: "house rule: nothing but box, landmarks, quality, liveness, embedding",
    Ground.MODEL_FAILED: "house rule: a model that failed on a frame rests before it sees another",
    Ground.GALLERY_TOO_LARGE: "house rule: 1:N only among as many as its threshold was measured for",
    Ground.KEYS_NOT_SEALED: "house rule: templates only under sealed keys",
    Ground.LEDGER_UNWRITABLE: "house rule: what cannot be recorded does not happen",
}
"""Binds under every law, whatever the law says about it."""

_CN: Final[dict[Ground, str]] = {
    Ground.PLACE_PRIVATE: "Measures art. 13: never inside a private space",
    Ground.PURPOSE_UNFIT: "Measures art. 13, PIPL art. 26: in a public place for public security only",
    Ground.NECESSITY_MISSING: "Measures art. 4: a specific purpose and sufficient necessity",
    Ground.BASIS_UNFIT: "Measures art. 6: separate consent, or another basis that the law names",
    Ground.MODE_UNJUSTIFIED: "Measures art. 4: least impact; 1:N must be justified",
    Ground.ASSESSMENT_MISSING: "Measures art. 9: an impact assessment beforehand, with its four heads",
    Ground.ASSESSMENT_STALE: "Measures art. 9: a new assessment after a change or a major incident",
    Ground.ASSESSMENT_UNFIT: "Measures art. 9: the assessment is of what really runs",
    Ground.NOTICE_INCOMPLETE: "Measures art. 5: a full, plain and accessible notice",
    Ground.NOTICE_MISMATCH: "Measures art. 5: changes of the notice are announced: sign and notice agree",
    Ground.ALTERNATIVE_MISSING: "Measures art. 10: never the only way",
    Ground.RETENTION_TOO_LONG: "Measures art. 8: kept for the shortest time",
    Ground.FILING_OVERDUE: "Measures art. 15: filing within 30 working days",
    Ground.IN_ZONE: "Measures art. 13: a reasonable area",
    Ground.VIEW_UNKNOWN: "Measures art. 13: a reasonable area",
    Ground.SIGN_MISSING: "Measures art. 13: a prominent sign",
    Ground.LEDGER_UNWRITABLE: "Measures art. 14: security audit",
    Ground.KEYS_NOT_SEALED: "Measures art. 14: encryption and access control",
    Ground.TAMPERED: "Measures art. 14: intrusion detection",
}
_DRAFT: Final[dict[Ground, str]] = {
    **_CN,
    Ground.OUTPUT_NOT_ALLOWED: "Draft of 2023: no analysis of origin, belief, health or class",
    Ground.ALTERNATIVE_MISSING: "Draft of 2023: other means are preferred; Measures art. 10: never the only way",
    Ground.FILING_OVERDUE: "Draft of 2023: register above 10,000 people",
}
_EU: Final[dict[Ground, str]] = {
    Ground.NECESSITY_MISSING: "GDPR art. 5(1)(b) and (c): purpose limitation and data minimisation",
    Ground.BASIS_UNFIT: "GDPR art. 9(2): explicit consent, or another basis that the law names",
    Ground.MODE_UNJUSTIFIED: "GDPR art. 5(1)(c): data minimisation",
    Ground.ASSESSMENT_MISSING: "GDPR art. 35: an impact assessment",
    Ground.ASSESSMENT_STALE: "GDPR art. 35(11): a review when the risk changes",
    Ground.ASSESSMENT_UNFIT: "GDPR art. 35: the assessment is of what really runs",
    Ground.NOTICE_INCOMPLETE: "GDPR art. 13: information where data are collected",
    Ground.NOTICE_MISMATCH: "GDPR art. 12, EDPB 3/2019: sign and notice are two layers of one text",
    Ground.ALTERNATIVE_MISSING: "GDPR art. 7: consent is free only where refusing costs nothing",
    Ground.RETENTION_TOO_LONG: "GDPR art. 5(1)(e): storage limitation",
    Ground.SIGN_MISSING: "EDPB 3/2019: the key facts stand on a sign",
    Ground.OUTPUT_NOT_ALLOWED: "EU AI Act art. 5(1): no biometric categorisation, no emotions",
}
_IL: Final[dict[Ground, str]] = {
    Ground.BASIS_UNFIT: "BIPA 15(b): a written release",
    Ground.NOTICE_INCOMPLETE: "BIPA 15(a) and (b): a public policy, and purpose and length of time in writing",
    Ground.NOTICE_MISMATCH: "BIPA 15(b): the release is of what was told",
    Ground.RETENTION_TOO_LONG: "BIPA 15(a): destroyed within 3 years of the last interaction",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One body of rules.

    `filing_at` is the number of stored people from which a filing is due (None: no such duty); day figures are upper
    bounds that a policy may only tighten.
    """

    name: ProfileName
    title: str
    provisions: Mapping[Ground, str]
    """Obligation -> provision; what is not in here does not bind."""
    max_days: int
    max_idle_days: int
    assessment_days: int | None
    """How long an assessment holds at the most; None where it does not bind."""
    languages: int
    """Fewest languages of the notice."""
    filing_at: int | None
    guardian_below: int
    """Age below which a guardian must agree."""

    def binds(self, ground: Ground) -> bool:
        return ground in self.provisions

    def laxer(self, retention: Retention) -> tuple[str, ...]:
        """The figures of a policy that are looser than this profile allows, as words for people."""
        found = (("max_days", retention.max_days, self.max_days),
                 ("max_idle_days", retention.max_idle_days, self.max_idle_days))  # fmt: skip
        return tuple(
            f"retention.{name}: {value} is laxer than the {most} of profile {self.name}"
            for name, value, most in found
            if value > most
        )


_YEARS_3: Final = 1095

PROFILES: Final[Mapping[ProfileName, Profile]] = {
    each.name: each
    for each in (
        Profile(
            ProfileName.STRICT, "everything at its tightest (default)", _ALWAYS | _EU | _DRAFT,
            max_days=365, max_idle_days=180, assessment_days=365, languages=1, filing_at=10_000, guardian_below=14,
        ),
        Profile(
            ProfileName.CN_2025, "China: Security Management Measures for Facial Recognition, in force 1 June 2025",
            _ALWAYS | _CN,
            max_days=_YEARS_3, max_idle_days=_YEARS_3, assessment_days=_YEARS_3, languages=1, filing_at=100_000,
            guardian_below=14,
        ),
        Profile(
            ProfileName.CN_2023_DRAFT, "China: the draft of August 2023, kept as a stricter house rule",
            _ALWAYS | _DRAFT,
            max_days=_YEARS_3, max_idle_days=_YEARS_3, assessment_days=_YEARS_3, languages=1, filing_at=10_000,
            guardian_below=14,
        ),
        Profile(
            ProfileName.EU_GDPR, "European Union: GDPR and AI Act", _ALWAYS | _EU,
            max_days=_YEARS_3, max_idle_days=_YEARS_3, assessment_days=_YEARS_3, languages=1, filing_at=None,
            guardian_below=16,
        ),
        Profile(
            ProfileName.US_IL_BIPA, "Illinois: Biometric Information Privacy Act", _ALWAYS | _IL,
            max_days=_YEARS_3, max_idle_days=_YEARS_3, assessment_days=None, languages=1, filing_at=None,
            guardian_below=18,
        ),
    )
}  # fmt: skip
