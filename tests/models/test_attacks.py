"""Simulated attacks: the same from the same numbers, with a face as large as the living one's, each its own way."""

from __future__ import annotations

import numpy as np
import pytest

from agent.adapters.litert import LoadedModel, load_models
from agent.face.detect import Finder
from agent.models.apcer import Find
from agent.models.attacks import Kind, Portrait, attack, bona_fide, coded
from agent.models.eyes import nearest
from agent.scene.cast import Cast
from agent.units import Rgb
from tests.models.given import CAST, MODELS

FACE_PX = 70.0


@pytest.fixture(scope="module")
def find() -> Find:
    detector: LoadedModel = load_models(MODELS)[0]
    return Finder(detector.run).find


@pytest.fixture(scope="module")
def pair(find: Find) -> tuple[Portrait, Portrait]:
    """Victim and attacker, of the synthetic cast."""
    cast = Cast(CAST)

    def portrait(name: str) -> Portrait:
        picture: Rgb = np.ascontiguousarray(cast.picture(cast.sprites[name]))
        face = nearest(find(picture), picture)
        assert face is not None
        return Portrait(picture, face)

    return portrait("p1-calibrate-1"), portrait("p4-calibrate-1")


def shown(pair: tuple[Portrait, Portrait], kind: Kind | None, seed: int = 3) -> Rgb:
    chance = np.random.default_rng(seed)
    if kind is None:
        return bona_fide(pair[0], FACE_PX, chance)
    return attack(*pair, kind, FACE_PX, chance)


@pytest.mark.parametrize("kind", [None, *Kind])
def test_the_face_is_found_and_is_as_large_as_asked_for(
    kind: Kind | None, find: Find, pair: tuple[Portrait, Portrait]
) -> None:
    picture = shown(pair, kind)
    face = nearest(find(picture), picture)
    assert face is not None
    assert face.box.width == pytest.approx(FACE_PX, rel=0.2)


@pytest.mark.parametrize("kind", [None, *Kind])
def test_a_picture_follows_from_its_numbers(kind: Kind | None, pair: tuple[Portrait, Portrait]) -> None:
    first, again, other = shown(pair, kind), shown(pair, kind), shown(pair, kind, seed=4)
    assert np.array_equal(first, again)
    assert first.dtype == np.uint8 and first.shape[2] == 3
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_no_two_kinds_are_alike(pair: tuple[Portrait, Portrait]) -> None:
    made = [shown(pair, kind) for kind in Kind]
    for place, one in enumerate(made):
        assert all(not np.array_equal(one, other) for other in made[place + 1 :])


def test_the_surroundings_of_the_attacker_are_seen_round_an_instrument_unless_it_fills_the_view(
    find: Find, pair: tuple[Portrait, Portrait]
) -> None:
    green = np.zeros((700, 700, 3), np.uint8)
    green[..., 1] = 180
    inside = pair[1].picture
    high, wide = inside.shape[:2]
    green[220 : 220 + high, 220 : 220 + wide] = inside
    face = nearest(find(green), green)
    assert face is not None
    wide_view = pair[0], Portrait(green, face)
    for kind in Kind:
        red, grass, blue = shown(wide_view, kind)[2:10, 2:10].reshape(-1, 3).mean(axis=0)
        assert (grass > 2 * max(red, blue)) is not kind.whole, kind


def test_kinds_are_named_after_what_they_are() -> None:
    assert {kind for kind in Kind if kind.printed} == {Kind.PHOTO, Kind.HALFTONE, Kind.CURLED, Kind.POSTER}
    assert {kind for kind in Kind if kind.whole} == {Kind.POSTER, Kind.CLOSE}


def test_a_camera_s_jpeg_changes_little() -> None:
    smooth = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8)[:, None, None], (1, 64, 3))
    seen = coded(smooth, np.random.default_rng(1))
    assert seen.shape == smooth.shape
    assert 0 <= np.abs(seen.astype(int) - smooth).mean() < 4
