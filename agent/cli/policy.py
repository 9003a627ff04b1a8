"""`doorward policy`: what a profile demands, and why recognition is permitted or refused here and now."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from agent.events.bodies import Met
from agent.policy.bundle import utc
from agent.policy.fields import ProfileName
from agent.policy.profiles import PROFILES
from agent.policy.rules import OBLIGATIONS

_STYLE: Final = {
    Met.MET: "[green]met[/]",
    Met.EXPIRING: "[yellow]expiring[/]",
    Met.UNMET: "[bold red]UNMET[/]",
    Met.UNKNOWN: "[yellow]unknown[/]",
    Met.NOT_BINDING: "[dim]not binding[/]",
}


@click.group()
def policy() -> None:
    """What the rules demand, and whether they are met."""


@policy.command()
@click.option(
    "--profile",
    "name",
    type=click.Choice([each.value for each in ProfileName]),
    default=ProfileName.STRICT.value,
    show_default=True,
    help="Which body of rules.",
)
def explain(name: str) -> None:
    """The obligations of a profile, in the gate's order, with the provision that each serves.

    An engineering reading of public law; not legal advice.
    """
    profile = PROFILES[ProfileName(name)]
    table = Table(title=f"{profile.name}: {profile.title}", show_lines=False)
    for heading in ("ground", "binds", "what must be so", "serves"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "ground")
    for each in OBLIGATIONS:
        binds = profile.binds(each.ground)
        table.add_row(
            each.ground.value, "yes" if binds else "no", each.demand, profile.provisions.get(each.ground, "–")
        )
    console = Console()
    console.print(table)
    filing = "no filing duty" if profile.filing_at is None else f"filing from {profile.filing_at:,} people on"
    assessed = "none" if profile.assessment_days is None else f"{profile.assessment_days} days"
    console.print(
        f"retention at most {profile.max_days} days, {profile.max_idle_days} unused; assessment holds {assessed}; "
        f"{filing}; a guardian agrees below {profile.guardian_below}",
        highlight=False,
    )
    console.print("Per face, besides: opted in to this attempt; consent in force; within its bounds.", highlight=False)


@policy.command()
@click.option("--config", "file", required=True, type=click.Path(path_type=Path), help="The device config (TOML).")
def why(file: Path) -> None:
    """Each obligation for this device here and now: met or not, the ground, the provision, and what to do.

    Exit code 0 when recognition is permitted (as far as can be told without the camera), 1 when it is refused.
    """
    from agent.app import config
    from agent.app.why import findings

    found = findings(config.load(file), lambda line: click.echo(f"doorward: {line}", err=True))
    table = Table(title=f"{found.source}, profile {found.profile.name}")
    for heading in ("ground", "state", "what must be so", "serves", "what to do"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "ground")
    refused = False
    for each in OBLIGATIONS:
        state = found.states.get(each.ground, Met.UNKNOWN)
        refused |= state is Met.UNMET
        remedy = each.remedy if state in (Met.UNMET, Met.UNKNOWN) else ""
        if state is Met.EXPIRING:
            remedy = f"ends on {utc(found.until_s[each.ground]):%Y-%m-%d}: sign it anew before"
        serves = found.profile.provisions.get(each.ground, "–")
        table.add_row(each.ground.value, _STYLE[state], each.demand, serves, remedy)
    Console().print(table)
    raise click.exceptions.Exit(1 if refused else 0)
