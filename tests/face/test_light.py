"""Chips with hardly any contrast are put on the whole range; all others stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from agent.face.light import levelled
from agent.units import Rgb
from tests.face.test_quality import textured


def dimmed(gain: float, base: float = 0.0) -> Rgb:
    return np.clip(textured() * gain + base, 0, 255).astype(np.uint8)


def test_with_contrast_enough_nothing_changes() -> None:
    for chip in (textured(), dimmed(0.5), dimmed(0.3, 90)):
        assert levelled(chip) is chip


@pytest.mark.parametrize("chip", [dimmed(0.12), dimmed(0.12, 200), dimmed(0.08, 100)], ids=["dark", "pale", "grey"])
def test_with_hardly_any_it_gets_the_whole_range_and_no_other_structure(chip: Rgb) -> None:
    found = levelled(chip)
    middle = found[12:100, 12:100].astype(np.float64)
    assert np.percentile(middle, 2) < 20 and np.percentile(middle, 98) > 235
    order = np.argsort(chip[50].ravel(), kind="stable")
    assert (np.diff(found[50].ravel()[order].astype(int)) >= 0).all(), "what was brighter still is"
    assert np.corrcoef(middle.ravel(), textured()[12:100, 12:100].ravel())[0, 1] > 0.95


def test_noise_alone_is_not_made_a_picture() -> None:
    flat = np.full((112, 112, 3), 90, np.uint8)
    flat[::2, ::2] = 91
    assert np.std(levelled(flat)) < 20
    assert not np.shares_memory(levelled(flat), flat)
