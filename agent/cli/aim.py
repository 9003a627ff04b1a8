"""`doorward aim`: see where the camera looks, and measure how, on a device whose recogniser does not run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from agent.app.aim import Kept
    from agent.measured import Aimed

_KEPT_MAX: Final = 64 * 1024


@click.command()
@click.option(
    "--config", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The device config."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Of this machine: where the page is served.")
@click.option("--port", type=click.IntRange(0, 65535), default=8481, show_default=True, help="0 takes a free one.")
@click.option("--yes", is_flag=True, help="Write into the config without asking.")
@click.option(
    "--keep", type=click.Path(path_type=Path, dir_okay=False), help="Write what was measured here, not into the config."
)
@click.option(
    "--take",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Aim nothing; write what --keep kept into the config.",
)
def aim(file: Path, address: str, port: int, yes: bool, keep: Path | None, take: Path | None) -> None:
    """Aim the camera on a page with its live view, in blocks that show no face; measure its pose.

    Nobody is recognised meanwhile, and the ledger says when it began and ended. What was measured goes into the
    config's [aim] section; what the policy must say is printed for its authors. Where the user with the keys may not
    change the config, that one aims with --keep, and root follows with --take.
    """
    if take is not None:
        _write(file, _taken(take), yes)
        return
    from agent.adapters import sandbox

    sandbox.keep_private()

    from agent.adapters.keys import write_whole
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
    _shown(kept)
    if keep is None:
        _write(file, kept.aimed, yes)
    else:
        write_whole(keep, kept.aimed.model_dump_json().encode(), 0o600)
        click.echo(f"{keep}: written")


def _ready(url: str, address: str) -> None:
    import ipaddress

    from agent.adapters.terminal import shown_code

    if not ipaddress.ip_address(address).is_loopback:
        click.echo(f"note: {address}: blocks and measurements go over this network unencrypted", err=True)
        click.echo(shown_code(url))
    click.echo(f"aim at {url} until Ctrl-C; the address opens in one browser, once")


def _shown(kept: Kept) -> None:
    from agent.app.aim.written import for_policy

    click.echo(
        "For the policy's authors, who alone can give it force: for a first policy.toml, or for one that is there:\n"
    )
    click.echo(for_policy(kept.solved.pose, kept.aimed.region, kept.place))
    if kept.place is None:
        click.echo("note: the sign's mark was not seen, so its place is not among it", err=True)


def _write(file: Path, aimed: Aimed, yes: bool) -> None:
    from datetime import date

    from agent.app.aim.written import change

    made = change(file, aimed, date.today())
    if not made.diff:
        click.echo(f"{file}: holds these measurements already")
        return
    click.echo(made.diff)
    if not yes and not (sys.stdin.isatty() and click.confirm(f"write this into {file}?")):
        click.echo(f"{file}: not changed; --yes writes without asking")
        return
    made.write()
    click.echo(f"{file}: written")


def _taken(file: Path) -> Aimed:
    """Another user's file: nothing of it is shown, and nothing but measurements is taken."""
    from agent.errors import ConfigError
    from agent.measured import Aimed

    try:
        with file.open("rb") as opened:
            return Aimed.model_validate_json(opened.read(_KEPT_MAX))
    except (OSError, ValueError):
        raise ConfigError(f"{file}: is not what 'doorward aim --keep' writes; aim again") from None


def _report(line: str) -> None:
    click.echo(f"doorward: {line}", err=True)
