"""`doorward models`: build the model files from their packages, and verify those that are there."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.adapters.litert import LoadedModel, load_models, load_pad
from agent.cli.groups import InOrder
from agent.errors import ConfigError, DeviceError
from agent.face.detect import Infer
from agent.models.manifest import LABELS, Manifest, ModelEntry, PadPoint, read_manifest

if TYPE_CHECKING:
    from agent.models.faceset import Faces
    from agent.models.rates import Matrix

_WIDTH = 120
"""Columns of a table that goes into a file or a pipe: no line is broken there."""
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_DIR = click.option(
    "--dir", "folder", type=_FOLDER, default=Path("models"), show_default=True, help="The models' folder."
)


@click.group(cls=InOrder, order=("build", "verify", "evaluate", "attacks", "add"))
def models() -> None:
    """Build, verify and measure the models, or take another."""


@models.command()
@click.option("--out", type=_FOLDER, default=Path("models"), show_default=True, help="Where the files are written.")
@click.option(
    "--archives", type=_FOLDER, default=Path("build/archives"), show_default=True, help="Where packages are kept."
)
@click.option("--cast", type=_FOLDER, default=Path("scenes/cast"), show_default=True, help="The synthetic cast.")
@click.option("--faces", type=_FOLDER, help="Real faces (images.csv) to evaluate on; without it old figures stay.")
def build(out: Path, archives: Path, cast: Path, faces: Path | None) -> None:
    """Convert and quantise the packages' weights, evaluate them, and write models, manifest and card."""
    with _console("build") as say:
        from agent.models.build import build as build_models

        manifest = build_models(out, archives, cast, faces, _load, say)
    _print(manifest)


@models.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What the model is called in manifest and card.")
@click.option("--licence", required=True, help="Its licence, as its maker states it.")
@click.option("--out", type=_FOLDER, required=True, help="The new folder of models.")
@click.option("--dir", "folder", type=_FOLDER, default=Path("models"), show_default=True, help="Where the detector is.")
@click.option("--colour", type=click.Choice(("rgb", "bgr")), required=True, help="The order in which it takes colours.")
@click.option("--mean", type=float, help="It takes (x - mean) / step of a pixel x from 0 to 255 ...")
@click.option("--step", type=float, help="... both are derived from the input's scale where that is a usual one.")
@click.option("--cast", type=_FOLDER, default=Path("scenes/cast"), show_default=True, help="The synthetic cast.")
@click.option("--faces", type=_FOLDER, help="Real faces (images.csv); without them the point 'real' is not measured.")
def add(
    file: Path,
    name: str,
    licence: str,
    out: Path,
    folder: Path,
    colour: Any,
    mean: float | None,
    step: float | None,
    cast: Path,
    faces: Path | None,
) -> None:
    """Make a folder of models with another embedder, an int8 TFLite FILE."""
    with _console("add") as say:
        from agent.models.add import Offer
        from agent.models.add import add as add_model
        from agent.models.front import Pixels

        if (mean is None) != (step is None):
            raise ConfigError("--mean, --step: one is given without the other; give both or none")
        if step is not None and not (math.isfinite(step) and math.isfinite(mean or 0.0) and step > 0.0):
            raise ConfigError("--mean, --step: must be numbers, --step above zero; give those of its training")
        pixels = None if mean is None or step is None else Pixels(mean, step)
        manifest = add_model(Offer(file, name, licence, colour, pixels), folder, out, cast, faces, _load, say)
    _print(manifest)
    measured = {point.label for point in manifest.operating_points}
    for label in LABELS:
        if label not in measured:
            click.echo(f"operating point {label}: not measured; give --faces to measure it")
    click.echo(f"a policy must list {manifest.model('embedder').sha256} before this embedder may run")


def _load(entry: ModelEntry, folder: Path) -> Infer:
    return LoadedModel.load(entry, folder, threads=2).run


@contextmanager
def _console(command: str) -> Iterator[Callable[[str], None]]:
    """Gives what is told of each step while it goes on; a library that writes models and is missing is one line."""
    console = Console(stderr=True)
    try:
        with console.status("starting") as status:

            def say(step: str) -> None:
                console.print(step)
                status.update(step)

            yield say
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"models {command}: {error.name} is missing; install 'ai-edge-litert', which files are written with"
        ) from None


@models.command()
@_DIR
def verify(folder: Path) -> None:
    """Check every model file by hash, tensors and declared outputs, as a device does before it runs one."""
    detector, _ = load_models(folder)
    load_pad(folder)
    _print(read_manifest(folder))
    click.echo(f"{folder}: verified with {detector.runtime}")


@models.command()
@click.option("--data", required=True, type=_FOLDER, help="Faces: images.csv, and pairs.csv and openset.json if any.")
@click.option("--json", "output", required=True, type=_FILE, help="Where the figures are written.")
@click.option("--plots", type=_FOLDER, help="Folder for curves (SVG); made if need be.")
@_DIR
@click.option(
    "--archives", type=_FOLDER, help="Where the float networks' packages are kept.  [default: the user's cache folder]"
)
@click.option("--into-manifest", is_flag=True, help="Write threshold and operating points into manifest and card too.")
def evaluate(
    data: Path, output: Path, plots: Path | None, folder: Path, archives: Path | None, into_manifest: bool
) -> None:
    """Measure the models on a folder of faces, int8 beside the float networks that they were made of."""
    _demand_folder(output, "--json")
    if plots is not None:
        _demand_folder(plots, "--plots")
    detector, embedder = load_models(folder)
    try:
        from agent.models import compare, floats, tables
        from agent.models.eyes import Eyes
        from agent.models.faceset import LEAST_PEOPLE, read_faces
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"models evaluate: {error.name} is missing; install 'ai-edge-litert', which float networks run with"
        ) from None

    manifest = read_manifest(folder)
    faces = read_faces(data, LEAST_PEOPLE if into_manifest else 2, option="--data")
    console = Console(stderr=True)
    networks = {"int8": Eyes(detector.run, embedder.run)}
    with console.status("fetching the float networks"):
        other = compare.float_eyes(floats.archives() if archives is None else archives)
    missing = other if isinstance(other, str) else None
    if not isinstance(other, str):
        networks["float"] = other
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{faces.name}: pictures", total=len(faces.files))
        templates = compare.seen(networks, faces, lambda: progress.advance(task))
    if into_manifest:
        manifest = _noted(folder, templates["int8"], faces, manifest)
    with console.status("counting"):
        found = compare.compared(templates, faces, manifest, missing)
    _write(output, json.dumps(found.report, indent=1) + "\n")
    if plots is not None:
        for name, picture in found.pictures.items():
            _write(plots / name, picture)
    click.echo(tables.text(found.report), nl=False)
    if missing is not None:
        click.echo(f"doorward: float is missing: {missing}", err=True)


@models.command()
@click.option("--data", required=True, type=_FOLDER, help="Faces: images.csv; each person's first usable picture.")
@click.option("--json", "output", required=True, type=_FILE, help="Where the figures are written.")
@click.option("--plots", type=_FOLDER, help="Folder for the chart (SVG); made if need be.")
@_DIR
@click.option("--into-manifest", is_flag=True, help="Write the threshold and its figures into manifest and card too.")
def attacks(data: Path, output: Path, plots: Path | None, folder: Path, into_manifest: bool) -> None:
    """Measure the detection of prints and screens on attacks that are simulated from pictures of faces."""
    _demand_folder(output, "--json")
    if plots is not None:
        _demand_folder(plots, "--plots")
    detector, _ = load_models(folder)
    pad = load_pad(folder)
    if pad is None:
        raise ConfigError(f"--dir: {folder}: holds no model of role pad; run 'doorward models build'")
    from agent.face.detect import Finder
    from agent.models import apcer
    from agent.models.faceset import LEAST_PEOPLE, read_faces
    from agent.models.plots import attacks as drawn

    faces, find = read_faces(data, LEAST_PEOPLE, option="--data"), Finder(detector.run).find
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{faces.name}: pictures", total=len(faces.files))
        people = apcer.people(faces, find, lambda: progress.advance(task))
        apcer.demand_enough(people, faces.name)
        task = progress.add_task(f"{faces.name}: attacks", total=len(people))
        made = apcer.trials(people, find, lambda view: pad.run(view)[0], lambda: progress.advance(task))
    if into_manifest:
        _kept(folder, apcer.pad_point(made, pad.sha256, faces.name))
    points = read_manifest(folder).pad_points
    found = apcer.report(made, faces.name, points[0].threshold if points else None)
    _write(output, json.dumps(found, indent=1) + "\n")
    if plots is not None:
        _write(plots / f"{faces.name}-attacks.svg", drawn(found))
    click.echo(apcer.text(found), nl=False)


def _kept(folder: Path, point: PadPoint) -> None:
    try:
        from agent.models.build import note_pad
    except ModuleNotFoundError as error:
        raise DeviceError(f"--into-manifest: {error.name} is missing; run it from a checkout of the project") from None
    note_pad(folder, point)


def _noted(folder: Path, templates: Matrix, faces: Faces, manifest: Manifest) -> Manifest:
    try:
        from agent.models.build import note
        from agent.models.evaluate import evaluation
    except ModuleNotFoundError as error:
        raise DeviceError(f"--into-manifest: {error.name} is missing; run it from a checkout of the project") from None
    return note(folder, evaluation(templates, faces, manifest))


def _demand_folder(path: Path, option: str) -> None:
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{option}: {path}: there is no folder to write it in; name one in a folder that exists")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be written") from None


def _print(manifest: Manifest) -> None:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in ("role", "file", "sha256", "puts out", "from"):
        table.add_column(column, overflow="fold")
    for model in manifest.models:
        source = f"{model.source.package} {model.source.version}"
        table.add_row(model.role, model.file, model.sha256[:12], ", ".join(model.declares), source)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    console.print(table)
    for pad in manifest.pad_points:
        asked = f'pad = {{ label = "{pad.label}", threshold = {pad.threshold:g} }}'
        console.print(f"presentation attacks, for a policy: {asked}", highlight=False, markup=False)
    for point in manifest.operating_points:
        figures = ", ".join(f"{figure.name} {figure.value:g}" for figure in point.figures)
        console.print(f"operating point {point.label}: threshold {point.threshold:g} ({figures})", highlight=False)
        for fpir in point.targets:
            steps = ", ".join(f"{{ people = {people}, threshold = {at:g} }}" for people, at in point.steps(fpir))
            console.print(
                f"  1:N at FPIR {fpir:g}, for a policy: search = [{steps}]",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
