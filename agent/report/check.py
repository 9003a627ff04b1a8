"""Checking a bundle of evidence without the device: each file is named with what covers it, or as not covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agent.crypto import SignPublic, sha256
from agent.errors import ConfigError, DoorwardError, PolicyError, VaultError
from agent.introduction import DeviceDocument, read_introduction
from agent.ledger.entry import canonical
from agent.ledger.merkle import Frontier
from agent.ledger.verify import LedgerCopy, Verified
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.report.archive import unpack
from agent.report.bundle import LIST, README, REPORT, BundleList, Carried, Carry, edge_of, files_of
from agent.report.content import LANGUAGES
from agent.report.making import Order, adopted
from agent.report.period import Period
from agent.report.source import source_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; nothing is faulty, or there would be an error instead."""

    site: str
    devices: tuple[Verified, ...]
    named: Mapping[str, bool]
    """By device: whoever checks named the key."""
    covered: tuple[tuple[str, str], ...]
    """File and what covers it."""
    uncovered: tuple[tuple[str, str], ...]
    """File and why nothing covers it."""


def check_bundle(
    data: bytes, agent: str, keys: Mapping[str, SignPublic], held: Sequence[bytes] = (), one: SignPublic | None = None
) -> Checked:
    """Check every file of a bundle.

    Args:
        agent: this software's version: a report of another one cannot be made again to be compared.
        keys: public signing keys by device, as whoever checks knows them.
        held: checkpoints that were kept elsewhere; those of other devices are left out.
        one: the key of the only device, where its name is not known.

    Raises:
        VaultError: the first fault, naming the file.
        ConfigError: `one` is given for several devices.
    """
    files = unpack(data)
    listed = _listed(files)
    if one is not None and len(listed.devices) != 1:
        raise ConfigError(f"--key: the bundle holds {len(listed.devices)} devices; name their keys with --policy")
    keys = keys if one is None else {listed.devices[0].id: one}
    policies = {name[9:-5]: data for name, data in files.items() if name.startswith("policies/")}
    found = list[Verified]()
    carries = list[Carry]()
    for each in listed.devices:
        copy = _copy(files, each)
        found.append(_verified(copy, each, keys, [*_lines(files, _held(each)), *held]))
        carries.append(_carry(files, copy, each))
    _demand_policies(policies, carries)
    again = _made_again(listed, carries, policies)
    same = listed.agent == agent
    for name in sorted({*files, *again}):
        if name not in again or name not in files:
            raise VaultError(f"{name}: was {'added' if name in files else 'taken out'}; get the bundle again")
        if files[name] != again[name] and (same or name not in (README, REPORT)):
            raise VaultError(f"{name}: is not what the ledger in this bundle gives; changed, or of another tzdata")
    covered, uncovered = list[tuple[str, str]](), list[tuple[str, str]]()
    for carry, verified in zip(carries, found, strict=True):
        _ledger(carry, verified, policies, covered, uncovered)
    signed = adopted([each.source for each in carries], signed=True)
    for digest in policies:
        name = f"policies/{digest}.json"
        if digest in signed:
            covered.append((name, "its hash is in the signed ledger"))
        else:
            uncovered.append((name, "the entry with its hash is not signed"))
    for name in (REPORT, README):
        if same:
            covered.append((name, "made again from the ledger: the same"))
        else:
            uncovered.append((name, f"made by version {listed.agent}: make the report again to compare it"))
    covered.append((LIST, "in its one form; what it names is the ledger's, and what it asks for gives the report"))
    if not same:
        uncovered.append((LIST, f"the version {listed.agent} that it names"))
    return Checked(
        site=listed.site,
        devices=tuple(found),
        named={each.id: each.id in keys for each in listed.devices},
        covered=tuple(covered),
        uncovered=tuple(uncovered),
    )


def _listed(files: Mapping[str, bytes]) -> BundleList:
    try:
        listed = read(files[LIST], BundleList, LIST)
    except KeyError:
        raise VaultError(f"bundle: has no {LIST}: no bundle of Doorward's; name another file") from None
    except PolicyError as error:
        raise VaultError(str(error).splitlines()[0]) from None
    ids = [each.id for each in listed.devices]
    if ids != sorted(set(ids)) or listed.language not in LANGUAGES:
        raise VaultError(f"{LIST}: devices or language are not as this version writes them; changed, or of a newer one")
    return listed


def _copy(files: Mapping[str, bytes], carried: Carried) -> LedgerCopy:
    try:
        begin = Frontier(carried.begin, tuple(bytes.fromhex(peak) for peak in carried.peaks))
    except ValueError as error:
        raise VaultError(f"{LIST}: devices: {carried.id}: {error}; changed") from None
    entries = list(enumerate(_lines(files, f"devices/{carried.id}/ledger.jsonl", wanted=True), begin.size))
    checkpoints = _lines(files, f"devices/{carried.id}/checkpoints.jsonl", wanted=True)
    return LedgerCopy(entries, checkpoints, edge_of(begin, entries), begin)


def _verified(copy: LedgerCopy, carried: Carried, keys: Mapping[str, SignPublic], held: Sequence[bytes]) -> Verified:
    """The ledger as whoever checks sees it, by their own keys and checkpoints."""
    name = f"devices/{carried.id}/ledger.jsonl"
    try:
        source = source_of(copy, keys, held)
    except VaultError as error:
        raise VaultError(f"{name}: {error}") from None
    if source.device != carried.id:
        raise VaultError(f"{name}: is the ledger of {source.device}; changed")
    verified = source.proof.verified
    if verified is None:
        raise VaultError(f"{name}: {source.proof.fault}")
    if (verified.size, verified.root) != (carried.size, carried.root):
        raise VaultError(f"{name}: its end is not the one that {LIST} names; changed or cut off")
    return verified


def _carry(files: Mapping[str, bytes], copy: LedgerCopy, carried: Carried) -> Carry:
    """The ledger as whoever made the report saw it."""
    key = None if carried.key is None else SignPublic(bytes.fromhex(carried.key))
    held = _lines(files, _held(carried))
    source = source_of(copy, {} if key is None else {carried.id: key}, held)
    if source.proof.verified is None:
        raise VaultError(f"{LIST}: devices: {carried.id}: names another key than the ledger's; changed")
    return Carry(source, copy.checkpoints, held, key, files.get(f"devices/{carried.id}/device.json"))


def _made_again(listed: BundleList, carries: Sequence[Carry], policies: Mapping[str, bytes]) -> dict[str, bytes]:
    try:
        period = Period(date.fromisoformat(listed.first), date.fromisoformat(listed.last), listed.timezone)
        again = files_of(carries, Order(period, listed.language, listed.agent), policies)
    except (DoorwardError, ValueError) as error:
        raise VaultError(f"{LIST}: no report can be made from it ({str(error).splitlines()[0]}); changed") from None
    if canonical(listed.model_dump(mode="json", by_alias=True)) != again[LIST]:
        raise VaultError(f"{LIST}: does not fit the ledgers in this bundle; changed")
    return again


def _demand_policies(policies: Mapping[str, bytes], carries: Sequence[Carry]) -> None:
    known = adopted([each.source for each in carries])
    for digest, document in policies.items():
        if sha256(document) != digest or digest not in known:
            raise VaultError(f"policies/{digest}.json: is not a policy that a ledger here adopted; changed or added")


def _ledger(
    carry: Carry,
    verified: Verified,
    policies: Mapping[str, bytes],
    covered: list[tuple[str, str]],
    uncovered: list[tuple[str, str]],
) -> None:
    folder, last = f"devices/{carry.source.device}", carry.source.proof.last
    if last is None:
        uncovered.append((f"{folder}/ledger.jsonl", "no checkpoint is in the bundle: the device has not signed it"))
    else:
        covered.append((f"{folder}/ledger.jsonl", f"the device's signature over its first {last.size} entries"))
        behind = verified.size - last.size
        if behind:
            uncovered.append((f"{folder}/ledger.jsonl", f"its last {behind} entries are not signed yet"))
    covered.append((f"{folder}/checkpoints.jsonl", "the device's signature on each"))
    if carry.held:
        covered.append((f"{folder}/held.jsonl", "the device's signature on each"))
    if carry.introduction is not None:
        _introduction(carry, carry.introduction, verified, policies, covered, uncovered)


def _introduction(
    carry: Carry,
    data: bytes,
    verified: Verified,
    policies: Mapping[str, bytes],
    covered: list[tuple[str, str]],
    uncovered: list[tuple[str, str]],
) -> None:
    name = f"devices/{carry.source.device}/device.json"
    try:
        told = read_introduction(data, name)
    except PolicyError as error:
        raise VaultError(str(error).splitlines()[0]) from None
    if told.id != carry.source.device or (verified.key is not None and told.signing_key != verified.key):
        raise VaultError(f"{name}: is not of the device that signed this ledger; changed")
    if any(_names(document, told) for document in policies.values()):
        covered.append((name, "a policy in the bundle names its keys"))
    elif verified.key is not None:
        uncovered.append((name, "its signing key is the ledger's, but no policy here names its box key"))
    else:
        uncovered.append((name, "no checkpoint and no policy here names its keys"))


def _names(policy: bytes, told: DeviceDocument) -> bool:
    try:
        document = read(policy, PolicyDocument, "policy")
    except PolicyError:
        return False
    return (told.id, told.signing_key, told.box_key) in {
        (each.id, each.signing_key, each.box_key) for each in document.devices
    }


def _held(carried: Carried) -> str:
    return f"devices/{carried.id}/held.jsonl"


def _lines(files: Mapping[str, bytes], name: str, *, wanted: bool = False) -> list[bytes]:
    """The lines of a file; of one that is not there, none.

    Raises:
        VaultError: it is wanted and not there, or its last line was cut off.
    """
    if name not in files:
        if wanted:
            raise VaultError(f"{name}: was taken out; get the bundle again")
        return []
    *lines, rest = files[name].split(b"\n")
    if rest:
        raise VaultError(f"{name}: its last line was cut off; get the bundle again")
    return lines
