"""Who is here already, or too like somebody here, is not kept; whom they are like is never said."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from agent.errors import VaultError
from agent.gallery._mint import MINT
from agent.gallery.alike import MARGIN, Alike, Distinct, compare
from agent.gallery.gallery import Gallery
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, ReferenceTemplate
from agent.gallery.vault import Rotation
from agent.units import Sha256, Vector
from tests.gallery.given import KEYS, MODEL, ROTATION, consent, gallery, permit, protected, reference, towards, vector
from tests.policy.given import NOW_S, iso

ONE, TWO, THREE = (vector(seed) for seed in (1, 2, 3))
THRESHOLD = 0.5


def asked(of: Vector, *people: ProtectedReference, subject: str = "p-9", one_to_one: bool = False) -> Distinct | Alike:
    return compare(reference(subject, of), gallery(*people), one_to_one=one_to_one)


@pytest.mark.parametrize(
    ("cosine", "answer"),
    [
        (1.0, Alike.ENROLLED),
        (THRESHOLD + 0.001, Alike.ENROLLED),
        (THRESHOLD - 0.001, Alike.TOO_LIKE),
        (THRESHOLD - MARGIN + 0.001, Alike.TOO_LIKE),
        (THRESHOLD - MARGIN - 0.001, None),
        (-1.0, None),
    ],
)
def test_the_threshold_and_its_margin_decide(cosine: float, answer: Alike | None) -> None:
    found = asked(towards(ONE, THREE, cosine), protected("p-2", TWO), protected("p-1", ONE))
    if answer is None:
        assert isinstance(found, Distinct) and not found.too_like
    else:
        assert found is answer


def test_in_1_to_1_who_is_too_like_is_a_warning_and_who_is_here_is_still_refused() -> None:
    near = asked(towards(ONE, THREE, THRESHOLD - 0.01), protected("p-1", ONE), one_to_one=True)
    assert isinstance(near, Distinct) and near.too_like
    far = asked(THREE, protected("p-1", ONE), one_to_one=True)
    assert isinstance(far, Distinct) and not far.too_like
    assert asked(ONE, protected("p-1", ONE), one_to_one=True) is Alike.ENROLLED


def test_the_first_person_is_like_nobody() -> None:
    made = reference("p-1", ONE)
    empty = Gallery([], Rotation(KEYS.gallery, 1, 1), MODEL)
    found = compare(made, empty, one_to_one=False)
    assert isinstance(found, Distinct) and found.reference is made


def test_who_enrols_again_under_the_same_pseudonym_is_not_compared_with_themselves() -> None:
    assert isinstance(asked(ONE, protected("p-1", ONE), subject="p-1"), Distinct)
    assert asked(ONE, protected("p-1", ONE), protected("p-2", ONE), subject="p-1") is Alike.ENROLLED


@pytest.mark.parametrize(
    "changes",
    [{"until": iso(NOW_S)}, {"purpose": "staff-entry"}, {"notice_sha256": "b" * 64}, {"age": "under-14"}],
)
def test_only_those_whose_consent_is_in_force_are_compared(changes: dict[str, Any]) -> None:
    if "until" in changes:
        before = protected("p-1", ONE, given=iso(NOW_S - 100), until=iso(NOW_S + 1))
        made = reference("p-9", ONE)
        late = ReferenceTemplate(mint=MINT, vector=made.template.vector, model=MODEL, permit=permit(NOW_S + 2))
        assert isinstance(compare(Reference(late, made.consent), gallery(before), one_to_one=False), Distinct)
    else:
        assert isinstance(asked(ONE, protected("p-1", ONE, **changes)), Distinct)


def test_what_cannot_be_compared_is_not_kept() -> None:
    made = reference("p-9", ONE)
    elsewhere = ReferenceTemplate(mint=MINT, vector=ONE, model=MODEL)
    with pytest.raises(VaultError, match="made elsewhere"):
        compare(Reference(elsewhere, consent("p-9")), gallery(), one_to_one=False)
    other = Gallery([protected("p-1", TWO)], ROTATION, MODEL)
    for template in (
        ReferenceTemplate(
            mint=MINT, vector=ONE, model=ModelIdentity(Sha256("d" * 64), "litert 2.3.0"), permit=made.template.permit
        ),
        ReferenceTemplate(mint=MINT, vector=vector(1, 16), model=MODEL, permit=made.template.permit),
    ):
        with pytest.raises(VaultError, match="another model"):
            compare(Reference(template, made.consent), other, one_to_one=True)


def test_a_score_that_is_not_a_number_is_not_distinct() -> None:
    made = reference("p-9", ONE)
    broken = ReferenceTemplate(mint=MINT, vector=np.full_like(ONE, np.nan), model=MODEL, permit=made.template.permit)
    assert compare(Reference(broken, made.consent), gallery(protected("p-1", ONE)), one_to_one=True) is Alike.ENROLLED


def test_only_the_comparison_says_that_somebody_is_distinct() -> None:
    with pytest.raises(TypeError, match="only the gallery makes a Distinct"):
        Distinct(mint=object(), reference=reference("p-9", ONE), too_like=False)  # type: ignore[arg-type]
    found = asked(THREE)
    assert isinstance(found, Distinct)
    assert "p-9" not in repr(found)
    for again in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            again(found)
