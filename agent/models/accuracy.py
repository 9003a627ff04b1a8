"""What one pair of networks does on a folder of faces, as the numbers that `doorward models evaluate` writes.

Rules: verification and 1:N are told as curves on everybody (the threshold of a rate is that at which the folder itself
has it) and, under `held_out`, with thresholds of one half of the people and rates of the other; each rate comes
with the number of its trials and bounds (rates.py). A picture without a face counts as one that matches nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.face.detect import Floats
from agent.models.faceset import Faces, OpenSet, Pairs, part
from agent.models.groups import Group, Ratio, groups, ratios
from agent.models.rates import (
    NO_SCORE,
    Matrix,
    Places,
    Rate,
    accuracy,
    area,
    cosines,
    failed,
    numbered,
    rate,
    scores,
    threshold_at,
)  # fmt: skip
from agent.models.search import Search, measured

FMRS: Final = (1e-3, 1e-4, 1e-5)
PAIRS_FMR: Final = 1e-3
FPIRS: Final = (1e-2, 1e-3)
_DIGITS: Final = 6
Figures = dict[str, Any]
"""Nested numbers, as JSON can write them; None: there was no trial."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures, and the scores that curves are drawn of (all pairs of the folder)."""

    figures: Figures
    genuine: Floats
    impostor: Floats


def measure(templates: Matrix, faces: Faces, threshold: float) -> Measured:
    """Everything that the folder's lists allow.

    Args:
        templates: one row a picture of `faces`; zeros: no face was found.
        threshold: that of the shipped operating point, for the groups.
    """
    genuine, impostor = scores(templates, faces.subjects)
    failure = rate(failed(templates))
    figures: Figures = {}
    if faces.pairs is not None:
        figures["pairs"] = _pairs(templates, faces, faces.pairs)
    figures["all_vs_all"] = _all(genuine, impostor)
    if faces.openset is not None:
        figures["openset"] = _openset(templates, faces, faces.openset)
    figures["failure_to_acquire"] = shown(failure.value)
    figures["failure_to_acquire_of"] = told(failure)
    figures["held_out"] = _held_out(templates, faces)
    found = groups(templates, faces, threshold)
    figures["slices"] = {
        column: {value: _group(each) for value, each in values.items()} for column, values in found.items()
    }
    figures["ratios"] = {column: [_ratio(each) for each in ratios(values)] for column, values in found.items()}
    return Measured(figures, genuine, impostor)


def name(share: float) -> str:
    """`1e-3` for 0.001."""
    return f"{share:.0e}".replace("e-0", "e-")


def shown(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def told(found: Rate) -> Figures:
    low, high = found.bounds
    return {"value": shown(found.value), "n": found.of, "low": shown(low), "high": shown(high)}


def _pairs(templates: Matrix, faces: Faces, pairs: Pairs) -> Figures:
    left, right = templates[pairs.left], templates[pairs.right]
    found = np.where(~failed(left) & ~failed(right), (left * right).sum(axis=1), NO_SCORE).astype(np.float32)
    same, folds = pairs.same, faces.folds()
    genuine, impostor = found[same], found[~same]
    made: Figures = {"accuracy": None, "auc": None, f"tar_at_fmr_{name(PAIRS_FMR)}": None}
    if genuine.size and impostor.size:
        right_told = accuracy(found, same, np.stack((folds[pairs.left], folds[pairs.right])))
        share = rate(genuine >= threshold_at(impostor, PAIRS_FMR))
        made = {"accuracy": shown(right_told.value), "auc": shown(area(genuine, impostor)),
                f"tar_at_fmr_{name(PAIRS_FMR)}": shown(share.value),
                "accuracy_of": told(right_told), f"tar_at_fmr_{name(PAIRS_FMR)}_of": told(share)}  # fmt: skip
    return {**made, "n_same": int(genuine.size), "n_different": int(impostor.size),
            **_scarce({f"tar_at_fmr_{name(PAIRS_FMR)}": (PAIRS_FMR, impostor.size)})}  # fmt: skip


def _all(genuine: Floats, impostor: Floats) -> Figures:
    made: Figures = {}
    for fmr in FMRS:
        share = rate(genuine >= threshold_at(impostor, fmr)) if impostor.size else Rate(0, 0)
        made |= {f"tar_at_fmr_{name(fmr)}": shown(share.value), f"tar_at_fmr_{name(fmr)}_of": told(share)}
    return {**made, "n_same": int(genuine.size), "n_different": int(impostor.size),
            **_scarce({f"tar_at_fmr_{name(fmr)}": (fmr, impostor.size) for fmr in FMRS})}  # fmt: skip


def _scarce(asked: dict[str, tuple[float, int]]) -> Figures:
    """The figures for whose rate there are too few trials to see one error: they say what no trial at all reached."""
    few = [key for key, (share, trials) in asked.items() if share * trials < 1]
    return {"too_few_trials": few} if few else {}


def _openset(templates: Matrix, faces: Faces, lists: OpenSet) -> Figures:
    mated, stranger = _identified(templates, faces, lists)
    made: Figures = {"N": len(lists.gallery)}
    for fpir in FPIRS:
        missed = rate(~(mated >= threshold_at(stranger, fpir)))
        made |= {f"fnir_at_fpir_{name(fpir)}": shown(missed.value), f"fnir_at_fpir_{name(fpir)}_of": told(missed)}
    return {**made, "n_mated": int(mated.size), "n_non_mated": int(stranger.size),
            **_scarce({f"fnir_at_fpir_{name(fpir)}": (fpir, stranger.size) for fpir in FPIRS})}  # fmt: skip


def _identified(templates: Matrix, faces: Faces, lists: OpenSet) -> tuple[Floats, Floats]:
    """Best scores: of mated probes whose best is their own person (else `NO_SCORE`), and of strangers."""
    people, gallery = numbered(faces.subjects), templates[lists.gallery]
    found = cosines(templates[lists.mated], gallery)
    own = people[lists.gallery][found.argmax(axis=1)] == people[lists.mated]
    mated = np.where(own, found.max(axis=1), np.float32(NO_SCORE))
    return np.asarray(mated, np.float32), cosines(templates[lists.non_mated], gallery).max(axis=1)


def _held_out(templates: Matrix, faces: Faces) -> Figures:
    """Thresholds of one half of the people, rates of the other; halves by the hash of the subject."""
    half = faces.halves()
    parts = [part(templates, faces, (half == each) & ~failed(templates)) for each in (0, 1)]
    counts = [len(set(subjects)) for _, subjects in parts]
    made: Figures = {"people": {"calibration": counts[0], "report": counts[1]}}
    (_, impostor), (genuine, others) = (scores(*each) for each in parts)
    if impostor.size and others.size:
        made["all_vs_all"] = {}
        for fmr in FMRS:
            at = threshold_at(impostor, fmr)
            made["all_vs_all"][f"fmr_{name(fmr)}"] = {
                "threshold": shown(at), "fmr": told(rate(others >= at)), "tar": told(rate(genuine >= at))
            }  # fmt: skip
    if faces.openset is not None:
        lists = [_of_half(faces.openset, half, each) for each in (0, 1)]
        if all(each.gallery.size and each.mated.size and each.non_mated.size for each in lists):
            (_, stranger), (mated, unknown) = (_identified(templates, faces, each) for each in lists)
            made["openset"] = {"N": len(lists[1].gallery), "N_calibration": len(lists[0].gallery)}
            for fpir in FPIRS:
                at = threshold_at(stranger, fpir)
                made["openset"][f"fpir_{name(fpir)}"] = {
                    "threshold": shown(at), "fpir": told(rate(unknown >= at)), "fnir": told(rate(~(mated >= at)))
                }  # fmt: skip
    if min(counts) > 1:
        made["search"] = [
            {"people": each.people, "fpir_target": each.fpir, "threshold": each.threshold,
             "fpir": told(each.false_positives), "fnir": told(each.false_negatives)}
            for each in measured(*(Search.of(*each) for each in parts))
        ]  # fmt: skip
    return made


def _of_half(lists: OpenSet, half: npt.NDArray[np.int8], which: int) -> OpenSet:
    def of(places: Places) -> Places:
        return np.asarray(places[half[places] == which], np.intp)

    return OpenSet(of(lists.gallery), of(lists.mated), of(lists.non_mated))


def _group(found: Group) -> Figures:
    return {
        "pictures": found.pictures,
        "people": found.people,
        "failure_to_acquire": told(found.failure_to_acquire),
        "fmr": told(found.false_match),
        "fnmr": told(found.false_non_match),
    }


def _ratio(found: Ratio) -> Figures:
    return {
        "worst": found.worst,
        "best": found.best,
        "value": shown(found.value),
        "low": shown(found.low),
        "high": shown(found.high),
        "within_5": found.within_goal,
    }
