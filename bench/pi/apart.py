"""How far two machines' answers to the same pictures are apart: places, embeddings, scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from agent.models.manifest import read_manifest
from tests.conftest import ROOT

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
_LANDMARKS: Final = 16
"""Box and six landmarks; behind them the score."""
UNITS: Final = {
    "box and landmarks apart, mean": " px",
    "box and landmarks apart, most": " px",
    "embedder on the same chips, mean": " steps",
    "embedder on the same chips, most": " steps",
    "embedder on the same chips, least cosine short of 1": "",
    "model that tells prints, on the same views, mean": " steps",
    "model that tells prints, on the same views, most": " steps",
    "from picture to embedding, mean cosine short of 1": "",
    "scores of all pairs of the pictures, most apart": "",
    "the same, one of the pair from each machine": "",
}
"""What `apart` tells, and in what: a step is one of an int8 answer."""


def apart(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, float]:
    """Two files of `answers.pictures`, of which the second was given the first's chips and views."""
    manifest = read_manifest(ROOT / "models")
    assert manifest.pad is not None
    scales = {"same": manifest.model("embedder").outputs[0].scale, "pad": manifest.pad.outputs[0].scale}
    places = np.abs(ours["places"] - theirs["places"])[:, :_LANDMARKS]
    same, pad = (np.abs(ours[key] - theirs[key]) / scale for key, scale in scales.items())
    one, other = _unit(ours["own"]), _unit(theirs["own"])
    pairs = np.triu_indices(len(one), 1)
    return dict(
        zip(
            UNITS,
            (
                places.mean(),
                places.max(),
                same.mean(),
                same.max(),
                1 - np.sum(_unit(ours["same"]) * _unit(theirs["same"]), axis=1).min(),
                pad.mean(),
                pad.max(),
                1 - np.sum(one * other, axis=1).mean(),
                np.abs(one @ one.T - other @ other.T)[pairs].max(),
                np.abs(one @ one.T - one @ other.T)[pairs].max(),
            ),
            strict=True,
        )
    )


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
