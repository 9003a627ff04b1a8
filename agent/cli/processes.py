"""`doorward recogniser`, `doorward link`, `doorward rtsp`, `doorward check`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import click

CONFIG = click.option(
    "--config", "file", required=True, type=click.Path(path_type=Path), help="The device config (TOML)."
)


@click.command()
@CONFIG
def recogniser(file: Path) -> None:
    """Run the recogniser: camera, gate, vault and ledger. It gives up the network before anything else."""
    from agent.adapters import sandbox

    sandbox.keep_private()
    sandbox.one_heap()
    sandbox.leave_network()

    from agent.app import config, recogniser
    from agent.app.fault import report
    from agent.app.sources import parts

    loaded = config.load(file)
    sys.exit(recogniser.run(loaded, parts(loaded, report)))


@click.command()
@CONFIG
@click.option(
    "--socket", type=click.Path(path_type=Path), help="Where the recogniser listens, unless in its state folder."
)
def link(file: Path, socket: Path | None) -> None:
    """Run the link: broker, page and site repository. It has no camera and no vault."""
    from agent.adapters import sandbox

    sandbox.keep_private()

    from agent.app import config
    from agent.app import link as process
    from agent.app.link_settings import settings_of

    settings = settings_of(config.load(file))
    sys.exit(process.main(settings if socket is None else replace(settings, socket=socket)))


@click.command()
@CONFIG
def rtsp(file: Path) -> None:
    """Run the reader of a network camera: it has the network, hands frames to the recogniser, and has no key."""
    from agent.adapters import sandbox

    sandbox.keep_private()

    from agent.app import config
    from agent.app import rtsp as process

    sys.exit(process.run(config.load(file)))


def _print_schema(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from agent.app.config_schema import text

    click.echo(text(), nl=False)
    context.exit()


@click.command()
@CONFIG
@click.option("--offline", is_flag=True, help="Look at the config and at this machine alone.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of a device config, for editors, and check nothing.",
)
def check(file: Path, offline: bool) -> None:
    """Check a device config, this machine, its clock, and the way to the repository and each broker; say what to do.

    Every fault of the config comes by file, line and rule. Exit code 2 if there is a fault; warnings alone are none.
    """
    from agent.app import config
    from agent.app.check import Finding, Level, findings
    from agent.app.machine import machine
    from agent.errors import LinkError

    loaded = config.load(file)
    click.echo(f"{file}: nothing wrong")
    found: Iterable[Finding] = machine(loaded.state)
    if not offline:
        from agent.app.link_settings import settings_of

        found = chain(found, findings(settings_of(loaded), time.time()))
    faults = 0
    for each in found:
        click.echo(f"{each.level:<8} {each.what}: {each.words}")
        faults += each.level is Level.FAULT
    if faults:
        raise LinkError(f"{faults} {'fault' if faults == 1 else 'faults'}; see above")
