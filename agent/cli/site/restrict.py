"""`doorward site withdraw | revoke-pass | stop | zone | incident`: one key narrows at once; a policy alone lifts it."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import click

from agent.cli.passphrase import PASSPHRASES
from agent.cli.site.group import DIR, FILE, KEYS, open_site, site, utc_text
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH
from agent.site import edit as edits
from agent.site.restrictions import extra_zone, incident_record, revoked_pass, stop_order, withdrawal, zone_drawn

_NAME = click.argument("name")


@site.command()
@DIR
@click.argument("subject")
@KEYS
@PASSPHRASES
def withdraw(folder: Path, subject: str, holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> None:
    """Withdraw the consent of SUBJECT (a pseudonym) on every device of the site, for good."""
    path = _publish(folder, withdrawal(subject), holders, passphrases)
    click.echo(f"{path} published; devices erase on their next check")


@site.command("revoke-pass")
@DIR
@click.argument("number", metavar="PASS")
@KEYS
@PASSPHRASES
def revoke_pass(folder: Path, number: str, holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> None:
    """End PASS (its number, or the text of its code) at every door of the site, for good."""
    path = _publish(folder, revoked_pass(number), holders, passphrases)
    click.echo(f"{path} published; devices refuse that pass from their next check on")


@site.command()
@DIR
@_NAME
@click.option("--hours", type=click.FloatRange(0.01, 24 * 365), default=24.0, show_default=True)
@KEYS
@PASSPHRASES
def stop(folder: Path, name: str, hours: float, holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> None:
    """Stop all recognition at the site for so many hours; NAME tells this order from others. Passes go on."""
    path = _publish(folder, stop_order(name, time.time() + hours * 3600), holders, passphrases)
    click.echo(f"{path} published; devices refuse from their next check on")


@site.command()
@DIR
@click.argument("file", type=FILE)
@click.option("--name", help="Id of the zone, where the file gives none: a-z, 0-9 and '-'.")
@click.option("--hours", type=click.FloatRange(0.01, 24 * 365), help="How long; without it, until a policy lifts it.")
@KEYS
@PASSPHRASES
def zone(
    folder: Path,
    file: Path,
    name: str | None,
    hours: float | None,
    holders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
) -> None:
    """Add a no-recognition zone: FILE holds a zone as a policy writes it, or a GeoJSON feature or geometry."""
    until_s = None if hours is None else time.time() + hours * 3600
    path = _publish(folder, extra_zone(zone_drawn(file, name), until_s), holders, passphrases)
    click.echo(f"{path} published; devices keep clear of it from their next check on")


@site.command()
@DIR
@_NAME
@click.option("--at", "when", help="When it happened, as 2026-11-25T14:00:00+01:00; without it, now.")
@KEYS
@PASSPHRASES
def incident(
    folder: Path, name: str, when: str | None, holders: tuple[Path, ...], passphrases: tuple[Path, ...]
) -> None:
    """Record a major incident: no impact assessment of before counts any more, so devices refuse until a new one."""
    at_s = time.time() if when is None else _time(when)
    if at_s > time.time():
        raise ConfigError(f"--at: {when} has not come yet")
    path = _publish(folder, incident_record(name, at_s), holders, passphrases)
    click.echo(f"{path} published, of {utc_text(at_s)} UTC; assess again, then publish the new record")


def _publish(folder: Path, target: tuple[str, bytes], holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> str:
    path, data = target
    opened = open_site(folder, holders, passphrases)
    name = path.removeprefix("restriction/").removesuffix(".json")
    policy = opened.target(POLICY_PATH)
    if policy is not None and name in edits.opened(policy)["lifts"]:
        raise ConfigError(f"{name}: the policy lifts this id, so it would do nothing; choose another name")
    opened.publish({path: data})
    return path


def _time(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at: {text!r} is no time; write it as 2026-11-25T14:00:00+01:00") from None
    if found.tzinfo is None:
        raise ConfigError(f"--at: {text!r} names no zone of time; add Z or +01:00")
    return found.timestamp()
