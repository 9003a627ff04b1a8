"""`doorward command`: writes a command for a device; any MQTT client publishes it."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agent.errors import ConfigError

_KEY = click.Path(path_type=Path, dir_okay=False)


@click.group()
def command() -> None:
    """Write a command for a device; publish it on doorward/v1/SITE/DEVICE/cmd, at QoS 1 and not retained."""


@command.command()
@click.option("--minutes", type=click.IntRange(1, 24 * 60), default=60, show_default=True)
def stop(minutes: int) -> None:
    """Recognise nobody for so many minutes; passes go on. Needs no key: anybody may narrow."""
    from agent.crypto import random_bytes
    from agent.events import command as commands

    click.echo(commands.stop(minutes, random_bytes(8).hex()))


@command.command()
def check() -> None:
    """Look for news of the site now. Needs no key."""
    from agent.crypto import random_bytes
    from agent.events import command as commands

    click.echo(commands.check(random_bytes(8).hex()))


@command.command()
@click.option("--key", required=True, type=_KEY, help="A key that the policy names in command_keys.")
@click.option("--site", required=True)
@click.option("--device", required=True)
def resume(key: Path, site: str, device: str) -> None:
    """End a stop before its time. It is good for five minutes and for one device."""
    from agent.cli.own_key import own_key
    from agent.crypto import random_bytes
    from agent.events import command as commands
    from agent.events import wire
    from agent.units import DeviceId, SiteId

    wire.prefix(site, device)
    if not key.exists():
        raise ConfigError(f"{key}: no such file; 'doorward command key' makes one, and the policy must name it")
    secret = own_key(key, "")
    click.echo(
        commands.resume(
            secret, site=SiteId(site), device=DeviceId(device), unix_s=time.time(), id_=random_bytes(8).hex()
        )
    )


@command.command("key")
@click.argument("path", type=_KEY)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True)
def key_(path: Path, days: int) -> None:
    """Make a command key at PATH if there is none, and print what the policy must say for it."""
    from agent.cli.own_key import own_key
    from agent.crypto import sign_public
    from agent.policy.bundle import utc

    public = sign_public(own_key(path, "may end a stop, once the policy names it")).hex()
    until = utc(int(time.time()) + 86_400 * days).isoformat()
    click.echo(f'command_keys = [{{ key = "{public}", until = {until} }}]')
