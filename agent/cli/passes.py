"""`doorward pass`: day passes for those who do not use their face."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from agent.cli.authority import load_site
from agent.cli.passphrase import PASSPHRASES
from agent.cli.tokens import forget, token
from agent.errors import ConfigError
from agent.policy.bundle import utc
from agent.site.passes import issue_pass, pass_code


@click.group(name="pass")
def passes() -> None:
    """Day passes for those who do not use their face."""


passes.add_command(token)
passes.add_command(forget)


@passes.command()
@click.option("--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder.")
@click.option("--door", required=True, help="Door of the policy.")
@click.option("--subject", help="Pseudonym of the person whose pass it is; without it the pass is a visitor's.")
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True, help="From today on, whole days.")
@click.option("--uses", type=click.IntRange(1, 255), default=1, show_default=True, help="How often it opens the door.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help=".png or .svg")
@PASSPHRASES
def issue(
    site: Path, door: str, subject: str | None, days: int, uses: int, output: Path, passphrases: tuple[Path, ...]
) -> None:
    """Sign a pass and draw its QR code; days begin and end at midnight here."""
    if output.suffix not in (".png", ".svg"):
        raise ConfigError(f"{output}: a pass is drawn as .png or .svg")
    policy, keys = load_site(site, passphrases)
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    # Naive local dates, so that a day stays a day when the clocks change.
    end = (today.replace(tzinfo=None) + timedelta(days=days)).astimezone()
    text = issue_pass(
        policy,
        keys.sign_secret("pass"),
        door=door,
        from_s=today.timestamp(),
        until_s=end.timestamp(),
        uses=uses,
        subject=subject,
    )
    code = pass_code(text)
    try:
        code.save(str(output), scale=10, border=4)
    except OSError as error:
        raise ConfigError(f"{output}: {error.strerror}; choose a file that can be written") from None
    until = utc(end.timestamp()).astimezone().isoformat(" ", "minutes")
    click.echo(f"{output}: opens {door} {uses} times until {until}. Print it at 6 cm or more, or show it on a screen.")
