"""`doorward device`: make and show a device's keys."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from agent.adapters.keys import PlainKeys, device_document, write_whole
from agent.adapters.terminal import shown_code
from agent.crypto import fingerprint
from agent.errors import ConfigError, DeviceError
from agent.introduction import DeviceDocument, read_introduction
from agent.policy.fields import Name
from agent.units import DeviceId

_STATE = click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The device's state folder.",
)


@click.group()
def device() -> None:
    """Make and show a device's keys."""


@device.command()
@_STATE
@click.option("--id", "name", required=True, help="Id of the device: lower-case letters, digits and hyphens.")
@click.option("--insecure-dev", is_flag=True, help="Keep the keys in a plain file: for a desktop only.")
def init(state: Path, name: str, insecure_dev: bool) -> None:
    """Make the device's keys and its device.json for the operator."""
    try:
        TypeAdapter(Name).validate_python(name, strict=True)
    except ValidationError:
        raise ConfigError(f"--id: {name!r} is not made of lower-case letters, digits and hyphens only") from None
    if not insecure_dev:
        raise ConfigError("--insecure-dev: sealed keys are not built yet; plain keys must be asked for by this option")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(f"{state}: {error.strerror}; choose a folder that can be written") from None
    keys = PlainKeys.create(state / "keys.json", DeviceId(name))
    write_whole(state / "device.json", device_document(keys), 0o644)
    _print(state / "device.json")
    click.echo(
        f"Give {state / 'device.json'} (or the text of the code) to the site's operator, who compares the fingerprint\n"
        "and admits the device with 'doorward site add-device'."
    )


@device.command()
@_STATE
def show(state: Path) -> None:
    """Show the device's id, the fingerprints that the operator compares, and the code that the operator may scan."""
    click.echo(shown_code(_print(state / "device.json").code))


@device.command()
@click.option("--config", "file", required=True, type=click.Path(path_type=Path), help="The device config (TOML).")
def retire(file: Path) -> None:
    """Take the device off the broker for good: its retained topics, and its entities in Home Assistant.

    Stop its link first. The site ends it with 'doorward site remove-device'.
    """
    from agent.app import brokers, config
    from agent.app.link_settings import settings_of

    settings = settings_of(config.load(file))
    brokers.retire(settings)
    click.echo(f"{settings.site}/{settings.device}: nothing of it is left on the broker")


def _print(path: Path) -> DeviceDocument:
    try:
        document = read_introduction(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make it with 'doorward device init'") from None
    table = Table(show_header=False)
    table.add_row("device", document.id)
    table.add_row("signing key", fingerprint(bytes.fromhex(document.signing_key)))
    table.add_row("box key", fingerprint(bytes.fromhex(document.box_key)))
    table.add_row("to compare", document.fingerprint)
    Console().print(table)
    return document
