"""One device's ledger, read and checked for a report: a fault is kept beside what could still be read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.crypto import SignPublic
from agent.errors import VaultError
from agent.ledger.checkpoint import Checkpoint, read_checkpoint
from agent.ledger.entry import Start
from agent.ledger.verify import LedgerCopy, verify_ledger
from agent.report.entries import read_entry
from agent.report.facts import Proof, Source


def source_of(copy: LedgerCopy, keys: Mapping[str, SignPublic], held: Sequence[bytes] = ()) -> Source:
    """Read a ledger to its end and check it.

    Args:
        keys: public signing keys by device, as somebody else names them; a device that is not in it signs for itself.
        held: checkpoints that were kept elsewhere; those of other devices are left out.

    Raises:
        VaultError: it does not even say whose ledger it is.
    """
    entries = list(copy.entries)
    checkpoints = sorted(_readable(copy.checkpoints), key=lambda each: each.size)
    site, device = _whose(entries, checkpoints)
    kept = own(held, device)
    key = keys.get(device)
    verified, fault = None, None
    try:
        verified = verify_ledger(replace(copy, entries=entries), key, kept, device)
    except VaultError as error:
        fault = str(error)
    proof = Proof(verified, fault, checkpoints[-1] if checkpoints else None, key is not None, len(kept))
    return Source(site, device, entries, copy.begin, checkpoints, proof)


def own(held: Sequence[bytes], device: str) -> list[bytes]:
    """Of these checkpoints those of the device."""
    return [data for data in held for each in _readable([data]) if each.device == device]


def _readable(statements: Sequence[bytes]) -> list[Checkpoint]:
    found = list[Checkpoint]()
    for data in statements:
        try:
            found.append(read_checkpoint(data))
        except VaultError:
            continue  # the check of the whole ledger says it
    return found


def _whose(entries: Sequence[tuple[int, bytes]], checkpoints: Sequence[Checkpoint]) -> tuple[str, str]:
    for _, data in entries:
        entry = read_entry(data)
        if isinstance(entry, Start):
            return entry.site, entry.device
    for checkpoint in checkpoints:
        return checkpoint.site, checkpoint.device
    raise VaultError("ledger: has no entry that says whose it is; name the store of a device that has run")
