"""What people sign for: facts that a device cannot see, as dated declarations in the signed policy.

Rules: each names what it covers and until when; nothing here is proof, and the documentation says so. A missing one is
None or empty, which the rules read as unmet wherever the profile binds. Leaves out: the rules (rules.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from agent.policy.document import Strict
from agent.policy.fields import Hex32, Mode, Name, Purpose

Text = Annotated[str, Field(min_length=2, max_length=2000)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z][a-z]{3})?$")]
"""BCP 47 language, with the script where that matters: `en`, `zh-Hans`."""


class Dated(Strict):
    """Something that somebody declared on one day and that holds until another."""

    on: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.until <= self.on:
            raise ValueError("until must lie after on")
        return self

    def covers(self, unix_s: float) -> bool:
        return self.on.timestamp() <= unix_s < self.until.timestamp()


class Necessity(Dated):
    """Why this purpose needs faces at all (Measures art. 4)."""

    statement: Annotated[str, Field(min_length=20, max_length=2000)]


class Inspection(Strict):
    """A dated look at the sign by a person who answers for it; it rides in the signed policy."""

    inspector: Name
    inspected: AwareDatetime
    until: AwareDatetime
    key: Hex32 | None = None
    """The inspector's own key, where the inspection is signed by itself too; see site/signs/inspection.py."""
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")] | None = None

    @model_validator(mode="after")
    def _key_with_signature(self) -> Inspection:
        if (self.key is None) != (self.signature is None):
            raise ValueError("a signature comes with its key")
        return self

    def covers(self, unix_s: float) -> bool:
        return self.inspected.timestamp() <= unix_s < self.until.timestamp()


class Justified(Strict):
    """Why 1:N is necessary here (Measures art. 4)."""

    statement: Annotated[str, Field(min_length=20, max_length=2000)]


@unique
class Accessible(StrEnum):
    """A form in which people who cannot read the sign get the notice (Measures art. 5)."""

    LARGE_PRINT = "large-print"
    EASY_READ = "easy-read"
    AUDIO = "audio"
    BRAILLE = "braille"
    STAFF = "staff"


class NoticeText(Strict):
    """The notice in one language; the fields are those that art. 5 and ISO/IEC 29184 ask for."""

    controller: Text
    contact: Text
    complaint: Text
    """Where to complain; a notice without it hides the authority (Measures art. 16-18)."""
    purpose: Text
    method: Text
    retention: Text
    necessity: Text
    effect: Text
    """What it means for the person, agreed or not."""
    rights: Text
    alternative: Text


class Notice(Strict):
    version: Name
    sha256: Hex32
    """Of the texts, see `notice_sha256`: what sign and consents refer to."""
    texts: Annotated[dict[Language, NoticeText], Field(default_factory=dict, max_length=20)]
    accessible: tuple[Accessible, ...] = ()


def notice_sha256(texts: Mapping[str, Mapping[str, str]]) -> str:
    """The hash of a notice's texts by language: of their JSON with sorted keys and no spaces."""
    plain = json.dumps(texts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


@unique
class Head(StrEnum):
    """The four things that an impact assessment weighs (Measures art. 9)."""

    LAWFUL_AND_NECESSARY = "lawful-and-necessary"
    EFFECT_ON_RIGHTS = "effect-on-rights"
    RISK_OF_HARM = "risk-of-harm"
    PROTECTION = "protection"


class Covered(Strict):
    """What exactly an assessment was made for; anything else that runs is not covered."""

    purpose: Purpose
    mode: Mode
    models: Annotated[tuple[Hex32, ...], Field(min_length=1)]
    zones: tuple[Name, ...] = ()


class Assessment(Dated):
    """The record of an impact assessment (PIA): that it exists, when, and what for; its quality is not judged here."""

    id: Name
    sha256: Hex32
    heads: tuple[Head, ...]
    scope: Covered


@unique
class Way(StrEnum):
    """An alternative to the face (Measures art. 10)."""

    PASS = "pass"
    STAFF = "staff"
    INTERCOM = "intercom"
    KEY = "key"
    CARD = "card"


class Alternative(Dated):
    """A way in without a face that somebody has tried and answers for; `pass` needs pass keys in force as well."""

    way: Way


class Consented(Strict):
    """The usual basis: nobody is matched without a receipt."""

    kind: Literal["consent"]


class Statute(Dated):
    """Another legal basis than consent: a signed, dated record that names the law and shows on the sign."""

    kind: Literal["statute"]
    law: Annotated[str, Field(min_length=5, max_length=300)]
    record_sha256: Hex32
    shown_on_sign: bool


Basis = Annotated[Consented | Statute, Field(discriminator="kind")]


class Filing(Strict):
    """The filing with the provincial authority (Measures art. 15)."""

    authority: Name
    number: Name
    filed: AwareDatetime
    covers_people: Annotated[int, Field(ge=1, le=10**9)]


class Retention(Strict):
    max_days: Annotated[int, Field(ge=1, le=3650)]
    max_idle_days: Annotated[int, Field(ge=1, le=3650)]
    ledger_days: Annotated[int, Field(ge=180, le=3650)] = 1095
    """How long a device keeps its ledger; half a year at least, so that evidence is there when it is asked for."""
