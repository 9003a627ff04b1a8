"""A withdrawal code before the camera: it is told once, under every refusal, and counts for its own site and person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.core import GalleryChanged, Output, WithdrawalShown
from agent.crypto import SignSecret, sign_public
from agent.gallery.withdrawal import PREFIX
from agent.policy.circumstances import Surroundings
from agent.policy.gate import Refusal
from agent.site.withdrawals import signed_withdrawal
from agent.units import SiteId, SubjectId
from tests.core.given import INSIDE, Desk, Person, decisions, gate_law, known, outcomes, stopped, withdrawn
from tests.gallery.given import ISSUER, SITE
from tests.policy.given import AROUND, NOW_S, iso

P1, P9 = SubjectId("p-1"), SubjectId("p-9")
PASSES, STRANGE = SignSecret(b"\x15" * 32), SignSecret(b"\x16" * 32)
ANNA = Person(P1, INSIDE)
LONG_AGO = iso(NOW_S - 86_400)
ENROLMENT_KEYS = [{"key": sign_public(ISSUER).hex(), "until": LONG_AGO}]
PASS_KEYS = [{"key": sign_public(PASSES).hex(), "doors": ["main"], "until": LONG_AGO}]
CODE = signed_withdrawal(SITE, ISSUER, P1)


def desk(**changes: Any) -> Desk:
    return Desk(gate_law(**({"enrolment_keys": ENROLMENT_KEYS, "pass_keys": PASS_KEYS} | changes)))


def shown(at: Desk, text: str, frames: int = 1, around: Surroundings = AROUND) -> list[Output]:
    """What comes of holding a code up for so many frames; it is down again before the next showing."""
    at.qrs.texts_now = (text,)
    outputs = at.frames(frames, around=around, read_passes=True)
    at.qrs.texts_now = ()
    at.frames(20, around=around)
    return outputs


def whose(outputs: list[Output]) -> list[SubjectId]:
    return [output.subject for output in outputs if isinstance(output, WithdrawalShown)]


def refusals(outputs: list[Output]) -> list[tuple[str, str | None, str | None]]:
    return [(each.outcome.value, each.ground, each.subject) for each in decisions(outputs)]


def shown_quietly(at: Desk, text: str) -> bool:
    outputs = shown(at, text)
    return whose(outputs) == [] and decisions(outputs) == []


def test_a_code_is_told_once_for_one_showing_and_is_no_decision() -> None:
    at = desk()
    outputs = shown(at, CODE, frames=50)
    assert whose(outputs) == [P1] and decisions(outputs) == []
    assert whose(shown(at, CODE)) == [P1], "shown again, and not carried out yet"
    assert at.embedder.seen == []


@pytest.mark.parametrize(
    "around",
    [
        stopped(),
        replace(AROUND, unix_s=None),
        replace(AROUND, models=None),
        replace(AROUND, keys_sealed=False),
        replace(AROUND, ledger_writable=False),
    ],
    ids=["stopped", "clock untrusted", "no models", "keys not sealed", "ledger unwritable"],
)
def test_no_refusal_keeps_anybody_from_withdrawing(around: Surroundings) -> None:
    at = desk()
    assert whose(shown(at, CODE, around=around)) == [P1]
    assert isinstance(at.core.state, Refusal)


def test_nor_does_a_covered_sign_or_a_mode_without_faces() -> None:
    covered = desk()
    covered.cover_sign()
    covered.frames(10)
    assert whose(shown(covered, CODE)) == [P1]
    assert whose(shown(desk(mode="pass"), CODE)) == [P1]


def test_a_code_of_a_pass_key_and_of_an_ended_key_counts_for_whoever_it_names() -> None:
    assert whose(shown(desk(), signed_withdrawal(SITE, PASSES, P9))) == [P9], "nobody needs to be in the gallery"
    assert whose(shown(desk(), signed_withdrawal(SITE, ISSUER, P9))) == [P9]


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (signed_withdrawal(SiteId("pier"), ISSUER, P1), "withdrawal-wrong-site"),
        (signed_withdrawal(SITE, STRANGE, P1), "withdrawal-unsigned"),
        (PREFIX + "NONSENSE", "withdrawal-malformed"),
    ],
    ids=["another site", "nobody's key", "nonsense"],
)
def test_a_code_that_does_not_count_says_why_and_names_nobody(text: str, ground: str) -> None:
    at = desk()
    for around in (AROUND, stopped()):
        outputs = shown(at, text, frames=10, around=around)
        assert refusals(outputs) == [("pass-refused", ground, None)] and whose(outputs) == []


def test_the_key_of_the_kept_receipt_counts_though_the_policy_has_dropped_it() -> None:
    at = desk(enrolment_keys=[], pass_keys=[])
    assert whose(shown(at, CODE)) == [P1]
    other = signed_withdrawal(SITE, ISSUER, P9)
    assert refusals(shown(at, other)) == [("pass-refused", "withdrawal-unsigned", None)]
    at.core.receive(GalleryChanged(None, frozenset()))
    assert refusals(shown(at, CODE)) == [("pass-refused", "withdrawal-unsigned", None)], "no receipt is kept"


def test_whoever_has_withdrawn_already_is_told_no_more() -> None:
    at = desk()
    at.core.receive(GalleryChanged(known("p-2"), withdrawn(P1)))
    assert shown_quietly(at, CODE)
    assert whose(shown(at, signed_withdrawal(SITE, ISSUER, P9))) == [P9]


def test_a_frame_that_is_not_searched_for_codes_withdraws_nobody() -> None:
    at = desk()
    at.qrs.texts_now = (CODE,)
    assert whose(at.frames(5)) == []


def test_other_codes_withdraw_nobody() -> None:
    for text in ("https://example.org/menu", CODE.lower(), " " + CODE):
        assert shown_quietly(desk(), text)


def test_it_is_heeded_in_the_middle_of_an_attempt_and_the_face_is_a_strangers_from_then_on() -> None:
    at = desk()
    at.frames(3, ANNA)
    at.qrs.texts_now = (CODE,)
    (subject,) = whose(at.frame(ANNA, read_passes=True))
    assert at.core.receive(GalleryChanged(known("p-2", "p-3"), withdrawn(subject))) == []
    assert outcomes(at.frames(40, ANNA)) == [("no-match", None)]


@pytest.mark.parametrize("shown_at", range(1, 10))
def test_from_the_very_frame_that_shows_the_code_its_person_is_not_recognised(shown_at: int) -> None:
    at = desk()
    before = outcomes(at.frames(shown_at - 1, ANNA))
    at.qrs.texts_now = (CODE,)
    outputs = at.frame(ANNA, read_passes=True)
    at.qrs.texts_now = ()
    assert whose(outputs) == [P1] and outcomes(outputs) == []
    assert ("match", P1) not in outcomes(at.frames(40, ANNA)), "nor while it is not carried out yet"
    assert before == [] or shown_at > 6


def test_others_are_recognised_meanwhile_and_a_gallery_that_has_them_again_counts() -> None:
    at = desk()
    shown(at, CODE)
    assert outcomes(at.frames(40, Person("p-2", INSIDE))) == [("match", "p-2")]
    at.frames(30)
    at.core.receive(GalleryChanged(known(P1), frozenset()))
    assert outcomes(at.frames(40, ANNA)) == [("match", P1)]


def test_nothing_of_the_person_is_in_the_word_for_it() -> None:
    assert P1 not in repr(WithdrawalShown(P1))
