"""`doorward site init | show | renew`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agent.cli.passphrase import PASSPHRASES, chooser
from agent.cli.site.group import DIR, FILE, FOLDER, KEYS, open_site, site, still_missing, utc_text
from agent.cli.site.working import first_policy
from agent.crypto import fingerprint
from agent.errors import ConfigError
from agent.introduction import introduced
from agent.policy.bundle import POLICY_PATH
from agent.site.keys import OWN, SiteKeys
from agent.site.policy_draft import draft_policy, read_decided, read_device
from agent.site.repository import LEASE_S, SiteRepository


@site.command()
@DIR
@click.option("--site", "name", required=True, help="Name of the site: a-z, 0-9 and '-'.")
@click.option("--single-key", is_flag=True, help="One key for all roles: for a demo or a single door.")
@click.option(
    "--keys", "holders", multiple=True, type=FOLDER,
    help="Folder for one key holder's keys, best on a medium of its own; give it two times or more (three is usual). "
    "Without it: DIR/holder-1 to DIR/holder-3.",
)  # fmt: skip
@PASSPHRASES
@click.option("--plain", is_flag=True, help="Write keys in the clear, not under a passphrase.")
@click.option("--policy", type=FILE, help="What the policy says, as TOML or JSON; keys and devices are filled in.")
@click.option("--device", "devices", type=FILE, multiple=True, help="A device's device.json; may be given again.")
@click.option("--lease-hours", type=click.FloatRange(0.01, 720), default=LEASE_S / 3600, show_default=True)
def init(
    folder: Path,
    name: str,
    single_key: bool,
    holders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
    plain: bool,
    policy: Path | None,
    devices: tuple[Path, ...],
    lease_hours: float,
) -> None:
    """Make the keys and the repository in DIR; with a policy, publish it at once.

    Unless --single-key is given, keys for root, targets and permission go to several people, of whom two must sign.
    """
    if single_key and holders:
        raise ConfigError("site init: --single-key makes one key for all; leave it out, or leave --keys out")
    if policy is not None and not devices:
        raise ConfigError("site init: a policy names its devices; add --device with a device's device.json")
    choose = chooser(passphrases, plain=plain)
    if not single_key:
        holders = holders or tuple(folder / f"holder-{number}" for number in (1, 2, 3))
    decided = None if policy is None else read_decided(policy)
    known = [read_device(path) for path in devices]
    if decided is not None:  # a mistake in it must show before anything is made
        rehearsal = SiteKeys.fresh() if single_key else SiteKeys.fresh_for(OWN)
        draft_policy(decided, site=name, version=1, keys=rehearsal, devices=known, now_s=time.time())
    made = SiteRepository.init(
        folder, name, clock=time.time, holders=holders, lease_s=lease_hours * 3600, passphrase=choose
    )
    if decided is not None:
        data = draft_policy(decided, site=name, version=1, keys=made.keys, devices=known, now_s=time.time())
        first_policy(made, folder, data)
    click.echo(f"site {name}: serve {folder / 'repository'}, keep {folder / 'keys'} secret")
    if holders:
        click.echo(f"give each key holder one of {', '.join(map(str, holders))}, and leave no copy here")
    click.echo(f"root fingerprint for devices: {made.root_sha256}")


@site.command()
@DIR
@KEYS
def show(folder: Path, holders: tuple[Path, ...]) -> None:
    """Roles, versions, expiry, targets, keys and devices of the repository in DIR, and what waits for signatures."""
    opened, console = open_site(folder, holders), Console()
    table = Table(title=f"{opened.site}{', one key for all roles' if opened.keys.single else ''}")
    for heading in ("role", "version", "keys needed", "expires (UTC)", "targets"):
        table.add_column(heading, justify="right" if heading in ("version", "keys needed") else "left", overflow="fold")
    now_s, signs = time.time(), dict[str, list[str]]()
    for state in opened.states():
        over = " [bold red]over[/]" if state.expires_s <= now_s else ""
        needed = f"{state.threshold} of {len(state.keys)}"
        table.add_row(
            state.role, str(state.version), needed, utc_text(state.expires_s) + over, "\n".join(state.targets)
        )
        for key in state.keys:
            signs.setdefault(key, []).append(state.role)
    console.print(table)
    listed = Table("key", "signs for", title="keys")
    for key, roles in signs.items():
        listed.add_row(fingerprint(bytes.fromhex(key)), ", ".join(roles))
    console.print(listed)
    policy = opened.target(POLICY_PATH)
    if policy is not None:
        devices = Table("device", "fingerprint", title=f"devices of policy version {json.loads(policy)['version']}")
        for each in json.loads(policy)["devices"]:
            devices.add_row(each["id"], introduced(**each).fingerprint)
        console.print(devices)
    waiting = opened.prepared()
    if waiting is not None:
        click.echo(f"prepared: {', '.join(sorted(waiting.changed))}; {still_missing(waiting.missing(), folder)}"
                   if waiting.missing() else f"prepared and signed: run 'doorward site publish {folder}'")  # fmt: skip
    click.echo(f"root fingerprint for devices: {opened.root_sha256}")


@site.command()
@DIR
@KEYS
@PASSPHRASES
def renew(folder: Path, holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> None:
    """Sign a fresh lease: run it several times a lease, for instance from a timer."""
    opened = open_site(folder, holders, passphrases)
    ending = opened.renew()
    states = {state.role: state for state in opened.states()}
    click.echo(f"lease renewed until {utc_text(states['timestamp'].expires_s)} UTC")
    for role in ending:
        click.echo(
            f"note: {role} ends on {utc_text(states[role].expires_s)} UTC and takes its holders' keys: "
            f"run 'doorward site prepare {folder}', and have it signed",
            err=True,
        )
