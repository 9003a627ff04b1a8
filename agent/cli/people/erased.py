"""`doorward people erased`: check an erasure receipt, offline and without the device."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.people.group import FILE, bytes_of, people
from agent.crypto import fingerprint
from agent.errors import VaultError


@people.command()
@click.option("--subject", required=True, help="The person's pseudonym.")
@click.option("--receipt", required=True, type=FILE, help="The erasure receipt (JSON).")
@click.option("--device", type=FILE, help="device.json of the device: whose signature it must be.")
def erased(subject: str, receipt: Path, device: Path | None) -> None:
    """Verify that a device signed that it has erased this person. No network, no device.

    Exit code 0 and what it says, or 2 and the first fault.
    """
    from agent.introduction import read_introduction
    from agent.ledger.erasure import read_erasure
    from agent.policy.bundle import utc

    erasure = read_erasure(bytes_of(receipt), str(receipt))
    if device is not None:
        known = read_introduction(bytes_of(device), str(device))
        if (known.id, known.signing_key) != (erasure.device, erasure.key):
            raise VaultError(f"{receipt}: device, key: are not those of {device}; ask whose receipt this is")
    if not erasure.concerns(subject):
        raise VaultError(f"{receipt}: commitment: is of another person than --subject")
    when = "at an unknown time" if erasure.time_ms is None else f"{utc(erasure.time_ms / 1000):%Y-%m-%d %H:%M} UTC"
    held = "nothing was stored there" if erasure.epoch is None else f"epoch {erasure.epoch} of its vault"
    click.echo(f"erased: {erasure.site}, {erasure.device}, {when}; {erasure.reason.value}; {held}")
    click.echo(f"erase strength: {erasure.erase_strength.value}")
    origin = "as in device.json" if device is not None else "taken from the receipt: compare it with the policy's"
    click.echo(f"signed by {fingerprint(bytes.fromhex(erasure.key))}, {origin}")
