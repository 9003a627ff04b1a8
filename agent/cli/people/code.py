"""`doorward people code`: the withdrawal code alone, for whoever has a pass or has lost the sheet."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Literal

import click

from agent.cli.passphrase import PASSPHRASES
from agent.cli.people.group import FILE, FOLDER, people
from agent.errors import ConfigError


@people.command()
@click.option("--site", required=True, type=FOLDER, help="The authority's folder.")
@click.option("--subject", required=True, help="Pseudonym of the person.")
@click.option(
    "--key",
    "role",
    type=click.Choice(("enrolment", "pass")),
    default="enrolment",
    show_default=True,
    help="Whose key signs it; one of the two is enough.",
)
@click.option("-o", "--output", required=True, type=FILE, help=".png or .svg")
@PASSPHRASES
def code(
    site: Path, subject: str, role: Literal["enrolment", "pass"], output: Path, passphrases: tuple[Path, ...]
) -> None:
    """Draw the code that withdraws a person at the door, for whoever has a pass or has lost the sheet."""
    from agent.adapters.keys import write_whole
    from agent.cli.authority import load_site
    from agent.site.consents import demand_pseudonym
    from agent.site.passes import pass_code
    from agent.site.withdrawals import withdrawal_code

    if output.suffix not in (".png", ".svg"):
        raise ConfigError(f"{output}: the code is drawn as .png or .svg; choose one of them")
    policy, keys = load_site(site, passphrases)
    text, picture = withdrawal_code(policy, keys.sign_secret(role), demand_pseudonym(subject)), BytesIO()
    pass_code(text).save(picture, kind=output.suffix[1:], scale=10, border=4)
    write_whole(output, picture.getvalue(), 0o600)
    click.echo(f"{output}: hand it to the person alone; whoever shows it to a camera of {policy.site} withdraws them")
