"""int8 beside float on one folder: every picture is read once, seen by both, and told in one report.

Rules: a list that the folder does not have is left out and named; without the float packages the report says why they
are missing, and int8 is measured all the same. Leaves out: files of the report and words (the command).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.errors import DeviceError
from agent.face.detect import Floats
from agent.models import plots
from agent.models.accuracy import Figures, measure
from agent.models.eyes import Eyes, read_picture, stacked
from agent.models.faceset import Faces
from agent.models.floats import float_networks
from agent.models.manifest import Manifest
from agent.models.rates import Matrix

Networks = Mapping[str, Eyes]
"""`int8`, and `float` where its packages could be had."""


@dataclass(frozen=True, slots=True)
class Compared:
    report: Figures
    pictures: Mapping[str, str]
    """SVG by file name."""


def float_eyes(archives: Path) -> Eyes | str:
    """The float networks, or why they are missing."""
    try:
        detector, embedder = float_networks(archives)
    except DeviceError as error:
        return str(error)
    return Eyes(detector.infer, embedder.infer)


def seen(networks: Networks, faces: Faces, tick: Callable[[], None]) -> dict[str, Matrix]:
    """Templates of all pictures by network, one row each; `tick` is called after each picture.

    Raises:
        ConfigError: a file is no picture, or there is no face in any.
    """
    found: dict[str, list[Floats | None]] = {name: [] for name in networks}
    for path in faces.files:
        picture = read_picture(path)
        for name, eyes in networks.items():
            found[name].append(eyes.template(picture))
        tick()
    return {name: stacked(templates, faces) for name, templates in found.items()}


def compared(templates: Mapping[str, Matrix], faces: Faces, manifest: Manifest, missing: str | None) -> Compared:
    """The report and its pictures.

    Args:
        templates: by network, as of `seen`.
        missing: why there is no `float` among them.
    """
    threshold = manifest.threshold("real")
    found = {name: measure(rows, faces, threshold) for name, rows in templates.items()}
    halves = faces.halves()
    report: Figures = {
        "schema": "doorward/evaluation/1",
        "data": faces.name,
        "pictures": len(faces.files),
        "people": faces.people,
        "detector": manifest.model("detector").sha256,
        "embedder": manifest.model("embedder").sha256,
        "threshold": threshold,
        "halves": {"calibration": int((halves == 0).sum()), "report": int((halves == 1).sum())},
        "left_out": _left_out(faces, missing),
        **{name: each.figures for name, each in found.items()},
    }
    if missing is not None:
        report["float"] = {"missing": missing}
    curves = {name: (each.genuine, each.impostor) for name, each in found.items()}
    drawn = {}
    if all(genuine.size and impostor.size for genuine, impostor in curves.values()):
        drawn[f"{faces.name}-det.svg"] = plots.det(faces.name, curves)
        drawn[f"{faces.name}-scores.svg"] = plots.histogram(faces.name, curves, threshold)
    by_group = plots.groups(faces.name, report["int8"]["slices"], threshold)
    if by_group is not None:
        drawn[f"{faces.name}-groups.svg"] = by_group
    return Compared(report, drawn)


def _left_out(faces: Faces, missing: str | None) -> list[str]:
    found = []
    if faces.pairs is None:
        found.append("pairs: there is no pairs.csv")
    if faces.openset is None:
        found.append("openset: there is no openset.json")
    if not faces.columns:
        found.append("slices: images.csv has no column beside file and subject")
    if missing is not None:
        found.append(f"float: {missing}")
    return found
