"""`doorward bench`: how fast the agent is on this machine, in one run, as table, JSON, page and picture."""

from __future__ import annotations

import json
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from agent.errors import ConfigError

_FILE = click.Path(path_type=Path, dir_okay=False)
_VISIT_S = 5.0
_REST_S = 100.0


@click.command()
@click.option("--json", "figures", type=_FILE, help="Write the figures here.")
@click.option("--write", "page", type=_FILE, help="Write the page here, its picture into pictures/ beside it.")
@click.option(
    "--visits", type=click.IntRange(2, 1000), default=20, show_default=True, help="How often a visit is played."
)
@click.option("--device", is_flag=True, help="Measure nothing: say what the owner of another machine is to send in.")
def bench(figures: Path | None, page: Path | None, visits: int, device: bool) -> None:
    """Measure a frame beside the bare models, 1:N, idle load, memory, and the time to the door."""
    minutes = math.ceil((2 * visits * _VISIT_S + _REST_S) / 60)
    run, told = _bench("run"), _bench("told")
    if device:
        facts = "\n".join(f"   {name}: {value}" for name, value in _bench("machine").facts().items())
        click.echo(told.DEVICE.format(facts=facts, minutes=minutes), nl=False)
        return
    for option, path in (("--json", figures), ("--write", page)):
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigError(f"{option}: {path}: there is no folder to write it in; name one in a folder that exists")

    from rich.console import Console

    console = Console(stderr=True)
    console.print(f"about {minutes} minutes; the machine should have nothing else to do", highlight=False)
    with console.status("starting") as status:
        measured = run.measure(visits, status.update)
    if figures is not None:
        _write(figures, json.dumps(measured.document(), indent=1) + "\n")
    if page is not None:
        _write(page.parent / told.PICTURE, told.picture(measured))
        _write(page, told.page(measured))
    out = Console(highlight=False, width=None if console.is_terminal else 150)
    for table in told.tables(measured):
        out.print(table)
        out.print()
    if measured.shared:
        out.print("[bold red]The machine was shared: others computed on it meanwhile, and every time is too long.[/]")


def _bench(name: str) -> Any:
    """A module of agent/bench, which stays in the checkout as the scenes do that it plays."""
    try:
        return import_module(f"agent.bench.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"bench: {error.name} is missing; run scripts/bench from a checkout of the project") from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be written") from None
