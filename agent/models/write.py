"""The manifest as text. `manifest.parse` reads back exactly what was written."""

from __future__ import annotations

from agent.models.manifest import (
    VERSION,
    Figure,
    Manifest,
    Measure,
    ModelEntry,
    OperatingPoint,
    PadPoint,
    SearchPoint,
    Source,
    Tensor,
)

_HEAD = (
    "# Written by 'doorward models build'; do not edit. Every model file is checked against this when it is loaded.\n"
)


def text(manifest: Manifest) -> str:
    """The manifest as TOML."""
    lines = [_HEAD, f"version = {VERSION}\n"]
    for model in manifest.models:
        lines += _model(model)
    for point in manifest.operating_points:
        lines += _point(point)
    for pad in manifest.pad_points:
        lines += _pad_point(pad)
    return "\n".join(lines)


def _quoted(value: str) -> str:
    assert value.isprintable(), "only printable text goes into a manifest"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(value: float) -> str:
    """Shortest text that reads back as the same number, always with a point or an exponent."""
    shown = repr(float(value))
    return shown if any(mark in shown for mark in ".e") else shown + ".0"


def _model(model: ModelEntry) -> list[str]:
    return [
        "[[model]]",
        f"name = {_quoted(model.name)}",
        f"role = {_quoted(model.role)}",
        f"file = {_quoted(model.file)}",
        f"sha256 = {_quoted(model.sha256)}",
        f"declares = [{', '.join(_quoted(item) for item in model.declares)}]",
        f"runtimes = [{', '.join(_quoted(item) for item in model.runtimes)}]\n",
        *_source(model.source),
        *(line for tensor in model.inputs for line in _tensor("input", tensor)),
        *(line for tensor in model.outputs for line in _tensor("output", tensor)),
        *(line for figure in model.figures for line in _figure("model.figure", figure)),
    ]


def _source(source: Source) -> list[str]:
    fields = ("registry", "package", "version", "archive", "archive_sha256", "file", "file_sha256", "licence")
    return ["[model.source]", *(f"{name} = {_quoted(getattr(source, name))}" for name in fields[:-1]),
            f"licence = {_quoted(source.licence)}\n"]  # fmt: skip


def _tensor(kind: str, tensor: Tensor) -> list[str]:
    return [
        f"[[model.{kind}]]",
        f"name = {_quoted(tensor.name)}",
        f"shape = [{', '.join(str(side) for side in tensor.shape)}]",
        f"dtype = {_quoted(tensor.dtype)}",
        f"scale = {_number(tensor.scale)}",
        f"zero = {tensor.zero}\n",
    ]


def _figure(path: str, figure: Figure) -> list[str]:
    return [
        f"[[{path}]]",
        f"data = {_quoted(figure.data)}",
        f"name = {_quoted(figure.name)}",
        f"value = {_number(figure.value)}",
        f"of = {figure.of}\n",
    ]


def _point(point: OperatingPoint) -> list[str]:
    return [
        "[[operating_point]]",
        f"label = {_quoted(point.label)}",
        f"embedder = {_quoted(point.embedder)}",
        f"threshold = {_number(point.threshold)}",
        f"chosen = {_quoted(point.chosen)}\n",
        *(line for figure in point.figures for line in _figure("operating_point.figure", figure)),
        *(line for each in point.search for line in _search(each)),
    ]


def _pad_point(point: PadPoint) -> list[str]:
    return [
        "[[pad_point]]",
        f"label = {_quoted(point.label)}",
        f"model = {_quoted(point.model)}",
        f"threshold = {_number(point.threshold)}",
        f"chosen = {_quoted(point.chosen)}\n",
        *(line for figure in point.figures for line in _figure("pad_point.figure", figure)),
    ]


def _search(point: SearchPoint) -> list[str]:
    return [
        "[[operating_point.search]]",
        f"people = {point.people}",
        f"fpir = {_number(point.fpir)}",
        f"threshold = {_number(point.threshold)}",
        f"false_positive = {_measure(point.false_positive)}",
        f"false_negative = {_measure(point.false_negative)}\n",
    ]


def _measure(rate: Measure) -> str:
    shares = (f"{name} = {_number(getattr(rate, name))}" for name in ("value", "low", "high"))
    return f"{{ {', '.join(shares)}, of = {rate.of} }}"
