"""`doorward report`: what the ledgers of a site say about the rules, as a page to read, with the evidence."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent import __version__
from agent.errors import ConfigError, DoorwardError

if TYPE_CHECKING:
    from agent.report.bundle import Carry
    from agent.report.document import Document
    from agent.report.facts import Source
    from agent.report.period import Period

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_POLICY_BYTES: Final = 1_000_000


@click.command()
@click.option(
    "--store", "stores", type=click.Path(path_type=Path), multiple=True,
    help="A device's store.sqlite or its state folder, or a copy; again for more devices of the site.",
)  # fmt: skip
@click.option("--config", "configs", type=_FILE, multiple=True, help="A device config instead: takes its state folder.")
@click.option("--from", "first", help="First day, such as 2026-11-01; else that of the ledger's first entry.")
@click.option("--to", "last", help="Last day, included; else that of the ledger's last entry.")
@click.option("--timezone", "zone", default="UTC", show_default=True, help="Whose days: an IANA name, Asia/Shanghai.")
@click.option("--lang", "language", type=click.Choice(["en", "zh-Hans"]), default="en", show_default=True)
@click.option("-o", "--output", type=_FILE, required=True, help=".html or .pdf")
@click.option("--bundle", type=_FILE, help="Write the evidence here too, as a ZIP for 'doorward ledger verify'.")
@click.option(
    "--policy", "policies", type=_FILE, multiple=True,
    help="A policy.json of the site: names the devices' keys, and explains what the ledger holds the hash of.",
)  # fmt: skip
@click.option("--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint that was kept elsewhere.")
@click.option("--font", type=_FILE, help="A font file to use for a PDF.")
def report(
    stores: tuple[Path, ...], configs: tuple[Path, ...], first: str | None, last: str | None, zone: str, language: str,
    output: Path, bundle: Path | None, policies: tuple[Path, ...], held: tuple[Path, ...], font: Path | None,
) -> None:  # fmt: skip
    """Report on one site from the ledgers of its devices, stopped or running; nothing is written to them.

    Exit code 0; 1 when a ledger does not verify, which the report then says first; 2 when no report could be made.
    """
    from agent.report.bundle import make_bundle
    from agent.report.making import Order, policies_at_hand
    from agent.report.making import report as made

    if output.suffix not in (".html", ".pdf"):
        raise ConfigError(f"{output}: a report is written as .html or .pdf")
    paths = [*stores, *(_state(file) for file in configs)]
    carries = _carries(paths, policies, [_bytes(file) for file in held])
    sources = [each.source for each in carries]
    order = Order(_period(sources, first, last, zone), language, __version__)
    files = [*(_bytes(file) for file in policies), *(data for path in paths for data in _targets(_folder(path)))]
    at_hand = policies_at_hand(files, sources)
    data = _drawn(made(sources, order, at_hand), output, font, order.period.end_ms)
    packed = None if bundle is None else make_bundle(carries, order, at_hand)
    _write(output, data)
    click.echo(f"{output}: {sources[0].site}, {order.period.first} to {order.period.last}, {len(sources)} device(s)")
    if bundle is not None and packed is not None:
        _write(bundle, packed)
        click.echo(f"{bundle}: check it with 'doorward ledger verify {bundle}'; it has exact times of decisions")
    faults = [f"{each.device}: {each.proof.fault}" for each in sources if each.proof.fault is not None]
    for fault in faults:
        click.echo(f"doorward: {fault}", err=True)
    if faults:
        sys.exit(1)


def _carries(paths: Sequence[Path], policies: Sequence[Path], held: Sequence[bytes]) -> list[Carry]:
    """Every ledger, read and checked."""
    from agent.adapters.store import read_ledger
    from agent.cli.ledger import keys_of
    from agent.report.bundle import Carry
    from agent.report.source import own, source_of

    if not paths:
        raise ConfigError("--store: name a device's store, or its config with --config")
    keys, found = keys_of(policies), list[Carry]()
    for path in paths:
        store = _folder(path) / "store.sqlite" if path.is_dir() else path
        try:
            with read_ledger(store) as copy:
                entire = replace(copy, entries=list(copy.entries))
            source = source_of(entire, keys, held)
        except DoorwardError as error:
            raise type(error)(f"{store}: {error}" if str(store) not in str(error) else str(error)) from None
        introduction = _folder(path) / "device.json"
        found.append(
            Carry(
                source=source,
                checkpoints=entire.checkpoints,
                held=own(held, source.device),
                key=keys.get(source.device),
                introduction=_bytes(introduction) if introduction.is_file() else None,
            )
        )
    return found


def _period(sources: Sequence[Source], first: str | None, last: str | None, zone: str) -> Period:
    from agent.report.making import days_of
    from agent.report.period import Period

    earliest, latest = _day("--from", first), _day("--to", last)
    if earliest is None or latest is None:
        found = days_of(sources, zone)
        earliest, latest = earliest or found[0], latest or found[1]
    return Period(earliest, latest, zone)


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: {text!r} is no day; write it as 2026-11-01") from None


def _drawn(document: Document, output: Path, font: Path | None, made_ms: int) -> bytes:
    if output.suffix == ".html":
        from agent.report.html import html

        return html(document)
    try:
        from agent.report.sheets import pdf
    except ImportError as error:
        raise ConfigError(f"{output}: {error.name} is not installed; run: pip install 'doorward[sign]'") from None
    return pdf(document, made_ms, font)


def _folder(path: Path) -> Path:
    """The state folder in which a store lies."""
    return path if path.is_dir() else path.parent


def _state(config: Path) -> Path:
    from agent.app import config as device_config

    return device_config.load(config).state


def _targets(folder: Path) -> Iterator[bytes]:
    """What the device keeps of the site; whether it is a policy that was in force shows by its hash."""
    for file in sorted((folder / "tuf" / "targets").glob("*policy.json")):
        data = _bytes(file)
        if len(data) <= _POLICY_BYTES:
            yield data


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be read") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; choose a file that can be written") from None
