"""The model card: what the manifest says, in words for people, with the weak points first."""

from __future__ import annotations

from typing import Final

from agent.models.manifest import LABELS, Figure, Manifest, Measure, ModelEntry, OperatingPoint, PadPoint

_HEAD: Final = """# Model card

Written by `doorward models build` from `manifest.toml`; do not edit.

## What these models may be used for

Opening a door for people who agreed to it, under a signed policy. They put out boxes, landmarks, embeddings and how
much speaks against a picture of a face, and nothing about a person's age, sex, health, origin, mood or any other trait.
They must not be used to find, follow or sort people who did not agree.

## Weak points

- The embedder's package holds an MIT licence file, as does its vendor's repository. It names neither the training data
  nor the training code. Network and input look like the MobileFaceNet line, whose public training sets are photographs
  of well-known people that were collected without asking them. We have no better provenance.
- Its package feeds it RGB; it tells people apart clearly better in BGR, so that is what it gets (docs/embedder.md).
- How often it is wrong differs between groups of people. `docs/accuracy.md` has the figures by group: on 102 people
  some groups' false match rates lie more than seven times apart, and so few people cannot tell by how much. Do not use
  it where a false match does harm without measuring it on people like those of your site (`doorward models evaluate`).
- Figures of the synthetic cast come from few invented people. They say nothing about accuracy on real people.
- The same file gives other embeddings in another TFLite runtime: a gallery is bound to file and runtime.
- What detects presentation attacks (a printed picture, a screen) comes out of the embedder's package, under the same
  licence file and with as little about its training. Network and form look like the MiniFASNet line. Its package feeds
  it RGB; attacks are told apart clearly better in BGR, so that is what it gets (docs/pad.md).
- It was measured on simulated attacks alone. It finds a border or a bezel in view; a print or screen that fills the
  view passes more often than not, and masks were not tried. It can only deny, and is no proof that somebody is alive.

## How the int8 files were made

`doorward models build` takes the float files out of the packages below, checks their hashes, rewrites them without
training, and measures activation ranges on pictures of synthetic people (package openpeople, none of the scenes' cast).
Detector: the regression head is split by what it gives, each part with a range of its own. Embedder and detection of
presentation attacks: channels that answer nothing are dropped, each PReLU becomes the greater of two convolutions,
channels are equalised; the latter's ranges come from simulated attacks on the same synthetic people. Weights are int8
by output channel, activations int8 by tensor, biases int32; the files have no float operation.
"""


_ROLES: Final = {"detector": "Detector", "embedder": "Embedder", "pad": "Presentation attack detection"}
_GIVEN: Final = """# Model card

Written by `doorward models add` from `manifest.toml`; do not edit.

The embedder was given by an operator, who answers for its licence and its origin; Doorward knows neither its training
data nor its weak points. A policy must list its SHA-256 before it may run, and galleries of another embedder are void.
Before its own first operation there is a front that resizes the chip and puts colours and pixels in its form.
"""


def text(manifest: Manifest, given: bool = False) -> str:
    """The card as Markdown.

    Args:
        given: the embedder came from an operator and not out of a reviewed package.
    """
    parts = [
        _GIVEN if given else _HEAD,
        *(_model(model, manifest) for model in manifest.models),
        "## Operating points\n",
    ]
    parts += [_point(point) for point in manifest.operating_points]
    measured = {point.label for point in manifest.operating_points}
    parts += [_pad_point(point) for point in manifest.pad_points]
    parts += [f"### `{label}`: not measured, cannot be used\n" for label in LABELS if label not in measured]
    return "\n".join(parts)


def _model(model: ModelEntry, manifest: Manifest) -> str:
    source = model.source
    lines = [
        f"## {_ROLES[model.role]}: {model.name}\n",
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
    told = model.role == "pad" and manifest.pad_points  # what was measured stands with the threshold
    return "\n".join([*lines, "", "" if told else _figures(model.figures)])


def _point(point: OperatingPoint) -> str:
    head = f"### `{point.label}`: threshold {point.threshold:g}\n\n{point.chosen}\n\n{_figures(point.figures)}"
    return f"{head}\n{_search(point)}" if point.search else head


def _pad_point(point: PadPoint) -> str:
    head = f"### Presentation attacks, `{point.label}`: threshold {point.threshold:g}"
    return f"{head}\n\n{point.chosen}\n\n{_figures(point.figures)}"


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
