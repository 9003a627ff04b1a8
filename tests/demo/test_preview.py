"""Over the whole scene no face, found or not, is finer than eight blocks across in the picture for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from agent.demo.source import SCENE
from agent.policy.preview import FACE_BLOCKS, blocks, veil
from agent.scene.render import Stage
from agent.scene.scene import load
from agent.scene.truth import PersonTruth, truth
from agent.units import Box, Rgb

PASSES = {"day": "doorward-pass-1 of a day", "evening": "doorward-pass-2 of an evening"}
EVERY = 15  # frames, one second


def inside(shape: tuple[int, ...], box: Box) -> tuple[slice, slice] | None:
    """The part of the picture that a face covers; None when too little of it is in the picture to be a face."""
    y0, y1 = max(round(box.y0), 0), min(round(box.y1), shape[0])
    x0, x1 = max(round(box.x0), 0), min(round(box.x1), shape[1])
    return (slice(y0, y1), slice(x0, x1)) if y1 - y0 >= 8 and x1 - x0 >= 8 else None


def across(shown: Rgb, empty: Rgb, axis: int) -> int:
    """The most steps along one direction in which anything of the live picture can be seen."""
    live = (shown != empty).any(axis=2)
    ahead, behind = np.s_[:, 1:] if axis else np.s_[1:], np.s_[:, :-1] if axis else np.s_[:-1]
    edges = (shown[ahead] != shown[behind]).any(axis=2) & live[ahead] & live[behind]
    return int(edges.sum(axis=axis).max()) + 1 if live.any() else 0


def faces() -> Iterator[tuple[bool, PersonTruth, Rgb, Rgb, list[Box]]]:
    """Refused or not, who, the live picture, the empty one, and all faces of the frame."""
    scene = load(SCENE)
    stage = Stage(scene, PASSES)
    empty = stage.empty_picture()
    for number in range(0, scene.script.frames, EVERY):
        true = truth(scene, number)
        live, _ = stage.picture(number)
        for person in true.people:
            yield bool(true.grounds), person, live, empty, [each.box for each in true.people]


def test_no_face_of_the_scene_is_finer_than_eight_blocks() -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    finest = 0
    for refused, person, live, empty, boxes in faces():
        area = inside(live.shape, person.box)
        if area is None:
            continue
        seen[person.person, refused] += 1
        shown = [blocks(live)] if refused else [veil(live, empty, []), veil(live, empty, boxes)]
        for picture in shown:
            steps = [across(picture[area], empty[area], axis) for axis in (0, 1)]
            assert max(steps) <= FACE_BLOCKS, (person, steps)
            finest = max(finest, *steps)
        if not refused:
            found, plain = shown[1][area], blocks(live)[area]
            assert (found == plain).all(), "of a face that was found not one pixel is shown as it is"
    assert {name for name, _ in seen} == {"P1", "P2", "P3", "P4", "P5"}
    assert sum(seen[name, True] for name in ("P1", "P3", "P5")) > 10, "and faces were there under a refusal too"
    assert finest >= 3, "the measure sees the blocks at all"


@pytest.mark.parametrize("refused", [False, True])
def test_the_measure_itself_sees_a_face_that_is_shown_as_it_is(refused: bool) -> None:
    person, live, empty = next(
        (person, live, empty)
        for now, person, live, empty, _ in faces()
        if now is refused and person.box.width > 100 and inside(live.shape, person.box) is not None
    )
    area = inside(live.shape, person.box)
    assert area is not None
    assert across(live[area], empty[area], 1) > 5 * FACE_BLOCKS
