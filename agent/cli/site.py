"""`doorward site …`: the authority's commands, on a folder that holds its keys and its repository."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH
from agent.site.keys import SiteKeys
from agent.site.metadata import disk, write
from agent.site.policy_draft import draft_policy, foreseen, next_version, read_decided, read_device
from agent.site.repository import LEASE_S, SiteRepository
from agent.site.restrictions import stop_order, withdrawal

_SITE = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def site() -> None:
    """Make, publish, restrict and renew a site's signed repository."""


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
@click.option("--site", "name", required=True, help="Name of the site: a-z, 0-9 and '-'.")
@click.option("--single-key", is_flag=True, help="One key for all roles: for a demo or a single door.")
@click.option("--policy", type=_FILE, help="What the policy says, as TOML or JSON; keys and devices are filled in.")
@click.option("--device", "devices", type=_FILE, multiple=True, help="A device's device.json; may be given again.")
@click.option("--lease-hours", type=click.FloatRange(0.01, 720), default=LEASE_S / 3600, show_default=True)
def init(
    folder: Path, name: str, single_key: bool, policy: Path | None, devices: tuple[Path, ...], lease_hours: float
) -> None:
    """Make the keys and the repository in DIR; with a policy, publish it at once."""
    if policy is not None and not devices:
        raise ConfigError("site init: a policy names its devices; add --device with a device's device.json")
    decided = None if policy is None else read_decided(policy)
    known = [read_device(path) for path in devices]
    if decided is not None:  # a mistake in it must show before anything is made
        draft_policy(decided, site=name, version=1, keys=SiteKeys.fresh(), devices=known, now_s=time.time())
    made = SiteRepository.init(folder, name, clock=time.time, single_key=single_key, lease_s=lease_hours * 3600)
    if decided is not None:
        data = draft_policy(decided, site=name, version=1, keys=made.keys, devices=known, now_s=time.time())
        _publish_policy(made, folder, data)
    click.echo(f"site {name}: serve {folder / 'repository'}, keep {folder / 'keys'} secret")
    click.echo(f"root fingerprint for devices: {made.root_sha256}")


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
@click.option("--policy", type=_FILE, help="A new policy, as for 'init'; without it DIR/policy.json as it stands.")
@click.option("--device", "devices", type=_FILE, multiple=True, help="With --policy: the devices it names.")
def publish(folder: Path, policy: Path | None, devices: tuple[Path, ...]) -> None:
    """Sign the policy in DIR as a new version and publish it."""
    opened = SiteRepository.open(folder, clock=time.time)
    published = opened.target(POLICY_PATH)
    version = 1 if published is None else int(json.loads(published)["version"]) + 1
    if policy is not None:
        known = [read_device(path) for path in devices]
        decided, now_s = read_decided(policy), time.time()
        data = draft_policy(decided, site=opened.site, version=version, keys=opened.keys, devices=known, now_s=now_s)
    else:
        data = next_version(_working_copy(folder), version)
    _publish_policy(opened, folder, data)
    click.echo(f"policy version {version} published; devices take it up within their next check")


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
def show(folder: Path) -> None:
    """Roles, versions, expiry and targets of the repository in DIR."""
    opened = SiteRepository.open(folder, clock=time.time)
    table = Table(title=f"{opened.site}{', one key for all roles' if opened.keys.single else ''}")
    for heading in ("role", "version", "keys needed", "expires (UTC)", "targets"):
        table.add_column(heading, justify="right" if heading in ("version", "keys needed") else "left", overflow="fold")
    now_s = time.time()
    for state in opened.states():
        over = " [bold red]over[/]" if state.expires_s <= now_s else ""
        listed = "\n".join(state.targets)
        table.add_row(state.role, str(state.version), str(state.threshold), _utc(state.expires_s) + over, listed)
    console = Console()
    console.print(table)
    click.echo(f"root fingerprint for devices: {opened.root_sha256}")


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
@click.argument("subject")
def withdraw(folder: Path, subject: str) -> None:
    """Withdraw the consent of SUBJECT (a pseudonym) on every device of the site, for good."""
    path, data = withdrawal(subject)
    SiteRepository.open(folder, clock=time.time).publish({path: data})
    click.echo(f"{path} published; devices erase on their next check")


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
@click.argument("name")
@click.option("--hours", type=click.FloatRange(0.01, 24 * 365), default=24.0, show_default=True)
def stop(folder: Path, name: str, hours: float) -> None:
    """Stop all recognition at the site for so many hours; NAME tells this order from others. Passes go on."""
    path, data = stop_order(name, time.time() + hours * 3600)
    SiteRepository.open(folder, clock=time.time).publish({path: data})
    click.echo(f"{path} published; devices refuse from their next check on")


@site.command()
@click.argument("folder", metavar="DIR", type=_SITE)
def renew(folder: Path) -> None:
    """Sign a fresh lease: run it several times a lease, for instance from a timer."""
    opened = SiteRepository.open(folder, clock=time.time)
    opened.renew()
    until = next(state.expires_s for state in opened.states() if state.role == "timestamp")
    click.echo(f"lease renewed until {_utc(until)} UTC")


def _utc(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M")


def _publish_policy(repository: SiteRepository, folder: Path, data: bytes) -> None:
    for each in foreseen(data):
        click.echo(f"note: devices will refuse ({each.ground.value}) until {each.demand}: {each.remedy}", err=True)
    repository.publish({POLICY_PATH: data})
    with disk():
        write(folder / "policy.json", data)


def _working_copy(folder: Path) -> bytes:
    try:
        return (folder / "policy.json").read_bytes()
    except OSError as error:
        raise ConfigError(f"{folder / 'policy.json'}: {error.strerror}; give a policy with --policy") from None
