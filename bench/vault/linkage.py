"""Whether protected templates of one person can be told to be of one person, across keys; and what rotation changes.

Part of `scripts/prove vault`. The measure is that of Gomez-Barrero, Galbally, Rathgeb and Busch, "General framework to
evaluate unlinkability in biometric template protection systems", IEEE TIFS 13(6), 2018: with mated and non-mated scores
between templates under two keys, D(s) is how much more likely a score makes it that both are of one person, where it
does so at all, and D_sys its mean over the mated scores: 0 tells nothing, 1 tells all. Both hypotheses are taken as
equally likely (omega = 1), which is the side of the attacker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.adapters.litert import LoadedModel
from agent.gallery.reference import unit
from agent.gallery.vault import Rotation
from agent.models.eyes import Eyes
from agent.models.faceset import read_faces
from agent.models.manifest import read_manifest
from agent.scene.cast import Cast
from agent.units import Rgb

ROOT: Final = Path(__file__).resolve().parents[2]
BINS: Final = 100
COMPARISONS: Final = 1_000_000
_ROLES: Final = ("detector", "embedder")
_FEW: Final = 1000
"""Bins with fewer scores of either kind say nothing about the greatest D(s)."""
Rows = npt.NDArray[np.float32]
Watch = Callable[[Iterable[int], str, int], Iterable[int]]
"""Goes through the numbers and shows how far it is: the numbers, what is done, how many there are."""


@dataclass(frozen=True, slots=True)
class Templates:
    """Real embeddings of real or synthetic faces."""

    name: str
    rows: Rows
    """(pictures, dimensions), unit length."""
    people: npt.NDArray[np.int64]
    """(pictures,): whose each is."""


@dataclass(frozen=True, slots=True)
class Linkage:
    d_sys: float
    d_most: float
    """The greatest D(s) of a bin that holds enough scores."""
    pairs: int
    mated: int
    other: int


@dataclass(frozen=True, slots=True)
class Flips:
    comparisons: int
    flips: int
    moved: float
    """Greatest change of a score."""
    nearest: float
    """How near the nearest score comes to the threshold."""


def templates(faces: Path | None, watch: Watch) -> Templates:
    """Embeddings by the models of this tree: of the synthetic cast, or of a folder in the form of `read_faces`.

    Raises:
        ConfigError, DeviceError: cast, faces or models are not in their form.
    """
    manifest = read_manifest(ROOT / "models")
    detector, embedder = (LoadedModel.load(manifest.model(role), ROOT / "models").run for role in _ROLES)
    eyes = Eyes(detector, embedder)
    name, pictures = _pictures(faces)
    found = [
        (eyes.template(pictures[at][1]()), pictures[at][0])
        for at in watch(range(len(pictures)), f"embedding {name}", len(pictures))
    ]
    kept = [(template, subject) for template, subject in found if template is not None]
    names = np.unique([subject for _, subject in kept], return_inverse=True)[1]
    return Templates(name, np.array([template for template, _ in kept], np.float32), names.astype(np.int64))


def linkage(of: Templates, watch: Watch) -> Linkage:
    """D_sys over all pairs of keys; mated pairs are of one person, whether of one picture or of two."""
    turned = _turned(of, 200 if len(of.rows) < 100 else 60 if len(of.rows) < 500 else 8, watch)
    same = of.people[:, None] == of.people[None, :]
    chosen = list(combinations(range(len(turned)), 2))
    edges = np.linspace(-0.5, 0.5, BINS + 1)
    mated, other = np.zeros(BINS), np.zeros(BINS)
    for at in watch(range(len(chosen)), "comparing under two keys", len(chosen)):
        scores = np.clip(turned[chosen[at][0]] @ turned[chosen[at][1]].T, -0.4999, 0.4999)
        mated += np.histogram(scores[same], edges)[0]
        other += np.histogram(scores[~same], edges)[0]
    return measured(mated, other, len(chosen))


def under_one_key(of: Templates) -> Linkage:
    """The same measure where it must be large: all under one key, pairs of two pictures only."""
    scores = of.rows @ of.rows.T
    same = of.people[:, None] == of.people[None, :]
    apart = ~np.eye(len(of.rows), dtype=bool)
    edges = np.linspace(-1.0, 1.001, BINS + 1)
    return measured(np.histogram(scores[same & apart], edges)[0], np.histogram(scores[~same], edges)[0], 1)


def measured(mated: npt.NDArray[np.float64], other: npt.NDArray[np.float64], pairs: int) -> Linkage:
    """D(s) and D_sys of two histograms over the same bins."""
    p_mated, p_other = mated / mated.sum(), other / other.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        local = np.where(p_mated > p_other, 2 * p_mated / (p_mated + p_other) - 1, 0.0)
    enough = (mated >= _FEW) & (other >= _FEW)
    return Linkage(
        d_sys=float(np.sum(p_mated * local)),
        d_most=float(local[enough].max(initial=0.0)),
        pairs=pairs,
        mated=int(mated.sum()),
        other=int(other.sum()),
    )


def flips(of: Templates, at: float, watch: Watch) -> Flips:
    """Decisions with and without the rotation, each as the gallery makes it, until there are a million."""
    before = of.rows @ of.rows.T
    counted, changed, moved = 0, 0, 0.0
    keys = -(-COMPARISONS // before.size)
    for number in watch(range(keys), "deciding with and without rotation", keys):
        turn = Rotation(number.to_bytes(32, "big"), 1, of.rows.shape[1])
        kept = np.array([unit(turn.apply(row)) for row in of.rows])
        after = np.array([kept @ turn.apply(row) for row in of.rows]).T
        counted += before.size
        changed += int(((before >= at) != (after >= at)).sum())
        moved = max(moved, float(np.abs(after - before).max()))
    return Flips(counted, changed, moved, float(np.abs(before - at).min()))


def _turned(of: Templates, keys: int, watch: Watch) -> Sequence[Rows]:
    made = []
    for number in watch(range(keys), "turning under each key", keys):
        turn = Rotation((1000 + number).to_bytes(32, "big"), 1, of.rows.shape[1])
        made.append(np.array([turn.apply(row) for row in of.rows], np.float32))
    return made


def _pictures(faces: Path | None) -> tuple[str, list[tuple[str, Callable[[], Rgb]]]]:
    """Whose each picture is, and how to read it."""
    if faces is None:
        return "the synthetic cast", list(_cast())
    found = read_faces(faces)
    return found.name, [(who, partial(_read, path)) for who, path in zip(found.subjects, found.files, strict=True)]


def _cast() -> Iterator[tuple[str, Callable[[], Rgb]]]:
    cast = Cast(ROOT / "scenes" / "cast")
    for sprite in cast.file.sprite:
        yield sprite.person, partial(cast.picture if sprite.use == "enrol" else cast.seen, sprite)


def _read(path: Path) -> Rgb:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None, path
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
