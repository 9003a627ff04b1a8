"""Which way each field of a policy weighs: data for difference.py.

A path is written with dots, `*` for an entry of a list. Whatever is not in here cannot be weighed and counts as
widening, a field that somebody adds to the policy tomorrow included. `retention.ledger_days` is not in here: longer
keeps more on people, shorter proves less.
"""

from __future__ import annotations

from typing import Final

IGNORED: Final = frozenset({"version"})

MORE_WIDENS: Final = frozenset(
    {
        "until", "retention.max_days", "retention.max_idle_days", "attempt.probes", "attempt.window_s",
        "sign.lost_hold_s", "sign.until", "sign.inspection.until", "sign.marker.tolerance_px", "location.max_age_s",
        "location.anchor_m",
        "necessity.until", "assessment.until", "alternatives.*.until", "filing.covers_people",
        "enrolment_keys.*.until", "enrolment_keys.*.elsewhere.per_day",
        "pass_keys.*.until", "pass_keys.*.max_days", "pass_keys.*.per_day", "command_keys.*.until",
    }
)  # fmt: skip
"""Numbers and dates: the greater or later, the more is permitted."""

LESS_WIDENS: Final = frozenset(
    {
        "from", "attempt.dwell_s", "attempt.leave_s", "attempt.inter_eye_px", "sign.clear_hold_s", "sign.clear_frames",
        "location.clear_hold_s", "location.sigma_m", "margin_m", "operating_point.threshold",
        "operating_point.search.*.threshold", "pad.threshold", "zones.*.buffer_m", "zones.*.until",
    }
)  # fmt: skip

WITHOUT_END: Final = frozenset({"sign.until", "zones.*.until", "location.anchor_m"})
"""To have none of these is to have the greatest; elsewhere none cannot be weighed."""

TRUE_WIDENS: Final = frozenset(
    {"single_key", "outcome_class_in_clear", "excluded.*.code_readable", "tokens.entries.*.opens"}
)

PRESENCE_WIDENS: Final = frozenset(
    {"necessity", "identify", "assessment", "filing", "devices.*", "models.*", "enrolment_keys.*", "pass_keys.*",
     "enrolment_keys.*.elsewhere", "enrolment_keys.*.elsewhere.doors.*", "enrolment_keys.*.elsewhere.purposes.*",
     "pass_keys.*.doors.*", "command_keys.*", "lifts.*", "tokens", "tokens.entries.*"}
)  # fmt: skip
"""To have it permits more; to take it away narrows."""

ABSENCE_WIDENS: Final = frozenset({"zones.*", "excluded.*", "stricter.*", "pad"})

LARGER_WIDENS: Final = frozenset({"attempt.region"})
LARGER_NARROWS: Final = frozenset({"excluded.*.polygon", "zones.*.geometry"})

NAMED_BY: Final = {
    "devices": ("id",), "models": ("role", "sha256"), "zones": ("id",), "excluded": ("id",),
    "enrolment_keys": ("key",), "pass_keys": ("key",), "command_keys": ("key",), "alternatives": ("way",),
    "tokens.entries": ("subject", "doors", "until"), "operating_point.search": ("people",),
}  # fmt: skip
"""Lists of entries that are told apart by these fields; their order means nothing."""

SETS: Final = frozenset(
    {
        "stricter",
        "lifts",
        "pass_keys.*.doors",
        "enrolment_keys.*.elsewhere.doors",
        "enrolment_keys.*.elsewhere.purposes",
    }
)
"""Lists of words whose order means nothing."""
