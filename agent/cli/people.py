"""`doorward people`: consent receipts, and enrolment on a stopped device."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agent.cli.authority import load_site
from agent.cli.passphrase import PASSPHRASES
from agent.policy.fields import AgeBand

_FILE = click.Path(path_type=Path, dir_okay=False)
_CONFIG = click.option("--config", "config_file", required=True, type=_FILE, help="The device config (TOML).")


@click.group()
def people() -> None:
    """Sign consent receipts, enrol people on a stopped device."""


@people.command()
@click.option("--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder.")
@click.option("--subject", required=True, help="A pseudonym: lower-case letters, digits and hyphens; never a name.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="How long it holds.")
@click.option("--device", "devices", multiple=True, help="Only for this device; may be given again.")
@click.option("--age", type=click.Choice([each.value for each in AgeBand]), default="adult", show_default=True)
@click.option("--guardian", help="Pseudonym of the guardian who agreed as well; for minors.")
@click.option("-o", "--output", required=True, type=_FILE, help="The receipt (JSON).")
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


@people.command()
@_CONFIG
@click.option("--receipt", required=True, type=_FILE, help="The person's signed consent receipt.")
@click.option(
    "--limit",
    "limit_s",
    type=click.IntRange(min=10, max=600),
    default=90,
    show_default=True,
    help="Seconds for the capture at the camera.",
)
@click.argument("pictures", nargs=-1, type=_FILE, metavar="[FILE]...")
def enrol(config_file: Path, receipt: Path, limit_s: int, pictures: tuple[Path, ...]) -> None:
    """Enrol one person before the device's camera, or from at least five pictures; the recogniser must not run.

    Nothing is kept of the pictures.
    """
    from agent.app import config
    from agent.cli import enrolling

    loaded = config.load(config_file)
    if pictures:
        enrolling.enrol_pictures(loaded, receipt, pictures)
    else:
        enrolling.enrol_here(loaded, receipt, limit_s)
