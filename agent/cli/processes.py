"""`doorward recogniser`, `doorward link`, `doorward check`."""

from __future__ import annotations

import sys
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
    sandbox.leave_network()

    from agent.app import config, recogniser
    from agent.app.sources import parts

    loaded = config.load(file)
    sys.exit(recogniser.run(loaded, parts(loaded, recogniser.report)))


@click.command()
@CONFIG
def link(file: Path) -> None:
    """Run the link: broker, page and site repository. It has no camera and no vault."""
    from agent.adapters import sandbox

    sandbox.keep_private()

    from agent.app import config
    from agent.app import link as process
    from agent.app.link_settings import settings_of

    sys.exit(process.main(settings_of(config.load(file))))


@click.command()
@CONFIG
def check(file: Path) -> None:
    """Check a device config and list every fault by file, line and rule."""
    from agent.app import config

    config.load(file)
    click.echo(f"{file}: nothing wrong")
