"""`doorward people enrol`: one person, on a stopped device."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.people.group import CONFIG, FILE, people


@people.command()
@CONFIG
@click.option("--receipt", required=True, type=FILE, help="The person's signed consent receipt.")
@click.option(
    "--limit",
    "limit_s",
    type=click.IntRange(min=10, max=600),
    default=90,
    show_default=True,
    help="Seconds for the capture at the camera.",
)
@click.argument("pictures", nargs=-1, type=FILE, metavar="[FILE]...")
def enrol(config_file: Path, receipt: Path, limit_s: int, pictures: tuple[Path, ...]) -> None:
    """Enrol one person before the device's camera, or from at least five pictures; the recogniser must not run.

    Nothing is kept of the pictures.
    """
    from agent.app import config
    from agent.cli.people import enrolling

    loaded = config.load(config_file)
    if pictures:
        enrolling.enrol_pictures(loaded, receipt, pictures)
    else:
        enrolling.enrol_here(loaded, receipt, limit_s)
