"""`doorward ledger`: check a device's ledger, or a bundle of evidence, without the device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agent.adapters.store import read_ledger
from agent.crypto import SignPublic, fingerprint
from agent.errors import ConfigError, DoorwardError
from agent.ledger.checkpoint import read_checkpoint
from agent.ledger.verify import Verified, verify_ledger
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.document import read

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def ledger() -> None:
    """Verify a device's ledger offline."""


@ledger.command()
@click.argument("path", type=_FILE)
@click.option("--key", help="The device's public signing key, 64 hex digits.")
@click.option("--policy", type=_FILE, help="The site's policy.json: takes the device's key from there.")
@click.option(
    "--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint of this device that was kept elsewhere."
)
def verify(path: Path, key: str | None, policy: Path | None, held: tuple[Path, ...]) -> None:
    """Recompute the whole ledger in the store at PATH, or all of the bundle of evidence at PATH; nothing is written.

    Exit code 0 and a summary, or 2 and the first fault.
    """
    statements = [_bytes(file) for file in held]
    try:
        if _is_bundle(path):
            _verify_bundle(path, key, policy, statements)
            return
        with read_ledger(path) as copy:
            expected = _key(key) if key is not None else None
            if policy is not None:
                signer = next((read_checkpoint(data).device for data in [*copy.checkpoints, *statements]), None)
                expected = _key_of(policy, signer, expected)
            found = verify_ledger(copy, expected, statements)
    except DoorwardError as error:
        raise type(error)(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    _print(found, checked=expected is not None)


def _is_bundle(path: Path) -> bool:
    """A ZIP; what cannot be read is a store that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\3\4"
    except OSError:
        return False


def _verify_bundle(path: Path, key: str | None, policy: Path | None, held: list[bytes]) -> None:
    from agent import __version__
    from agent.report.check import check_bundle

    named = {} if policy is None else keys_of([policy])
    checked = check_bundle(_bytes(path), __version__, named, held, None if key is None else _key(key))
    for verified in checked.devices:
        _print(verified, checked=checked.named[verified.device])
    table = Table(title=f"bundle of {checked.site} verified", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("covered by")
    for name, what in checked.covered:
        table.add_row(name, what)
    for name, why in checked.uncovered:
        table.add_row(name, f"NOT COVERED: {why}")
    Console().print(table)


def keys_of(policies: Sequence[Path]) -> dict[str, SignPublic]:
    """The signing keys of all devices that these policies name, by device.

    Raises:
        ConfigError: a file cannot be read, or two name different keys for one device.
        PolicyError: it is no policy.
    """
    found = dict[str, SignPublic]()
    for file in policies:
        for each in read(_bytes(file), PolicyDocument, str(file)).devices:
            if found.setdefault(each.id, _key(each.signing_key)) != _key(each.signing_key):
                raise ConfigError(f"{file}: names another key for {each.id} than an earlier --policy; give one of them")
    return found


def _print(found: Verified, *, checked: bool) -> None:
    table = Table(show_header=False, title="ledger verified")
    table.add_row("site, device", f"{found.site}, {found.device}")
    table.add_row("entries", f"{found.size} ({', '.join(f'{kind} {n}' for kind, n in sorted(found.kinds.items()))})")
    if found.dropped:
        days = f"all older than {found.dropped_days} days, as a signed entry says"
        table.add_row("dropped by right", f"the first {found.dropped} entries; {days}")
    if found.first_ms is not None and found.last_ms is not None:
        first, last = (utc(ms / 1000).isoformat(" ", "seconds") for ms in (found.first_ms, found.last_ms))
        table.add_row("time", f"{first} to {last}")
    table.add_row("root", found.root)
    table.add_row("checkpoints", f"{found.checkpoints}; {found.unsigned} entries behind the last one")
    if found.key is not None:
        origin = "as given" if checked else "taken from the ledger itself: compare it with the policy's (--policy)"
        table.add_row("signed by", f"{fingerprint(bytes.fromhex(found.key))}, {origin}")
    Console().print(table)


def _key(text: str) -> SignPublic:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigError("--key: a public key is 64 lower-case hex digits; see device.json")
    return SignPublic(bytes.fromhex(text))


def _key_of(policy: Path, device: str | None, given: SignPublic | None) -> SignPublic | None:
    """The key that the policy names for this device; None when no checkpoint says which device it is."""
    document = read(_bytes(policy), PolicyDocument, str(policy))
    if device is None:
        return given
    named = [_key(each.signing_key) for each in document.devices if each.id == device]
    if not named or (given is not None and given != named[0]):
        raise ConfigError(f"{policy}: devices: does not name {device} with this key; give the policy of its own site")
    return named[0]


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be read") from None
