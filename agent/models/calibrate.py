"""Pictures on which the ranges of int8 activations are measured: synthetic people out of the openpeople package.

Rules: nobody real; none of the five people of the scenes' cast (so that nothing in a scene has shaped the files it is
recognised with); everything follows from fixed seeds. Light, contrast, colour, blur and place are varied widely, since
the ranges must also hold for faces that look different from these few.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.face.align import chip
from agent.face.detect import INPUT_SIDE, Face
from agent.face.pad import VIEW_SIDE, view
from agent.models.attacks import Kind, Portrait, attack, bona_fide
from agent.models.vary import varied
from agent.units import Box, Rgb

PEOPLE: Final = ("P001", "P002", "P004", "P006")
"""P003 is left out as well: may be taken for a public figure."""
FRAMES: Final = 200
CHIPS: Final = 400
VIEWS: Final = 180
_PORTRAIT: Final = 640
Find = Callable[[Rgb], tuple[Face, ...]]
_Real = npt.NDArray[np.float32]


def pictures(wheel: Path) -> list[Rgb]:
    """All pictures of the calibration people, at half size."""
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
        wanted = [f"openpeople/data/curated/{person}/assets/" for person in PEOPLE]
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg") and name.startswith(tuple(wanted)))
        return [_decoded(archive.read(name)) for name in names]


def _decoded(data: bytes) -> Rgb:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    assert picture is not None, "the archive was checked by hash"
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def frames(sources: Sequence[Rgb], count: int = FRAMES) -> npt.NDArray[np.uint8]:
    """Inputs of the detector, (count, 192, 192, 3): 4:3 views of the pictures, near and far, letterboxed."""
    chance = np.random.default_rng(3)
    made = np.zeros((count, INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    inner = INPUT_SIDE * 3 // 4
    for place in range(count):
        source = sources[place % len(sources)]
        height, width = source.shape[:2]
        view_w = int(chance.uniform(0.25, 1.3) * width)
        view_h = view_w * 3 // 4
        left = int(chance.uniform(min(0, width - view_w), max(0, width - view_w) + 1))
        top = int(chance.uniform(min(0, height - view_h), max(0, height - view_h) / 2 + 1))
        move = np.array(((1.0, 0.0, -left), (0.0, 1.0, -top)))
        view = cv2.warpAffine(source, move, (view_w, view_h), flags=cv2.INTER_NEAREST)
        small = cv2.resize(view, (INPUT_SIDE, inner), interpolation=cv2.INTER_AREA).astype(np.float32)
        edge = (INPUT_SIDE - inner) // 2
        made[place, edge : edge + inner] = _lit(small, chance)
    return made


def chips(sources: Sequence[Rgb], find: Find, count: int = CHIPS) -> npt.NDArray[np.uint8]:
    """Inputs of the embedder, (count, 112, 112, 3); see `vary`."""
    return varied([made for source in sources for made in _faces(source, find)], count)


def views(sources: Sequence[Rgb], find: Find, count: int = VIEWS) -> npt.NDArray[np.uint8]:
    """Inputs of the network that tells prints and screens, (count, 128, 128, 3): people and simulated attacks."""
    people = [each for source in sources if (each := _portrait(source, find)) is not None]
    chance = np.random.default_rng(5)
    made = np.zeros((count, VIEW_SIDE, VIEW_SIDE, 3), np.uint8)
    kinds = (None, *Kind)
    for place in range(count):
        person, other = people[place % len(people)], people[int(chance.integers(len(people)))]
        kind, face_px = kinds[place % len(kinds)], float(chance.uniform(50.0, 100.0))
        shown = bona_fide(person, face_px, chance) if kind is None else attack(person, other, kind, face_px, chance)
        if found := find(shown):
            made[place] = view(shown, found[0].box)
    return made


def _portrait(source: Rgb, find: Find) -> Portrait | None:
    """A picture with one clear face, no larger than the camera's; None: there is none in it, or several."""
    by = min(1.0, _PORTRAIT / max(source.shape[:2]))
    picture = np.asarray(cv2.resize(source, None, fx=by, fy=by, interpolation=cv2.INTER_AREA), np.uint8)
    found = [face for face in find(picture) if face.score > 0.8]
    return Portrait(picture, found[0]) if len(found) == 1 and found[0].box.width > 50.0 else None


def _lit(picture: _Real, chance: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The picture mirrored or not, in another light."""
    if chance.random() < 0.5:
        picture = picture[:, ::-1]
    picture = 255.0 * (np.clip(picture, 0, 255) / 255.0) ** chance.uniform(0.5, 1.5)
    picture = (picture - 128.0) * chance.uniform(0.6, 1.4) + 128.0 + chance.uniform(-40, 40)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _faces(source: Rgb, find: Find) -> list[Rgb]:
    """Chips of all faces of a portrait or a sheet of portraits, found in overlapping windows of three sizes."""
    height, width = source.shape[:2]
    seen: list[Box] = []
    made: list[Rgb] = []
    for share in (1.0, 0.5, 0.34):
        side = int(max(height, width) * share)
        for top in range(0, max(1, height - side // 3), side // 2):
            for left in range(0, max(1, width - side // 3), side // 2):
                window = np.ascontiguousarray(source[top : top + side, left : left + side])
                if min(window.shape[:2]) < INPUT_SIDE // 3:
                    continue
                for face in find(window):
                    box = face.box
                    whole = box.x0 > 0 and box.y0 > 0 and box.x1 < window.shape[1] and box.y1 < window.shape[0]
                    placed = Box(box.x0 + left, box.y0 + top, box.x1 + left, box.y1 + top)
                    if face.score < 0.8 or not whole or any(placed.overlap(other) > 0.3 for other in seen):
                        continue
                    seen.append(placed)
                    try:
                        made.append(chip(window, face))
                    except ValueError:
                        continue
    return made
