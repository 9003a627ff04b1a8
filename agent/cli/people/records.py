"""`doorward people list | check | withdraw | export`: what a stopped device holds on its people, never a template."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.cli.people.group import CONFIG, FILE, people
from agent.errors import ConfigError
from agent.policy.bundle import utc

if TYPE_CHECKING:
    from agent.app.records import Listed

_SAME: Final = "one would be taken for the other; if they are one person, withdraw one, else compare them 1:1 only"
_TOO_LIKE: Final = "may be taken for one another now and then; enrol both again in better light, or compare them 1:1"

_SUBJECT = click.option("--subject", required=True, help="The person's pseudonym.")


@people.command("list")
@CONFIG
def list_(config_file: Path) -> None:
    """Who is enrolled, until when and why not longer; the recogniser must not run."""
    from agent.app import config
    from agent.app.records import State, open_records

    with open_records(config.load(config_file), _report) as records:
        listed, withdrawn, advice, trusted = (
            records.people(), records.withdrawn, records.filing, records.unix_s is not None
        )  # fmt: skip
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for heading in ("pseudonym", "state", "agreed", "last used", "ends", "days", "by"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "pseudonym")
    for each in listed:
        table.add_row(*_row(each))
    console = Console()
    if listed:
        console.print(table)
    counts = Counter(each.state for each in listed)
    states = ", ".join(f"{state.value} {counts[state]}" for state in State if counts[state])
    click.echo(f"{len(listed)} people{f' ({states})' if states else ''}; withdrawn {withdrawn}")
    if not trusted:
        _report("the clock is not trusted: until it is, everybody counts as expired, and nobody is erased for it")
    if advice is not None:
        _report(f"filing: {advice}")


@people.command()
@CONFIG
def check(config_file: Path) -> None:
    """Name those enrolled here who are too alike to be told apart in 1:N; the recogniser must not run.

    Each reference is left out and compared with all others. What is printed is for you alone: it tells who looks like
    whom, and no score.
    """
    from agent.app import config
    from agent.app.records import open_records
    from agent.gallery.alike import Alike

    console = Console(stderr=True)
    with open_records(config.load(config_file), _report) as records, Progress(console=console, transient=True) as bar:
        listed = len(records.people())
        opening, comparing = bar.add_task("opening", total=listed), bar.add_task("comparing", total=listed)
        found, shut = records.look_over(lambda n: bar.advance(opening, n), lambda n: bar.advance(comparing, n))
    for each in found.near:
        said = _SAME if each.how is Alike.ENROLLED else _TOO_LIKE
        click.echo(f"{each.one} and {each.other}: {said}")
    for subject in found.apart:
        click.echo(f"{subject}: the references of this person disagree; withdraw and enrol again")
    click.echo(f"{listed - shut} people compared, {len(found.near)} pairs too alike")
    if shut:
        _report(f"{shut} rows do not open with this device's keys and were not compared; see 'doorward people list'")


@people.command()
@CONFIG
@_SUBJECT
@click.option("-o", "--output", type=FILE, help="The erasure receipt (JSON), for the person.")
def withdraw(config_file: Path, subject: str, output: Path | None) -> None:
    """Erase a person on this device for good; the recogniser must not run.

    On all devices of a site: 'doorward site withdraw'.
    """
    from agent.adapters.keys import write_whole
    from agent.app import config
    from agent.app.records import open_records
    from agent.site.consents import demand_pseudonym

    name = demand_pseudonym(subject)
    if output is not None and not output.absolute().parent.is_dir():
        raise ConfigError(f"{output}: there is no such folder; name a file in one, nothing was erased")
    with open_records(config.load(config_file), _report) as records:
        receipt = records.withdraw(name)
    if output is not None:
        write_whole(output, receipt, 0o600)
    kept = "it goes to the site, sealed, when the device runs" if output is None else f"{output}, and to the site"
    click.echo(f"{subject} is erased on this device, for good; the receipt: {kept}")


@people.command()
@CONFIG
@_SUBJECT
@click.option("-o", "--output", required=True, type=FILE, help="The record (JSON); give it to nobody else.")
def export(config_file: Path, subject: str, output: Path) -> None:
    """Write down all that this device has stored on a person; the recogniser must not run."""
    from agent.adapters.keys import write_whole
    from agent.app import config
    from agent.app.records import open_records
    from agent.site.consents import demand_pseudonym

    name = demand_pseudonym(subject)
    with open_records(config.load(config_file), _report) as records:
        record = records.record(name)
    write_whole(output, json.dumps(record, indent=1).encode() + b"\n", 0o600)
    enrolled = "enrolled" if record["enrolment"] is not None else "not enrolled"
    click.echo(f"{output}: {enrolled}, {len(record['ledger'])} entries of the ledger; no template in it")


def _row(each: Listed) -> tuple[str, ...]:
    stay = each.stay
    if stay is None:
        return each.subject, each.state.value
    last = "never" if stay.last_use_s is None else _day(stay.last_use_s)
    left = "" if each.days_left is None else str(each.days_left)
    ends = "" if each.ends_s is None else _day(each.ends_s)
    why = "" if each.why is None else each.why.value
    return each.subject, each.state.value, _day(stay.agreed.given_s), last, ends, left, why


def _day(unix_s: float) -> str:
    return f"{utc(unix_s):%Y-%m-%d}"


def _report(line: str) -> None:
    click.echo(f"doorward: {line}", err=True)
