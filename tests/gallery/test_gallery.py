"""Only those who consented to this are found, only now, and nothing but their pseudonym comes out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from agent.crypto import sign_public
from agent.errors import VaultError
from agent.face.probe import ProbeTemplate
from agent.gallery import _mint
from agent.gallery.gallery import CLEAR, ConsentedGallery, Gallery, Match, NoMatch, identify, verify
from agent.gallery.reference import ModelIdentity, ProtectedReference
from agent.gallery.vault import Rotation
from agent.policy.declared import notice_sha256
from agent.policy.frames import Permit
from agent.units import ConsentId, Sha256, SiteId, SubjectId, Vector
from tests.gallery.given import ISSUER, KEYS, LENGTH, MODEL, ROTATION, SITE, gallery, permit, protected, towards, vector
from tests.policy.given import NOW_S, TEXTS, iso

NOBODY: frozenset[SubjectId] = frozenset()
P1, P2 = Match(SubjectId("p-1"), ConsentId("c-p-1")), Match(SubjectId("p-2"), ConsentId("c-p-2"))
ONE, TWO, THREE = (vector(seed) for seed in (1, 2, 3))


def ask(people: Gallery, of: Vector, granted: Permit, withdrawn: frozenset[SubjectId] = NOBODY) -> Match | NoMatch:
    return identify(ProbeTemplate(of, granted), people.consented(granted, SITE, withdrawn))


def two() -> Gallery:
    return gallery(protected("p-1", ONE), protected("p-2", TWO))


def test_the_best_of_those_who_consented() -> None:
    granted = permit()
    assert ask(two(), ONE, granted) == P1
    assert ask(two(), TWO, granted) == P2
    assert ask(two(), towards(ONE, TWO, 0.95), granted) == P1
    assert ask(two(), THREE, granted) == NoMatch()


@pytest.mark.parametrize(("cosine", "found"), [(0.501, P1), (0.499, NoMatch())])
def test_the_permits_threshold_decides(cosine: float, found: Match | NoMatch) -> None:
    assert ask(two(), towards(ONE, THREE, cosine), permit()) == found


def test_a_higher_threshold_in_the_policy_counts_at_once() -> None:
    people, probe = two(), towards(ONE, THREE, 0.7)
    assert ask(people, probe, permit()) == P1
    strict = permit(operating_point={"label": "strict", "threshold": 0.8})
    assert ask(people, probe, strict) == NoMatch()


def test_equality_with_the_threshold_is_a_match() -> None:
    whole = np.zeros(LENGTH, np.float32)
    whole[0] = 1.0
    person = protected("p-1", whole)
    score = float((person.rotated[np.newaxis] @ ROTATION.apply(whole))[0])
    exact = permit(operating_point={"label": "x", "threshold": min(score, 0.99)})
    assert ask(gallery(person), whole, exact) == P1


@pytest.mark.parametrize("cosine, clear", [(0.5 + CLEAR - 0.001, False), (0.5 + CLEAR + 0.001, True), (1.0, True)])
def test_a_score_far_above_the_threshold_is_clear_and_no_score_is_told(cosine: float, clear: bool) -> None:
    granted = permit()
    probe, people = ProbeTemplate(towards(ONE, THREE, cosine), granted), two().consented(granted, SITE, NOBODY)
    for found in (identify(probe, people), verify(probe, people, P1.subject)):
        assert found == P1 and isinstance(found, Match) and found.clear is clear


def test_nobody_enrolled_is_nobody_found() -> None:
    assert ask(gallery(), ONE, permit()) == NoMatch()
    assert ask(Gallery((), Rotation(KEYS.gallery, 1, 1), MODEL), ONE, permit()) == NoMatch()


def test_who_has_withdrawn_is_not_found() -> None:
    people, granted = two(), permit()
    assert ask(people, ONE, granted, frozenset({P1.subject})) == NoMatch()
    assert ask(people, TWO, granted, frozenset({P1.subject})) == P2
    assert ask(people, ONE, granted) == P1, "what was kept from the last frame must not stick"


def test_what_an_erasure_leaves_is_searched_as_before_and_who_is_gone_is_gone() -> None:
    people, granted = two(), permit()
    left = people.only({(P2.subject, P2.consent_id)})
    assert left is not None and ask(left, ONE, granted) == NoMatch() and left.issuer(P1.subject) is None
    assert ask(left, TWO, granted) == P2
    nobody = people.only(frozenset())
    assert nobody is not None and ask(nobody, TWO, granted) == NoMatch()
    for new in ((SubjectId("p-3"), ConsentId("c-p-3")), (P1.subject, ConsentId("another"))):
        assert people.only({(P2.subject, P2.consent_id), new}) is None, "who was added must be opened"


class TestOneToOne:
    """With the person whom a pass has named, and with nobody else."""

    def test_the_named_person_and_no_better_one(self) -> None:
        granted = permit()
        people = two().consented(granted, SITE, NOBODY)
        assert verify(ProbeTemplate(ONE, granted), people, P1.subject) == P1
        assert verify(ProbeTemplate(TWO, granted), people, P2.subject) == P2
        assert verify(ProbeTemplate(TWO, granted), people, P1.subject) == NoMatch()

    @pytest.mark.parametrize(("cosine", "found"), [(0.501, P1), (0.499, NoMatch())])
    def test_the_permits_threshold_decides(self, cosine: float, found: Match | NoMatch) -> None:
        granted = permit()
        people = two().consented(granted, SITE, NOBODY)
        assert verify(ProbeTemplate(towards(ONE, THREE, cosine), granted), people, P1.subject) == found

    def test_who_is_not_enrolled_or_has_withdrawn_is_compared_with_nobody(self) -> None:
        granted = permit()
        probe = ProbeTemplate(ONE, granted)
        assert verify(probe, two().consented(granted, SITE, NOBODY), SubjectId("p-3")) == NoMatch()
        assert verify(probe, two().consented(granted, SITE, frozenset({P1.subject})), P1.subject) == NoMatch()

    def test_only_under_the_frames_own_permit(self) -> None:
        with pytest.raises(TypeError, match="own frame's permit"):
            verify(ProbeTemplate(ONE, permit()), two().consented(permit(), SITE, NOBODY), P1.subject)


OTHER_TEXTS = {"en": TEXTS["en"] | {"contact": "somewhere else"}}
OTHER_NOTICE = {"version": "n2", "sha256": notice_sha256(OTHER_TEXTS), "texts": OTHER_TEXTS, "accessible": ["staff"]}


@pytest.mark.parametrize(
    ("under", "site"),
    [
        ({"purpose": "staff-entry"}, SITE),
        ({"notice": OTHER_NOTICE}, SITE),
        ({}, SiteId("pier")),
    ],
)
def test_consent_is_for_one_purpose_notice_and_site(under: dict[str, Any], site: SiteId) -> None:
    people = two()
    assert ask(people, ONE, permit()) == P1
    granted = permit(**under)
    assert identify(ProbeTemplate(ONE, granted), people.consented(granted, site, NOBODY)) == NoMatch()


@settings(max_examples=60)
@given(times=strategies.lists(strategies.integers(-300, 300), min_size=1, max_size=6))
def test_consent_begins_and_ends_on_its_second(times: list[int]) -> None:
    people = _TIMED
    for offset in times:
        granted = permit(NOW_S + offset)
        assert ask(people, ONE, granted) == (P1 if -100 <= offset < 50 else NoMatch())
        assert ask(people, TWO, granted) == (P2 if -50 <= offset < 100 else NoMatch())


def test_the_same_permit_conditions_are_not_filtered_again() -> None:
    people = two()
    first = people.consented(permit(), SITE, NOBODY)
    again = people.consented(permit(NOW_S + 1), SITE, NOBODY)
    assert first._part is again._part
    assert first.permit is not again.permit


def test_a_template_is_compared_under_its_own_frames_permit() -> None:
    people = two().consented(permit(), SITE, NOBODY)
    with pytest.raises(TypeError, match="own frame's permit"):
        identify(ProbeTemplate(ONE, permit()), people)


@pytest.mark.parametrize("nothing", [np.zeros(LENGTH), np.full(LENGTH, np.nan), np.full(LENGTH, np.inf)])
def test_a_template_without_direction_is_nobodys(nothing: Vector) -> None:
    assert ask(two(), nothing.astype(np.float32), permit()) == NoMatch()


def test_a_longer_vector_is_not_more_alike() -> None:
    assert ask(two(), (towards(ONE, THREE, 0.4) * 9).astype(np.float32), permit()) == NoMatch()


def test_a_template_of_another_length_is_a_fault_of_the_model() -> None:
    with pytest.raises(VaultError, match="another length"):
        ask(two(), vector(1, LENGTH + 1), permit())


def test_holds_references_of_one_model_runtime_epoch_and_length() -> None:
    person: ProtectedReference = protected("p-1", ONE)
    for other in (
        ModelIdentity(Sha256("f" * 64), MODEL.runtime),
        ModelIdentity(MODEL.sha256, "tflite-runtime 2.14.0"),
    ):
        with pytest.raises(VaultError, match="another model or runtime"):
            Gallery([person], ROTATION, other)
    for turn in (Rotation(KEYS.gallery, 2, LENGTH), Rotation(KEYS.gallery, 1, LENGTH + 1)):
        with pytest.raises(VaultError, match="another epoch or length"):
            Gallery([person], turn, MODEL)


def test_cannot_be_iterated_indexed_measured_copied_or_forged() -> None:
    people: Any = two()
    part: Any = people.consented(permit(), SITE, NOBODY)
    for opaque in (people, part):
        with pytest.raises(TypeError):
            iter(opaque)
        with pytest.raises(TypeError):
            len(opaque)
        with pytest.raises(TypeError):
            opaque[0]
        with pytest.raises(TypeError, match="cannot be copied"):
            copy.copy(opaque)
        assert repr(opaque) == f"<{type(opaque).__name__}>"
    with pytest.raises(TypeError, match="only the gallery"):
        ConsentedGallery(mint=_mint.Mint(), permit=part.permit, _part=part._part, _rotation=part._rotation)
    assert "p-1" not in repr(P1)
    assert not {name for name in Match.__slots__} - {"subject", "consent_id", "clear"}, "no score leaves"


def test_everybody_of_two_hundred_is_found_as_nobody_else() -> None:
    """Everybody is found, and nobody as somebody else; the vectors are as unlike as random ones of this length are."""
    known = gallery(*(protected(f"p-{seed}", vector(seed, LENGTH)) for seed in range(200)))
    strict = permit(operating_point={"label": "strict", "threshold": 0.95})
    for seed in range(0, 200, 7):
        found = ask(known, vector(seed), strict)
        assert isinstance(found, Match)
        assert found.subject == f"p-{seed}"


_TIMED = gallery(
    protected("p-1", ONE, given=iso(NOW_S - 100), until=iso(NOW_S + 50)),
    protected("p-2", TWO, given=iso(NOW_S - 50), until=iso(NOW_S + 100)),
)


def test_the_issuer_of_a_kept_receipt_is_told_for_whoever_is_named() -> None:
    assert two().issuer(SubjectId("p-1")) == sign_public(ISSUER)
    assert two().issuer(SubjectId("p-3")) is None
