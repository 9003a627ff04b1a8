"""Puts the cast together: reads the registry package, makes every sprite, writes the pictures and `cast.toml`.

Everything is computed from the package's files and fixed numbers, so two runs give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from agent.models.sources import PICTURES
from scripts.webp import encoded

from .cutout import Bgr
from .faces import Body, Landmarks, Points, body, head_picture, sheet_cells, sprite, with_face

LICENCE, HOLDER = "MIT", "Copyright (c) 2026 Prompt Haus"
EYES_PX = 58.0
UNITS = (3.95, 2.4, 9.2)
"""Kept to each side, above and below the eyes, in eye distances."""
ENROL_PX = 256


@dataclass(frozen=True, slots=True)
class Part:
    """One pseudonym: who of the package plays it, the colour of the shirt, and which expressions serve what."""

    person: str
    source: str
    tint_bgr: tuple[int, int, int]
    enrol: tuple[str, ...]
    scene: tuple[str, ...]
    calibrate: tuple[str, ...]


ENROL = ("portrait", "neutral", "happy", "determined", "sad", "surprised")
CALIBRATE = ("confused", "exhausted", "shocked", "playful")
PARTS = (
    Part("P1", "P005", (96, 62, 40), ENROL, ("posture", "smug", "flirty"), CALIBRATE),
    Part("P2", "P009", (88, 150, 190), ENROL, ("posture", "pensive", "flirty"), CALIBRATE),
    Part("P3", "P007", (70, 92, 52), ENROL, ("posture", "smug", "thoughtful"), CALIBRATE),
    Part("P4", "P008", (58, 46, 120), (), ("posture", "smug", "flirty"), CALIBRATE),
    Part("P5", "P010", (84, 80, 74), (), ("posture", "pensive"), CALIBRATE),
)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """One finished sprite: its bytes and its entry for `cast.toml`."""

    name: str
    person: str
    use: str
    data: bytes
    size: tuple[int, int]
    eyes: Points
    face: Points
    source: str

    def entry(self) -> str:
        """The `[[sprite]]` table."""
        eyes = ", ".join(f"[{x:.1f}, {y:.1f}]" for x, y in self.eyes)
        face = ", ".join(f"{v:.1f}" for v in self.face)
        return (
            f'\n[[sprite]]\nid = "{self.name}"\nperson = "{self.person}"\nuse = "{self.use}"\n'
            f'file = "{self.name}.webp"\n'
            f'sha256 = "{hashlib.sha256(self.data).hexdigest()}"\nwidth = {self.size[0]}\nheight = {self.size[1]}\n'
            f'eyes = [{eyes}]\nface = [{face}]\nsource = "{self.source}"\n'
        )


def made(part: Part, folder: Path, landmarks: Landmarks, backdrop: Bgr, say: Callable[[str], None]) -> Iterator[Made]:
    """All sprites of one person. `folder` holds the package's curated people, `backdrop` the painted gate."""
    assets = folder / part.source / "assets"
    cells = sheet_cells(_read(assets / "emotions_sheet.jpg"))
    cells["portrait"] = _read(assets / "studio_portrait.jpg")
    person = body(_read(assets / "studio_posture.jpg"), landmarks, part.tint_bgr)
    for index, expression in enumerate(part.enrol):
        say(f"{part.person} enrol {expression}")
        picture = head_picture(cells[expression], landmarks, ENROL_PX)
        yield _finished(part, f"enrol-{index + 1}", "enrol", expression, picture, landmarks, 84)
    for index, expression in enumerate(part.scene):
        say(f"{part.person} scene {expression}")
        shown = person if expression == "posture" else with_face(person, cells[expression], landmarks)
        picture, points = sprite(shown, EYES_PX, UNITS)
        yield _finished(part, f"scene-{index + 1}", "scene", expression, picture, landmarks, 92, points)
    for index, expression in enumerate(part.calibrate):
        say(f"{part.person} calibrate {expression}")
        shown = with_face(person, cells[expression], landmarks)
        picture = _in_place(shown, backdrop, index)
        yield _finished(part, f"calibrate-{index + 1}", "calibrate", expression, picture, landmarks, 84)


def _finished(
    part: Part,
    suffix: str,
    use: str,
    expression: str,
    picture: Bgr,
    landmarks: Landmarks,
    quality: int,
    known: Points | None = None,
) -> Made:
    data = encoded(picture, quality)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    plain = np.asarray(decoded, np.uint8)
    if plain.shape[2] == 4:  # the detector's own view of it: on neutral grey, as far as the shoulders
        alpha = plain[..., 3:].astype(np.float32) / 255
        plain = (plain[..., :3] * alpha + 150 * (1 - alpha)).astype(np.uint8)
        plain = np.ascontiguousarray(plain[: plain.shape[1]])
    box, points = landmarks(plain)
    eyes = (points if known is None else known)[:2]
    name = f"{part.person.lower()}-{suffix}"
    source = f"{PICTURES.name} {PICTURES.version} {part.source} {expression}"
    return Made(name, part.person, use, data, (decoded.shape[1], decoded.shape[0]), eyes, box, source)


def _in_place(person: Body, backdrop: Bgr, index: int) -> Bgr:
    """A head before the gate as the camera would see it, in one of four lights, sizes and sharpnesses."""
    gain, eyes_px, blur, left = ((1.0, 58, 0.0, 190), (0.86, 50, 0.6, 230), (1.1, 64, 0.0, 160), (0.94, 44, 0.9, 250))[
        index % 4
    ]
    picture, _ = sprite(person, eyes_px, (128 / eyes_px, 112 / eyes_px, 144 / eyes_px))
    if blur:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
    alpha = picture[..., 3:].astype(np.float32) / 255
    behind = backdrop[60 : 60 + picture.shape[0], left : left + picture.shape[1]]
    mixed = (picture[..., :3] * alpha + behind * (1 - alpha)) * gain
    mixed += np.random.default_rng(index).normal(0, 2.5, mixed.shape)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _read(path: Path) -> Bgr:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path.name}: not in the package or not a picture")
    return np.asarray(picture, np.uint8)


def cast_toml(sprites: list[Made]) -> str:
    """The whole of `cast.toml`."""
    head = (
        "# Written by scripts/build_cast; do not edit. Every person is synthetic. See NOTICE.\n"
        "# use: enrol (plain pictures), scene (cut-outs with alpha), calibrate (chooses the threshold; in no scene).\n"
        "version = 1\n\n[[attribution]]\n"
        f'package = "{PICTURES.name}"\nversion = "{PICTURES.version}"\nsha256 = "{PICTURES.sha256}"\n'
        f'licence = "{LICENCE}"\nholder = "{HOLDER}"\n'
    )
    return head + "".join(each.entry() for each in sprites)
