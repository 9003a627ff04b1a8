"""`doorward site add-device | remove-device`: admitted by the fingerprint that the device itself shows."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agent.cli.site.group import DIR, site
from agent.cli.site.working import change_copy, copy_of, read_copy
from agent.crypto import fingerprint
from agent.errors import ConfigError
from agent.introduction import DeviceDocument, read_introduction
from agent.site import edit as edits


@site.command()
@DIR
@click.argument("device", metavar="DEVICE")
@click.option("--fingerprint", "compared", help="What the device shows; without it you are asked to compare.")
def add_device(folder: Path, device: str, compared: str | None) -> None:
    """Admit DEVICE: its device.json, or the text of the code that 'doorward device show' shows."""
    before = edits.opened(read_copy(folder), str(copy_of(folder)))
    known = _introduced(device)
    table = Table(show_header=False)
    table.add_row("device", known.id)
    table.add_row("signing key", fingerprint(bytes.fromhex(known.signing_key)))
    table.add_row("box key", fingerprint(bytes.fromhex(known.box_key)))
    table.add_row("to compare", known.fingerprint)
    Console().print(table)
    if compared is None:
        click.confirm("Does the device itself show the same to compare?", abort=True, err=True)
    elif compared.replace(" ", "").lower() != known.fingerprint.replace(" ", ""):
        raise ConfigError(f"--fingerprint: {known.id} has another one; do not admit it, look who sent this")
    change_copy(folder, edits.with_device(before, known))


@site.command()
@DIR
@click.argument("device", metavar="ID")
def remove_device(folder: Path, device: str) -> None:
    """Admit the device ID no longer: from the next policy on it refuses."""
    change_copy(folder, edits.without_device(edits.opened(read_copy(folder), str(copy_of(folder))), device))


def _introduced(device: str) -> DeviceDocument:
    if device.startswith("DOORWARD:"):
        return read_introduction(device.encode(), "DEVICE")
    try:
        return read_introduction(Path(device).read_bytes(), device)
    except OSError as error:
        raise ConfigError(f"{device}: {error.strerror}; give a device.json, or the text of the device's code") from None
