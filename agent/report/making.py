"""From ledgers to a report: what was asked for, and the facts that it gives. The same in, the same out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agent.crypto import sha256
from agent.errors import ConfigError, PolicyError
from agent.ledger.entry import PolicyAdopted
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.report.content import document
from agent.report.counting import facts_of
from agent.report.document import Document
from agent.report.entries import read_entry
from agent.report.facts import Facts, Source
from agent.report.period import Period


@dataclass(frozen=True, slots=True)
class Order:
    period: Period
    language: str
    """One of content.LANGUAGES."""
    agent: str
    """Version of the software that makes the report."""


def report(sources: Sequence[Source], order: Order, policies: Mapping[str, bytes]) -> Document:
    """The report on one site, ready to be laid out.

    Args:
        policies: documents at hand by their SHA-256; those that no ledger adopted have no part in it.

    Raises:
        ConfigError: the ledgers are of several sites, or two of one device.
    """
    sites = sorted({each.site for each in sources})
    names = sorted(each.device for each in sources)
    if len(sites) != 1:
        raise ConfigError(f"--store: of several sites ({', '.join(sites)}); make one report for each")
    if len(set(names)) != len(names):
        raise ConfigError("--store: two of them are of one device; give the newer one only")
    found, documents = adopted(sources), dict[str, PolicyDocument]()
    for digest, data in policies.items():
        if digest in found:
            try:
                documents[digest] = read(data, PolicyDocument, "policy")
            except PolicyError:
                continue  # of another version of Doorward: it counts as not at hand
    devices = sorted(sources, key=lambda each: each.device)
    facts = tuple(facts_of(each, order.period, documents) for each in devices)
    return document(Facts(sites[0], order.period, facts, order.agent), order.language)


def adopted(sources: Sequence[Source], *, signed: bool = False) -> frozenset[str]:
    """SHA-256 of every policy that a ledger says was in force.

    Args:
        signed: only of entries that a checkpoint covers.
    """
    found = set[str]()
    for each in sources:
        last = each.proof.last
        covered = 0 if last is None else last.size
        for position, data in each.entries:
            entry = read_entry(data) if b'"policy"' in data and (position < covered or not signed) else None
            if isinstance(entry, PolicyAdopted):
                found.add(entry.sha256)
    return frozenset(found)


def days_of(sources: Sequence[Source], zone: str) -> tuple[date, date]:
    """The days of the first and of the last dated entry.

    Raises:
        ConfigError: no entry has a time, or no such zone is known.
    """
    times = (read_entry(data).time_ms for each in sources for _, data in each.entries)
    known = [time_ms for time_ms in times if time_ms is not None]
    if not known:
        raise ConfigError("--from, --to: no entry has a trusted time; say which days you mean")
    clock = Period(date(2000, 1, 1), date(2000, 1, 1), zone)
    return clock.at(min(known)).date(), clock.at(max(known)).date()


def policies_at_hand(files: Sequence[bytes], sources: Sequence[Source]) -> dict[str, bytes]:
    """Of these files the policies that a ledger adopted, by their SHA-256."""
    wanted = adopted(sources)
    return {digest: data for digest, data in sorted((sha256(data), data) for data in files) if digest in wanted}
