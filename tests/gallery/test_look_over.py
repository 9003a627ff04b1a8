"""A gallery's own people, each left out in turn: who is too like whom, and whose references disagree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.errors import VaultError
from agent.gallery._mint import MINT
from agent.gallery.alike import _ROWS, MARGIN, Alike, Looked, Near, look_over
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, ReferenceTemplate
from agent.gallery.vault import lock, unlock
from agent.units import Sha256
from tests.gallery.given import CONTEXT, KEYS, MODEL, protected, reference, towards, vector

ONE, TWO, THREE = (vector(seed) for seed in (1, 2, 3))
THRESHOLD = 0.5


def looked(*people: ProtectedReference) -> Looked:
    return look_over(people, THRESHOLD, lambda more: None)


@pytest.mark.parametrize(
    ("cosine", "how"),
    [
        (THRESHOLD + 0.001, Alike.ENROLLED),
        (THRESHOLD - 0.001, Alike.TOO_LIKE),
        (THRESHOLD - MARGIN + 0.001, Alike.TOO_LIKE),
        (THRESHOLD - MARGIN - 0.001, None),
    ],
)
def test_pairs_are_named_once_by_the_threshold_and_margin_of_enrolment(cosine: float, how: Alike | None) -> None:
    found = looked(protected("p-2", towards(ONE, THREE, cosine)), protected("p-3", TWO), protected("p-1", ONE))
    assert found.apart == ()
    assert found.near == (() if how is None else (Near("p-1", "p-2", how),))


def test_several_references_of_one_person_are_no_pair_but_may_disagree() -> None:
    same = looked(protected("p-1", ONE), protected("p-1", towards(ONE, THREE, THRESHOLD + 0.01)), protected("p-2", TWO))
    assert (same.near, same.apart) == ((), ())
    apart = looked(protected("p-1", ONE), protected("p-1", towards(ONE, THREE, THRESHOLD - 0.01)))
    assert (apart.near, apart.apart) == ((), ("p-1",))


def test_of_several_references_the_closest_counts() -> None:
    near, far = towards(ONE, THREE, THRESHOLD + 0.01), towards(ONE, THREE, THRESHOLD - 0.01)
    for order in ((near, far), (far, near)):
        found = looked(protected("p-1", ONE), *(protected("p-2", each) for each in order))
        assert found.near == (Near("p-1", "p-2", Alike.ENROLLED),)


def test_more_people_than_one_block_are_all_compared() -> None:
    told: list[int] = []
    people = [protected(f"p-{place:04}", vector(place)) for place in range(_ROWS + 20)]
    rows = np.array([each.rotated for each in people])
    scores = np.triu(rows @ rows.T, 1)
    expected = {(int(one), int(other)) for one, other in zip(*np.nonzero(scores >= THRESHOLD - MARGIN), strict=True)}
    assert any(one < _ROWS <= other for one, other in expected), "some lie in different blocks"
    found = look_over(people, THRESHOLD, told.append)
    assert {(int(each.one[2:]), int(each.other[2:])) for each in found.near} == expected
    assert told == [_ROWS, 20]


def test_nobody_and_one_person_are_like_nobody() -> None:
    assert looked() == looked(protected("p-1", ONE)) == Looked((), ())


def test_nothing_is_shown_by_accident() -> None:
    found = looked(protected("p-1", ONE), protected("p-2", ONE))
    assert "p-1" not in repr(found) and "p-1" not in repr(found.near[0])


def test_references_of_another_model_are_not_compared() -> None:
    made = reference("p-2", ONE)
    model = ModelIdentity(Sha256("f" * 64), MODEL.runtime)
    template = ReferenceTemplate(mint=MINT, vector=ONE, model=model, permit=made.template.permit)
    context = replace(CONTEXT, model=model)
    other = unlock(lock(Reference(template, made.consent), context, KEYS), context, KEYS)
    with pytest.raises(VaultError, match="several models"):
        looked(protected("p-1", ONE), other)
