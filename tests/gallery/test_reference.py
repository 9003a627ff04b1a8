"""A reference is the mean of five probes and somebody's consent, or it does not exist."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from agent.face.probe import ProbeTemplate
from agent.gallery import _mint
from agent.gallery.reference import ProtectedReference, Reference, ReferenceTemplate, average, unit
from agent.units import Vector
from tests.gallery.given import MODEL, consent, permit, protected, reference, vector


def test_is_the_normalised_mean() -> None:
    granted = permit()
    vectors = [vector(seed) for seed in range(6)]
    template = average([ProbeTemplate(each, granted) for each in vectors], MODEL)
    mean = np.mean(vectors, axis=0)
    assert np.allclose(template.vector, mean / np.linalg.norm(mean), atol=1e-6)
    assert template.vector.dtype == np.float32
    assert template.model is MODEL


def test_takes_five_probes() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        average([ProbeTemplate(vector(1), permit())] * 4, MODEL)


@pytest.mark.parametrize(
    "nothing", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf), np.ones((2, 4)), np.full(8, 1e-20)]
)
def test_a_vector_without_direction_is_no_template(nothing: Vector) -> None:
    with pytest.raises(ValueError, match="one row of finite numbers"):
        unit(nothing)


def test_joins_a_template_to_a_consent_and_nothing_else() -> None:
    template: Any = reference("p-1", vector(1)).template
    for wrong in (None, {"subject": "p-1"}, template):
        with pytest.raises(TypeError, match="joins"):
            Reference(template, wrong)
    with pytest.raises(TypeError, match="joins"):
        Reference(template.vector, consent())


def test_cannot_be_forged_pickled_or_shown() -> None:
    with pytest.raises(TypeError, match="only the gallery"):
        ReferenceTemplate(mint=_mint.Mint(), vector=vector(1), model=MODEL)
    with pytest.raises(TypeError, match="only the gallery"):
        ProtectedReference(mint=_mint.Mint(), rotated=vector(1), consent=consent(), model=MODEL, epoch=1)
    for value in (reference("p-1", vector(1)), reference("p-1", vector(1)).template, protected("p-1", vector(1))):
        with pytest.raises(TypeError, match="cannot be copied"):
            pickle.dumps(value)
        assert repr(value) == f"<{type(value).__name__}>"
