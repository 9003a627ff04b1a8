"""`doorward aim`: see where the camera looks, and measure how, on a device whose recogniser does not run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agent.app.aim import Kept


@click.command()
@click.option(
    "--config", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The device config."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Of this machine: where the page is served.")
@click.option("--port", type=click.IntRange(0, 65535), default=8481, show_default=True, help="0 takes a free one.")
@click.option("--yes", is_flag=True, help="Write into the config without asking.")
def aim(file: Path, address: str, port: int, yes: bool) -> None:
    """Aim the camera on a page with its live view, in blocks that show no face; measure its pose.

    Nobody is recognised meanwhile, and the ledger says when it began and ended. What was measured goes into the
    config's [aim] section; what the policy must say is printed for its authors.
    """
    from agent.adapters import sandbox

    sandbox.keep_private()

    from agent.app import config
    from agent.app.aim import aim as look
    from agent.app.sources import capture_parts

    loaded = config.load(file)
    kept = look(
        loaded, capture_parts(loaded, _report), address=address, port=port, report=_report,
        ready=lambda url: _ready(url, address),
    )  # fmt: skip
    if kept is None:
        click.echo("ended; nothing is kept")
        return
    _keep(file, kept, yes)


def _ready(url: str, address: str) -> None:
    import ipaddress

    from agent.adapters.terminal import shown_code

    if not ipaddress.ip_address(address).is_loopback:
        click.echo(f"note: {address}: blocks and measurements go over this network unencrypted", err=True)
        click.echo(shown_code(url))
    click.echo(f"aim at {url} until Ctrl-C; the address opens in one browser, once")


def _keep(file: Path, kept: Kept, yes: bool) -> None:
    from datetime import date

    from agent.app.aim.written import change, for_policy

    click.echo(
        "For the policy's authors, who alone can give it force: for a first policy.toml, or for one that is there:\n"
    )
    click.echo(for_policy(kept.solved.pose, kept.aimed.region, kept.place))
    if kept.place is None:
        click.echo("note: the sign's mark was not seen, so its place is not among it", err=True)
    made = change(file, kept.aimed, date.today())
    if not made.diff:
        click.echo(f"{file}: holds these measurements already")
        return
    click.echo(made.diff)
    if not yes and not (sys.stdin.isatty() and click.confirm(f"write this into {file}?")):
        click.echo(f"{file}: not changed; --yes writes without asking")
        return
    made.write()
    click.echo(f"{file}: written")


def _report(line: str) -> None:
    click.echo(f"doorward: {line}", err=True)
