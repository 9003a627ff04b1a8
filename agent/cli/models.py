"""`doorward models`: build the model files from their packages, and verify those that are there."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agent.adapters.litert import LoadedModel, load_models
from agent.errors import DeviceError
from agent.models.manifest import Manifest, read_manifest

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def models() -> None:
    """Build and verify the models."""


@models.command()
@click.option("--out", type=_FOLDER, default=Path("models"), show_default=True, help="Where the files are written.")
@click.option(
    "--archives", type=_FOLDER, default=Path("build/archives"), show_default=True, help="Where packages are kept."
)
@click.option("--cast", type=_FOLDER, default=Path("scenes/cast"), show_default=True, help="The synthetic cast.")
@click.option("--faces", type=_FOLDER, help="Real faces (images.csv) to evaluate on; without it old figures stay.")
def build(out: Path, archives: Path, cast: Path, faces: Path | None) -> None:
    """Convert and quantise the packages' weights, evaluate them, and write models, manifest and card."""
    try:
        from agent.models.build import build as build_models
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"models build: {error.name} is missing; install 'ai-edge-litert', which files are written with"
        ) from None

    console = Console(stderr=True)
    with console.status("starting") as status:

        def say(step: str) -> None:
            console.print(step)
            status.update(step)

        manifest = build_models(
            out, archives, cast, faces, lambda entry, folder: LoadedModel.load(entry, folder, threads=2).run, say
        )
    _print(manifest)


@models.command()
@click.option("--dir", "folder", type=_FOLDER, default=Path("models"), show_default=True, help="The models' folder.")
def verify(folder: Path) -> None:
    """Check every model file by hash, tensors and declared outputs, as a device does before it runs one."""
    detector, _ = load_models(folder)
    _print(read_manifest(folder))
    click.echo(f"{folder}: verified with {detector.runtime}")


def _print(manifest: Manifest) -> None:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in ("role", "file", "sha256", "puts out", "from"):
        table.add_column(column, overflow="fold")
    for model in manifest.models:
        source = f"{model.source.package} {model.source.version}"
        table.add_row(model.role, model.file, model.sha256[:12], ", ".join(model.declares), source)
    console = Console()
    console.print(table)
    for point in manifest.operating_points:
        figures = ", ".join(f"{figure.name} {figure.value:g}" for figure in point.figures)
        console.print(f"operating point {point.label}: threshold {point.threshold:g} ({figures})", highlight=False)
