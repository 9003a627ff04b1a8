"""`doorward device`: make and show a device's keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from agent.adapters.keys import device_document, write_whole
from agent.adapters.terminal import shown_code
from agent.cli.device_install import erase, fill, mud, needs
from agent.cli.groups import InOrder
from agent.crypto import fingerprint
from agent.errors import ConfigError, DeviceError
from agent.introduction import DeviceDocument, read_introduction
from agent.policy.fields import Name
from agent.units import DeviceId

if TYPE_CHECKING:
    from agent.app.config import Keys

_BACKENDS: Final = ("plain", "systemd-credentials", "tpm2")
_STATE = click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The device's state folder.",
)


@click.group(cls=InOrder, order=("fill", "needs", "init", "show", "epoch", "mud", "retire", "erase"))
def device() -> None:
    """Make and show a device's keys; tell a station to which key it seals."""


for each in (fill, needs, mud, erase):
    device.add_command(each)


@device.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The device config: says all the rest.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="The device's state folder.")
@click.option("--id", "name", help="Id of the device: lower-case letters, digits and hyphens.")
@click.option("--keys", "backend", type=click.Choice(_BACKENDS), default="plain", help="Where the keys are kept.")
@click.option("--tcti", help="How tpm2-tools reach the TPM; only with --keys tpm2.")
@click.option("--insecure-dev", is_flag=True, help="Allow keys in a plain file: for a desktop only.")
def init(
    config_file: Path | None, state: Path | None, name: str | None, backend: str, tcti: str | None, insecure_dev: bool
) -> None:
    """Make the device's keys and its device.json for the operator, as the config says, or as --state and --id say."""
    from agent.app import config
    from agent.app.keys import make_keys

    if config_file is not None:
        if state is not None or name is not None or tcti is not None or insecure_dev:
            raise ConfigError("--config: says all of it; leave the other options out")
        loaded = config.load(config_file)
        state, device_id, chosen = loaded.state, DeviceId(loaded.device.id), loaded.keys
    else:
        if state is None or name is None:
            raise ConfigError("--state: give --state and --id, or a --config")
        device_id, chosen = _named(name), _chosen(backend, tcti, insecure_dev)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(f"{state}: {error.strerror}; choose a folder that can be written") from None
    keys = make_keys(state, device_id, chosen)
    write_whole(state / "device.json", device_document(keys), 0o644)
    _print(state / "device.json")
    click.echo(
        f"Keys: {keys.backend}; what an erasure leaves: {keys.erase_strength}.\n"
        f"Give {state / 'device.json'} (or the text of the code) to the site's operator, who compares the fingerprint\n"
        "and admits the device with 'doorward site add-device'."
    )


def _named(name: str) -> DeviceId:
    try:
        return DeviceId(TypeAdapter(Name).validate_python(name, strict=True))
    except ValidationError:
        raise ConfigError(f"--id: {name!r} is not made of lower-case letters, digits and hyphens only") from None


def _chosen(backend: str, tcti: str | None, insecure_dev: bool) -> Keys:
    from agent.app.config import Keys

    if backend == "plain" and not insecure_dev:
        raise ConfigError(
            "--insecure-dev: plain keys must be asked for by this option; or choose --keys tpm2 or systemd-credentials"
        )
    try:
        return Keys.model_validate({"backend": backend, "tcti": tcti})
    except ValidationError as error:
        raise ConfigError(f"--tcti: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


@device.command()
@_STATE
def show(state: Path) -> None:
    """Show the device's id, the fingerprints that the operator compares, and the code that the operator may scan."""
    click.echo(shown_code(_print(state / "device.json").code))


@device.command()
@click.option(
    "--config", "config_file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The device config."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it here instead.")
def epoch(config_file: Path, output: Path | None) -> None:
    """Tell an enrolment station the key of the device's present epoch, signed: epoch.json."""
    from agent.adapters.keys import vault_keys
    from agent.app import config
    from agent.app.elsewhere import epoch_document
    from agent.app.keys import open_keys

    keys = open_keys(config.load(config_file))
    document = epoch_document(keys, vault_keys(keys, keys.epochs.present))
    if output is None:
        click.echo(document.decode("ascii"), nl=False)
        return
    write_whole(output, document, 0o644)
    click.echo(f"{output}: for 'doorward people seal --for'; it holds until this device's next epoch")


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
        raise ConfigError(
            f"{path}: {error.strerror}; make it with 'doorward device init'; if there are keys, start the recogniser"
        ) from None
    table = Table(show_header=False)
    table.add_row("device", document.id)
    table.add_row("signing key", fingerprint(bytes.fromhex(document.signing_key)))
    table.add_row("box key", fingerprint(bytes.fromhex(document.box_key)))
    table.add_row("to compare", document.fingerprint)
    Console().print(table)
    return document
