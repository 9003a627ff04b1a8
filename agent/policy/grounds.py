"""Why recognition is refused: the closed list of grounds. The values are wire names and never change."""

from __future__ import annotations

from enum import StrEnum, unique


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
    NECESSITY_MISSING = "necessity-missing"
    BASIS_UNFIT = "basis-unfit"
    MODE_UNJUSTIFIED = "mode-unjustified"
    MODE_BLIND = "mode-blind"
    ASSESSMENT_MISSING = "assessment-missing"
    ASSESSMENT_STALE = "assessment-stale"
    ASSESSMENT_UNFIT = "assessment-unfit"
    NOTICE_INCOMPLETE = "notice-incomplete"
    NOTICE_MISMATCH = "notice-mismatch"
    ALTERNATIVE_MISSING = "alternative-missing"
    RETENTION_TOO_LONG = "retention-too-long"
    FILING_OVERDUE = "filing-overdue"
    LOCATION_UNKNOWN = "location-unknown"
    IN_ZONE = "in-zone"
    VIEW_UNKNOWN = "view-unknown"
    DEVICE_MOVED = "device-moved"
    TAMPERED = "tampered"
    SIGN_MISSING = "sign-missing"
    SIGN_FORBIDS = "sign-forbids"
    MODEL_NOT_ALLOWED = "model-not-allowed"
    OUTPUT_NOT_ALLOWED = "output-not-allowed"
    MODEL_FAILED = "model-failed"
    KEYS_NOT_SEALED = "keys-not-sealed"
    LEDGER_UNWRITABLE = "ledger-unwritable"
    VIEW_MISMATCH = "view-mismatch"
    NO_FRAMES = "no-frames"
    NO_CONSENT = "no-consent"
    STOCK_UNFILED = "stock-unfiled"
    GALLERY_TOO_LARGE = "gallery-too-large"
    PAD_MISSING = "pad-missing"
