"""The bundle of evidence: all that it takes to check a report without the device, in one ZIP.

The device's signature covers entries and checkpoints; the entries cover the policies, by hash; report, README and list
follow from all these and can be made again. The same ledgers and the same question give the same bytes. Leaves out:
checking one (check.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent.crypto import SignPublic
from agent.errors import VaultError
from agent.ledger.entry import canonical
from agent.ledger.merkle import Frontier, leaf_hash
from agent.policy.document import Strict
from agent.policy.fields import Hex32, Name
from agent.report.archive import pack
from agent.report.facts import Source
from agent.report.html import html
from agent.report.making import Order, report
from agent.report.readme import readme

SCHEMA: Final = "doorward/bundle/1"
LIST: Final = "bundle.json"
README: Final = "README.txt"
REPORT: Final = "report.html"
_Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Carried(Strict):
    id: Name
    begin: Annotated[int, Field(ge=0)]
    """So many first entries were dropped by right."""
    peaks: Annotated[tuple[Hex32, ...], Field(max_length=64)]
    """The edge of what was dropped; see `Frontier`."""
    size: Annotated[int, Field(ge=0)]
    root: Hex32
    key: Hex32 | None
    """As whoever asked for the report named it; None: nobody did."""


class BundleList(Strict):
    """`bundle.json`: what was asked for, and which ledgers are in it."""

    schema_: Annotated[Literal["doorward/bundle/1"], Field(alias="schema")]
    agent: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    site: Name
    first: _Date
    last: _Date
    timezone: Annotated[str, Field(max_length=64)]
    language: Annotated[str, Field(pattern=r"^[A-Za-z-]{2,20}$")]
    devices: Annotated[tuple[Carried, ...], Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class Carry:
    """One device's part of a bundle."""

    source: Source
    checkpoints: Sequence[bytes]
    """As the store holds them."""
    held: Sequence[bytes]
    key: SignPublic | None
    introduction: bytes | None
    """The device's `device.json`; None: not at hand."""


def make_bundle(carries: Sequence[Carry], order: Order, policies: Mapping[str, bytes]) -> bytes:
    """The bundle with its report.

    Args:
        policies: documents at hand by their SHA-256; only those that a ledger adopted.

    Raises:
        VaultError: a ledger does not verify: then its store itself is the evidence.
    """
    for carry in carries:
        if carry.source.proof.verified is None:
            raise VaultError(
                f"--bundle: {carry.source.device}: {carry.source.proof.fault}: no bundle was made; keep the store "
                "itself as evidence"
            )
    return pack(files_of(sorted(carries, key=lambda each: each.source.device), order, policies))


def files_of(carries: Sequence[Carry], order: Order, policies: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of a bundle, in its order; the devices come by name."""
    sources = [each.source for each in carries]
    files = dict[str, bytes]()
    for carry in carries:
        folder = f"devices/{carry.source.device}"
        files[f"{folder}/ledger.jsonl"] = _lines([data for _, data in carry.source.entries])
        files[f"{folder}/checkpoints.jsonl"] = _lines(carry.checkpoints)
        if carry.held:
            files[f"{folder}/held.jsonl"] = _lines(carry.held)
        if carry.introduction is not None:
            files[f"{folder}/device.json"] = carry.introduction
    files |= {f"policies/{digest}.json": data for digest, data in sorted(policies.items())}
    files[REPORT] = html(report(sources, order, policies))
    files[LIST] = canonical(_list(carries, order))
    return {README: readme(sources[0].site, order.period, [*files]).encode(), **files}


def _list(carries: Sequence[Carry], order: Order) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "agent": order.agent,
        "site": carries[0].source.site,
        "first": f"{order.period.first}",
        "last": f"{order.period.last}",
        "timezone": order.period.zone,
        "language": order.language,
        "devices": [
            {
                "id": each.source.device,
                "begin": each.source.begin.size,
                "peaks": [peak.hex() for peak in each.source.begin.peaks],
                "size": edge_of(each.source.begin, each.source.entries).size,
                "root": edge_of(each.source.begin, each.source.entries).root().hex(),
                "key": None if each.key is None else each.key.hex(),
            }
            for each in carries
        ],
    }


def edge_of(begin: Frontier, entries: Iterable[tuple[int, bytes]]) -> Frontier:
    """The right edge of these entries behind what was dropped."""
    frontier = begin
    for _, data in entries:
        frontier = frontier.append(leaf_hash(data))
    return frontier


def _lines(texts: Sequence[bytes]) -> bytes:
    return b"".join(text + b"\n" for text in texts)
