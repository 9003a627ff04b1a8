"""`doorward people consent`: the authority signs the receipt of a person who agreed."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agent.cli.authority import load_site
from agent.cli.passphrase import PASSPHRASES
from agent.cli.people.group import FILE, FOLDER, people
from agent.policy.fields import AgeBand


@people.command()
@click.option("--site", required=True, type=FOLDER, help="The authority's folder.")
@click.option("--subject", required=True, help="A pseudonym: lower-case letters, digits and hyphens; never a name.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="How long it holds.")
@click.option("--device", "devices", multiple=True, help="Only for this device; may be given again.")
@click.option("--age", type=click.Choice([each.value for each in AgeBand]), default="adult", show_default=True)
@click.option("--guardian", help="Pseudonym of the guardian who agreed as well; for minors.")
@click.option("-o", "--output", required=True, type=FILE, help="The receipt (JSON).")
@PASSPHRASES
def consent(
    site: Path,
    subject: str,
    days: int,
    devices: tuple[str, ...],
    age: str,
    guardian: str | None,
    output: Path,
    passphrases: tuple[Path, ...],
) -> None:
    """Sign a receipt for a person who has read the notice and agreed, for the policy's one purpose."""
    from agent.adapters.keys import write_whole
    from agent.site.consents import demand_pseudonym, issue_receipt

    policy, keys = load_site(site, passphrases)
    receipt = issue_receipt(
        policy,
        keys.sign_secret("enrolment"),
        demand_pseudonym(subject),
        given_s=time.time(),
        days=days,
        devices=devices,
        age=AgeBand(age),
        guardian=guardian,
    )
    write_whole(output, receipt, 0o600)
    click.echo(f"{output}: consent of {subject} to {policy.purpose.value}, {days} days; give the person a copy")
