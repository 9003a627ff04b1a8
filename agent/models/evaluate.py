"""What the two int8 files do on pictures: the synthetic cast always, a folder of real faces when there is one.

Rules: a threshold is chosen on one half of the people and reported on the other, never by picture; the synthetic
cast's threshold is chosen on sprites that no scene uses; each figure says on what and on how many trials. Leaves out:
the comparison with the float networks, slices and plots.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.errors import ConfigError, DeviceError
from agent.face.align import chip
from agent.face.detect import Face, Finder, Floats, Infer
from agent.models.manifest import Figure, ModelEntry, OperatingPoint, Role
from agent.scene.cast import Cast, Sprite
from agent.units import Rgb, Sha256

MARGIN_MIN: Final = 0.05
"""Least genuine minus greatest wrong score on the cast; below it no threshold would be safe and nothing is built."""
FMR: Final = 1e-4
"""False match rate at which the threshold for real people is chosen."""
LEAST_PEOPLE: Final = 100
Load = Callable[[ModelEntry, Path], Infer]
"""Opens one model file of a folder; see `adapters.litert.LoadedModel.load`."""
Say = Callable[[str], None]
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured; a label or role that is missing was not."""

    figures: Mapping[Role, tuple[Figure, ...]] = field(default_factory=dict)
    points: Mapping[str, OperatingPoint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Faces:
    """A folder in the form `images.csv`: file, subject."""

    name: str
    files: tuple[Path, ...]
    subjects: tuple[str, ...]


class Eyes:
    """Detector and embedder on plain pictures, for evaluation only: there is no way from here to a door."""

    def __init__(self, detect: Infer, embed: Infer) -> None:
        self._find, self._embed = Finder(detect).find, embed

    def face(self, picture: Rgb) -> Face | None:
        """The face nearest to the middle, by its own size; None when none is found."""
        height, width = picture.shape[:2]

        def far(face: Face) -> float:
            x, y = face.box.centre
            return math.hypot(x - width / 2, y - height / 2) / max(face.box.width, 1.0)

        return min(self._find(picture), key=far, default=None)

    def template(self, picture: Rgb) -> Floats | None:
        """The unit template of that face; None: failure to acquire."""
        face = self.face(picture)
        if face is None:
            return None
        try:
            vector = self._embed(chip(picture, face))[0]
        except ValueError:
            return None
        return np.asarray(vector / np.float32(np.linalg.norm(vector)), np.float32)


def evaluate(
    models: Sequence[ModelEntry], out: Path, cast: Path, faces: Path | None, load: Load, say: Say
) -> Evaluation:
    """Measure the files of `models` in the folder `out`.

    Raises:
        ConfigError: cast or faces are not in their form.
        DeviceError: the margin on the cast is too small.
    """
    by_role = {model.role: model for model in models}
    eyes = Eyes(load(by_role["detector"], out), load(by_role["embedder"], out))
    embedder = by_role["embedder"].sha256
    say("choosing the synthetic cast's threshold")
    points = {"synthetic-cast": on_cast(eyes, Cast(cast), embedder)}
    if faces is None:
        return Evaluation({}, points)
    figures, points["real"] = on_faces(eyes, read_faces(faces), embedder, say)
    return Evaluation(figures, points)


def cast_scores(eyes: Eyes, cast: Cast, uses: Iterable[str]) -> tuple[list[float], list[float]]:
    """Scores of the cast's sprites of these uses against all references: of their own person, and of another.

    Raises:
        ConfigError: there is nothing to compare.
        DeviceError: in one sprite no face is found.
    """
    enrolled = sorted({sprite.person for sprite in cast.of("enrol")})
    references = {person: _reference(eyes, cast, person) for person in enrolled}
    genuine: list[float] = []
    wrong: list[float] = []
    for sprite in cast.file.sprite:
        if sprite.use not in uses:
            continue
        template = _template(eyes, sprite, cast.seen(sprite))
        for person, reference in references.items():
            (genuine if person == sprite.person else wrong).append(float(template @ reference))
    if not genuine or not wrong:
        raise ConfigError("cast.toml: sprite: needs one who is enrolled and seen, and another; run scripts/build_cast")
    return genuine, wrong


def _reference(eyes: Eyes, cast: Cast, person: str) -> Floats:
    mean = np.mean([_template(eyes, sprite, cast.picture(sprite)) for sprite in cast.of("enrol", person)], axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _template(eyes: Eyes, sprite: Sprite, picture: Rgb) -> Floats:
    template = eyes.template(picture)
    if template is None:
        raise DeviceError(f"cast: {sprite.id}: no face is found in it; run scripts/build_cast")
    return template


def on_cast(eyes: Eyes, cast: Cast, embedder: Sha256) -> OperatingPoint:
    """The middle between the least genuine and the greatest wrong score of the calibration sprites."""
    genuine, wrong = cast_scores(eyes, cast, ("calibrate",))
    margin = min(genuine) - max(wrong)
    if margin < MARGIN_MIN:
        raise DeviceError(
            f"cast: margin: {margin:.3f} is below {MARGIN_MIN}; choose other sprites (scripts/build_cast)"
        )
    data = "synthetic cast, sprites in no scene"
    return OperatingPoint(
        "synthetic-cast",
        embedder,
        round((min(genuine) + max(wrong)) / 2, 3),
        "Middle between least genuine and greatest wrong score; says nothing about real people.",
        (
            Figure(data, "least genuine score", round(min(genuine), 4), len(genuine)),
            Figure(data, "greatest wrong score", round(max(wrong), 4), len(wrong)),
            Figure(data, "margin", round(margin, 4), len(genuine) + len(wrong)),
        ),
    )


def read_faces(folder: Path) -> Faces:
    """The list of a folder of faces.

    Raises:
        ConfigError: `images.csv` is missing, malformed, or names a file that is not there.
    """
    path = folder / "images.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigError(f"{path}: cannot be read; --faces names a folder with images.csv (file,subject)") from None
    if not rows or any(not row.get("file") or not row.get("subject") for row in rows):
        raise ConfigError(f"{path}: file, subject: every row needs both; correct the list")
    files = tuple(_found(folder, row["file"]) for row in rows)
    subjects = tuple(row["subject"] for row in rows)
    if len(set(subjects)) < LEAST_PEOPLE:
        raise ConfigError(f"{path}: subject: fewer than {LEAST_PEOPLE} people prove nothing; take a larger set")
    return Faces(folder.resolve().name, files, subjects)


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / "images" / name):
        if path.is_file():
            return path
    raise ConfigError(f"{folder / 'images.csv'}: file: {name} is not there; correct the list")


def _half(subject: str) -> int:
    """0 or 1: the half of the people that a subject is in, whatever the order of the list."""
    return hashlib.sha256(subject.encode()).digest()[0] & 1


def on_faces(
    eyes: Eyes, faces: Faces, embedder: Sha256, say: Say
) -> tuple[dict[Role, tuple[Figure, ...]], OperatingPoint]:
    """Detector and embedder on real people: the threshold from one half of them, every rate from the other."""
    say(f"evaluating {len(faces.files)} pictures of {faces.name}")
    templates = [eyes.template(_read(path)) for path in faces.files]
    missed = sum(each is None for each in templates)
    halves: list[tuple[Floats, Floats]] = []
    for half in (0, 1):
        kept = [
            (template, subject)
            for template, subject in zip(templates, faces.subjects, strict=True)
            if template is not None and _half(subject) == half
        ]
        pairs = scores(np.array([template for template, _ in kept]), [subject for _, subject in kept])
        if not all(each.size for each in pairs):
            raise ConfigError(
                f"{faces.name}: faces: too few are found for pairs of one person and of two; take a larger set"
            )
        halves.append(pairs)
    threshold = math.ceil(1000 * threshold_at(halves[0][1], FMR)) / 1000  # rounding down would let more in
    genuine, impostor = halves[1]
    data = f"{faces.name}, people outside the calibration half"
    rates: list[Figure] = []
    for fmr in (1e-3, 1e-4):
        share = float(np.mean(genuine >= threshold_at(impostor, fmr)))
        rates.append(Figure(data, f"true match rate at false match rate {fmr:g}", round(share, 4), genuine.size))
    figures: dict[Role, tuple[Figure, ...]] = {
        "detector": (Figure(faces.name, "failure to acquire", round(missed / len(templates), 5), len(templates)),),
        "embedder": tuple(rates),
    }
    point = OperatingPoint(
        "real",
        embedder,
        threshold,
        f"False match rate {FMR:g} on one half of the people of {faces.name}; the figures are of the other half.",
        (
            Figure(data, "false match rate", float(f"{np.mean(impostor >= threshold):.3g}"), impostor.size),
            Figure(data, "true match rate", round(float(np.mean(genuine >= threshold)), 4), genuine.size),
        ),
    )
    return figures, point


def _read(path: Path) -> Rgb:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigError(f"{path}: is not a picture; correct the list")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def scores(templates: Matrix, subjects: Sequence[str]) -> tuple[Floats, Floats]:
    """Genuine and impostor scores of all pairs, each pair once."""
    if not subjects:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    numbers = np.unique(np.asarray(subjects), return_inverse=True)[1]
    upper = np.triu(np.ones((len(subjects), len(subjects)), bool), 1)
    same = (numbers[:, None] == numbers[None, :]) & upper
    all_scores = np.asarray(templates @ templates.T, np.float32)
    return all_scores[same], all_scores[upper & ~same]


def threshold_at(impostor: Floats, rate: float) -> float:
    """The lowest threshold that at most this share of impostor scores reaches."""
    above = math.floor(rate * impostor.size)
    place = impostor.size - above - 1
    highest_refused = np.partition(impostor, place)[place]
    return float(np.nextafter(highest_refused, np.float32(2.0)))
