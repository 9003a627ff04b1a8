"""What spoilt looks cost, which light helps, what the stopping rule makes of them, and who is too like whom.

The numbers of docs/quality.md, of `CLEAR` (agent/gallery/gallery.py, ADR 24) and of `MARGIN` (agent/gallery/alike.py),
with the models of this checkout, at their operating point for real people. Pictures of a folder in the form of
`images.csv` (never shipped). Of every person one picture is the reference, another one is spoilt; all others'
references stand for strangers. Nobody is named, and no score of a single picture is printed.

    .venv/bin/python bench/looks.py --data FOLDER [--people 400] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.adapters.litert import load_models
from agent.face.align import chip, inter_eye_px, yaw_deg
from agent.face.detect import Face
from agent.face.light import levelled
from agent.face.quality import Quality, quality, sharpness
from agent.gallery.alike import MARGIN
from agent.gallery.gallery import CLEAR
from agent.models.eyes import Eyes, read_picture
from agent.models.faceset import Faces, read_faces
from agent.models.manifest import read_manifest
from agent.units import Rgb
from bench.shown import table
from bench.spoil import WAYS

OUT, ERR = Console(width=130), Console(stderr=True)
SETS: Final = {
    "ordinary": ("ordinary", "blur 1 %", "face 56 px"),
    "blurred, dark, 42 px": ("blur 1.5 %", "dark, 0.3", "face 42 px"),
    "worse, 28 px": ("blur 2 %", "dark, 0.2", "face 28 px"),
}
STEPS: Final = (0.0, 0.03, 0.05, 0.07, 0.1, 0.15)
LIGHT: Final[dict[str, Callable[[Rgb], Rgb]]] = {
    "as it is": lambda chip: chip,
    "CLAHE 1.5, 4x4": lambda chip: _clahe(chip, 1.5, 4),
    "CLAHE 2, 8x8": lambda chip: _clahe(chip, 2.0, 8),
    "CLAHE 4, 2x2": lambda chip: _clahe(chip, 4.0, 2),
    "levelled": levelled,
}
Scores = npt.NDArray[np.float32]


def _clahe(chip: Rgb, clip: float, tiles: int) -> Rgb:
    lab = cv2.cvtColor(chip, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip, (tiles, tiles)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


@dataclass
class Look:
    """One spoilt picture; scores with the own reference and with the best of all others', by kind of light."""

    own: dict[str, float]
    other: dict[str, float]
    measures: dict[str, float]
    worth: float


def _each(items: Sequence[Any], what: str) -> Iterable[Any]:
    return track(items, what, console=ERR, transient=True)


def _people(faces: Faces) -> list[list[Path]]:
    found: dict[str, list[Path]] = {}
    for path, subject in zip(faces.files, faces.subjects, strict=True):
        found.setdefault(subject, []).append(path)
    return [found[subject] for subject in sorted(found)]


def measures(face: Face, chip: Rgb, made: Quality) -> dict[str, float]:
    middle = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)[12:100, 12:100]
    return {
        "eyes": inter_eye_px(face), "sharp": sharpness(chip), "mean": float(middle.mean()),
        "burnt": float((middle > 247).mean()), "spread": float(middle.std()), "uncovered": made.uncovered,
    }  # fmt: skip


def looks(eyes: Eyes, people: list[list[Path]]) -> tuple[int, dict[str, dict[int, Look]]]:
    """By way of spoiling and person; who is missing was not found by the detector any more."""
    references: list[Scores] = []
    shown: list[tuple[Rgb, Face]] = []
    for first, second, *_ in _each(people, "references"):
        one, picture = read_picture(first), read_picture(second)
        face, seen = eyes.face(one), eyes.face(picture)
        if face is not None and seen is not None:
            references.append(eyes.embedded(chip(one, face)))
            shown.append((picture, seen))
    gallery = np.array(references)
    found: dict[str, dict[int, Look]] = {}
    for way, spoil in WAYS.items():
        for number, (picture, truth) in enumerate(_each(shown, way)):
            spoilt = np.ascontiguousarray(spoil(picture, truth))
            face = eyes.face(spoilt)
            if face is None or face.box.overlap(truth.box) < 0.3:
                continue
            cut = chip(spoilt, face)
            own, other = dict[str, float](), dict[str, float]()
            for light, change in LIGHT.items():
                scores = gallery @ eyes.embedded(np.ascontiguousarray(change(cut)))
                own[light], scores[number] = float(scores[number]), -1.0
                other[light] = float(scores.max())
            made = quality(face, cut)
            found.setdefault(way, {})[number] = Look(own, other, measures(face, cut, made), made.least)
    return len(shown), found


def components(n: int, found: dict[str, dict[int, Look]], threshold: float) -> dict[str, Any]:
    names = ("eyes", "sharp", "mean", "burnt", "spread", "uncovered")
    shown = table(f"medians of the measures, n = {n}", "spoilt", "lost", *names, "no probe at 25", "not known")
    figures: dict[str, Any] = {}
    for way, rows in found.items():
        every = list(rows.values())
        medians = {name: float(np.median([look.measures[name] for look in every])) for name in names}
        below = float(np.mean([look.worth < 25 for look in every]))
        missed = float(np.mean([look.own["as it is"] < threshold for look in every]))
        shown.add_row(
            way, f"{n - len(rows)}", *(f"{value:.2f}" for value in medians.values()), f"{below:.3f}", f"{missed:.3f}"
        )
        figures[way] = {"lost": n - len(rows), **medians, "no_probe": below, "not_known": missed}
    OUT.print(shown)
    return figures


def light(found: dict[str, dict[int, Look]], threshold: float) -> dict[str, Any]:
    shown = table("not known / taken for somebody else", "light", *LIGHT)
    figures: dict[str, Any] = {}
    for way, rows in found.items():
        every = list(rows.values())
        both = {
            name: (
                float(np.mean([look.own[name] < threshold for look in every])),
                float(np.mean([look.other[name] >= threshold for look in every])),
            )
            for name in LIGHT
        }
        shown.add_row(way, *(f"{missed:.3f} / {wrong:.3f}" for missed, wrong in both.values()))
        figures[way] = both
    OUT.print(shown)
    return figures


def rule(found: dict[str, dict[int, Look]], threshold: float) -> dict[str, Any]:
    """Wrong is an upper bound: that two looks must name the same wrong person is not asked."""
    shown = table("share of attempts: wrong / not known", "three looks", "one", "any of three", *map(str, STEPS))
    figures: dict[str, Any] = {}
    for name, ways in SETS.items():
        common = sorted(set.intersection(*(set(found[way]) for way in ways)))
        own, other = (
            np.array([[getattr(found[way][each], side)["levelled"] for way in ways] for each in common])
            for side in ("own", "other")
        )

        def enough(scores: Scores, step: float) -> npt.NDArray[np.bool_]:
            named: npt.NDArray[np.bool_] = (scores >= threshold).sum(1) >= 2
            return named | (scores >= threshold + step).any(1)

        pairs = {
            "one": (other[:, 0] >= threshold, own[:, 0] >= threshold),
            "any of three": ((other >= threshold).any(1), (own >= threshold).any(1)),
            **{str(step): (enough(other, step), enough(own, step)) for step in STEPS},
        }
        rates = {key: (float(wrong.mean()), float(1 - right.mean())) for key, (wrong, right) in pairs.items()}
        shown.add_row(
            f"{name} (n = {len(common)})", *(f"{wrong:.3f} / {missed:.3f}" for wrong, missed in rates.values())
        )
        figures[name] = rates
    OUT.print(shown)
    single = list(found["ordinary"].values())
    shown = table(f"one ordinary look; CLEAR is {CLEAR}", "above the threshold by", "wrong", "of the matches")
    known = [look.own["levelled"] for look in single if look.own["levelled"] >= threshold]
    for step in STEPS:
        wrong = float(np.mean([look.other["levelled"] >= threshold + step for look in single]))
        clear = float(np.mean([score >= threshold + step for score in known]))
        shown.add_row(f"{step}", f"{wrong:.4f}", f"{clear:.3f}")
        figures[f"single {step}"] = (wrong, clear)
    OUT.print(shown)
    return figures


def alike(eyes: Eyes, people: list[list[Path]], threshold: float) -> dict[str, Any]:
    """References of three pictures; probes are all others of the same person."""
    references: list[Scores] = []
    probes: list[tuple[int, Scores]] = []
    for paths in _each([each for each in people if len(each) >= 4], "people of four pictures"):
        made: list[Scores] = []
        for picture in map(read_picture, paths):
            template = eyes.template(picture)
            if template is not None:
                made.append(template)
        if len(made) >= 4:
            mean = np.sum(made[:3], axis=0)
            probes += [(len(references), each) for each in made[3:]]
            references.append(mean / np.linalg.norm(mean))
    gallery = np.array(references)
    near = gallery @ gallery.T
    np.fill_diagonal(near, np.nan)  # nobody is alike themselves
    scores = np.array([each for _, each in probes]) @ gallery.T
    owner = np.array([place for place, _ in probes])
    pairs = near[owner]
    above = float(np.mean(near[np.triu_indices(len(near), 1)] >= threshold - MARGIN))
    shown = table(f"{len(gallery)} people; pairs at the margin of {MARGIN} or above: {above:.5f}",
                   "two references below the threshold by", "probes that reach it", "of", "share")  # fmt: skip
    figures: dict[str, Any] = {"people": len(gallery), "pairs above": above}
    edges = (-2.0, 0.0, MARGIN, 2 * MARGIN, 3 * MARGIN, 9.0)
    for low, high in pairwise(edges):
        chosen = (pairs < threshold - low) & (pairs >= threshold - high)
        hits, of = int((scores[chosen] >= threshold).sum()), int(chosen.sum())
        shown.add_row(f"{low:.2f} to {high:.2f}", f"{hits}", f"{of}", f"{hits / max(of, 1):.4f}")
        figures[f"{low:.2f} to {high:.2f}"] = (hits, of)
    OUT.print(shown)
    return figures


def pose(eyes: Eyes, people: list[list[Path]], threshold: float) -> dict[str, Any]:
    """Pairs of one person: the reference looks ahead (under 12 degrees), the probe elsewhere."""
    seen: list[tuple[float, float]] = []
    for paths in _each(people, "pose"):
        made: list[tuple[Scores, float]] = []
        for picture in map(read_picture, paths[:4]):
            face = eyes.face(picture)
            if face is not None:
                made.append((eyes.embedded(chip(picture, face)), abs(yaw_deg(face))))
        for place, (one, ahead) in enumerate(made):
            if ahead < 12:
                seen += [(yaw, float(one @ other)) for at, (other, yaw) in enumerate(made) if at != place]
    yaws, scores = np.array(seen).T
    shown = table("yaw of the probe", "degrees", "pairs", "not known")
    figures: dict[str, Any] = {}
    for low, high in ((0, 15), (15, 30), (30, 40), (40, 90)):
        chosen = (yaws >= low) & (yaws < high)
        missed = float(np.mean(scores[chosen] < threshold)) if chosen.any() else float("nan")
        shown.add_row(f"{low} to {high}", f"{int(chosen.sum())}", f"{missed:.3f}")
        figures[f"{low} to {high}"] = (int(chosen.sum()), missed)
    OUT.print(shown)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    threshold = read_manifest(ROOT / "models").threshold("real")
    detector, embedder = load_models(ROOT / "models", threads=2)
    eyes, people = Eyes(detector.run, embedder.run), _people(read_faces(given.data, option="--data"))
    several = [paths for paths in people if len(paths) >= 2]
    chance = np.random.default_rng(7).permutation(len(several))
    n, found = looks(eyes, [several[place] for place in chance[: given.people]])
    OUT.print(f"threshold {threshold}")
    figures = {
        "components": components(n, found, threshold), "light": light(found, threshold), "rule": rule(found, threshold),
        "pose": pose(eyes, [several[place] for place in chance[:700]], threshold),
        "alike": alike(eyes, people, threshold),
    }  # fmt: skip
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
