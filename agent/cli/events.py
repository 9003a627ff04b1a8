"""`doorward events open`: what the holder of the site's events key reads."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from agent.cli.passphrase import PASSPHRASES, asker
from agent.errors import ConfigError, LinkError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def events() -> None:
    """Read a site's sealed events."""


@events.command("open")
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--key", "key_file", required=True, type=_FILE, help="The site's events key: keys/events.x25519.")
@click.option("--policy", required=True, type=_FILE, help="The site's policy.json: the devices' signing keys.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
@PASSPHRASES
def open_(files: tuple[Path, ...], key_file: Path, policy: Path, as_json: bool, passphrases: tuple[Path, ...]) -> None:
    """Verify and open events, one a line as they were published, from FILES or standard input.

    Exit code 2 if any of them is not genuine or does not open; the rest is printed all the same.
    """
    from agent.crypto import BoxSecret, SignPublic
    from agent.policy.bundle import PolicyDocument
    from agent.policy.document import read
    from agent.site.keyfiles import read_file

    secret = BoxSecret(read_file(key_file, "events", asker(passphrases)).secret())
    document = read(_bytes(policy), PolicyDocument, str(policy))
    keys = {each.id: SignPublic(bytes.fromhex(each.signing_key)) for each in document.devices}
    faults = 0
    for where, line in _lines(files):
        try:
            click.echo(_line(line, secret, keys, as_json=as_json))
        except LinkError as error:
            faults += 1
            click.echo(f"{where}: {error}", err=True)
    if faults:
        raise LinkError(f"{faults} of the lines could not be opened; see above")


def _line(line: bytes, secret: bytes, keys: Mapping[str, bytes], *, as_json: bool) -> str:
    from agent.crypto import BoxSecret, SignPublic
    from agent.events.seal import OpenedErasure, open_event
    from agent.policy.bundle import utc

    payload = line[line.find(b"{") :].strip() if b"{" in line else line  # mosquitto_sub -v writes the topic in front
    named = re.search(rb'"device":"([a-z0-9-]{1,63})"', payload)
    device = named[1].decode("ascii") if named else ""
    if device not in keys:
        raise LinkError("events: from no device of this policy; give the policy of its own site")
    event = open_event(payload, BoxSecret(secret), SignPublic(keys[device]))
    if isinstance(event, OpenedErasure):
        receipt = event.receipt.decode("ascii")
        if as_json:
            return json.dumps({"device": event.device, "sequence": event.sequence, "erasure": json.loads(receipt)})
        return f"{event.sequence:>8}  {event.device}  erasure receipt  {receipt}"
    fields = {
        "at": utc(event.unix_s).isoformat(" ", "milliseconds"),
        "device": event.device,
        "sequence": event.sequence,
        "door": event.door,
        "outcome": event.outcome.value,
        "subject": event.subject,
        "ground": event.ground,
        "policy_version": event.policy_version,
    }
    if as_json:
        return json.dumps(fields)
    told = [str(fields[name]) for name in ("at", "device", "door", "outcome", "subject", "ground") if fields[name]]
    return f"{event.sequence:>8}  " + "  ".join(told)


def _lines(files: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        for number, line in enumerate(_bytes(path).splitlines(), 1):
            if line.strip():
                yield f"{path}:{number}", line
    if not files:
        for number, line in enumerate(sys.stdin.buffer, 1):
            if line.strip():
                yield f"line {number}", line


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
