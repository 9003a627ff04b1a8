"""The operating points of the two int8 files: the synthetic cast's always, that for people when there are real faces.

Rules: a threshold is chosen on one half of the people and reported on the other, never by picture; the synthetic
cast's threshold is chosen on sprites that no scene uses; each figure says on what and on how many trials. Leaves out:
the comparison with the float networks, groups and plots (accuracy.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from agent.errors import ConfigError, DeviceError
from agent.face.detect import Floats, Infer
from agent.models.eyes import Eyes, read_picture, stacked
from agent.models.faceset import Faces, part, read_faces
from agent.models.manifest import Figure, Manifest, Measure, ModelEntry, OperatingPoint, Role, SearchPoint
from agent.models.rates import Matrix, Rate, failed, scores, threshold_at
from agent.models.search import Search, measured
from agent.scene.cast import Cast, Sprite
from agent.units import Rgb, Sha256

MARGIN_MIN: Final = 0.05
"""Least genuine minus greatest wrong score on the cast; below it no threshold would be safe and nothing is built."""
FMR: Final = 1e-4
"""False match rate at which the threshold for real people is chosen."""
Load = Callable[[ModelEntry, Path], Infer]
"""Opens one model file of a folder; see `adapters.litert.LoadedModel.load`."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured; a label or role that is missing was not."""

    figures: Mapping[Role, tuple[Figure, ...]] = field(default_factory=dict)
    points: Mapping[str, OperatingPoint] = field(default_factory=dict)


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


def on_faces(
    eyes: Eyes, faces: Faces, embedder: Sha256, say: Say
) -> tuple[dict[Role, tuple[Figure, ...]], OperatingPoint]:
    """Detector and embedder on real people: thresholds from one half of them, every rate from the other."""
    say(f"evaluating {len(faces.files)} pictures of {faces.name}")
    return on_templates(stacked([eyes.template(read_picture(path)) for path in faces.files], faces), faces, embedder)


def on_templates(
    templates: Matrix, faces: Faces, embedder: Sha256
) -> tuple[dict[Role, tuple[Figure, ...]], OperatingPoint]:
    """The same of templates that are there already, one row a picture; a row of zeros is a failure to acquire."""
    missed, halves = failed(templates), faces.halves()
    parts = [part(templates, faces, (halves == half) & ~missed) for half in (0, 1)]
    pairs = [scores(*each) for each in parts]
    if not all(each.size for found in pairs for each in found):
        raise ConfigError(
            f"{faces.name}: faces: too few are found for pairs of one person and of two; take a larger set"
        )
    threshold = math.ceil(1000 * threshold_at(pairs[0][1], FMR)) / 1000  # rounding down would let more in
    genuine, impostor = pairs[1]
    data = f"{faces.name}, people outside the calibration half"
    rates: list[Figure] = []
    for fmr in (1e-3, 1e-4):
        share = float(np.mean(genuine >= threshold_at(impostor, fmr)))
        rates.append(Figure(data, f"true match rate at false match rate {fmr:g}", round(share, 4), genuine.size))
    figures: dict[Role, tuple[Figure, ...]] = {
        "detector": (Figure(faces.name, "failure to acquire", round(float(np.mean(missed)), 5), len(templates)),),
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
        _search_points(*(Search.of(*each) for each in parts)),
    )
    return figures, point


def _search_points(chosen_on: Search, reported_on: Search) -> tuple[SearchPoint, ...]:
    return tuple(
        SearchPoint(at.people, at.fpir, at.threshold, _measure(at.false_positives), _measure(at.false_negatives))
        for at in measured(chosen_on, reported_on)
    )


def _measure(rate: Rate) -> Measure:
    value, low, high = (float(f"{each:.3g}") for each in (rate.value or 0.0, *rate.bounds))
    return Measure(value, low, high, rate.of)


def evaluation(templates: Matrix, faces: Faces, manifest: Manifest) -> Evaluation:
    """What the manifest says of its files on these faces, out of int8 templates that are there already.

    Raises:
        ConfigError: there are too few people or faces to choose a threshold.
    """
    figures, point = on_templates(templates, faces, manifest.model("embedder").sha256)
    return Evaluation(figures, {"real": point})
