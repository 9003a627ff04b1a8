"""Checking a ledger without trusting the device that wrote it, and without the network.

Every entry is read and hashed again, every checkpoint's signature and root compared, in one pass. The first fault
ends it. What lies behind the last checkpoint is checked against the device's own unsigned frontier only; the
summary says how much that is. A ledger cut off together with its checkpoints is found when a checkpoint from
elsewhere is given.

The first entries may have been dropped by right. Then the rest is joined to the edge of what was dropped, and that edge
must be the root of a signed checkpoint of exactly that size; an entry covered by a later checkpoint must say that so
many were dropped, and be later than that checkpoint by at least the days that it names. Checkpoints of what was dropped
are checked for their signature alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.crypto import SignPublic
from agent.errors import VaultError
from agent.ledger.checkpoint import Checkpoint, read_checkpoint
from agent.ledger.entry import Shortened, Start, decode
from agent.ledger.merkle import Frontier, leaf_hash

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class LedgerCopy:
    """A ledger as it was read from a store."""

    entries: Iterable[tuple[int, bytes]]
    """Position from 0, text; in the order of positions."""
    checkpoints: Sequence[bytes]
    """In the order in which they were made."""
    frontier: Frontier
    """What the store says of its own right edge."""
    begin: Frontier = field(default_factory=Frontier)
    """The edge of what was dropped; empty if nothing was."""


@dataclass(frozen=True, slots=True)
class Verified:
    site: str
    device: str
    size: int
    root: str
    checkpoints: int
    unsigned: int
    """Entries behind the last checkpoint."""
    kinds: dict[str, int]
    first_ms: int | None
    last_ms: int | None
    key: str | None
    """The key that signed all checkpoints; None when there is none yet."""
    dropped: int = 0
    """How many of the first entries are gone by right; `kinds` and times are of the rest."""
    dropped_days: int | None = None
    """All of them were older than this, as a signed entry says."""


def verify_ledger(
    copy: LedgerCopy, key: SignPublic | None = None, held: Sequence[bytes] = (), device: str | None = None
) -> Verified:
    """Recompute everything.

    Args:
        key: the device's public signing key, from the policy; None accepts any one key and tells which it was.
        held: checkpoints of this device that were kept elsewhere.
        device: whose ledger it must be; None takes the one that it says it is.

    Raises:
        VaultError: the first fault: a changed, missing, added or moved entry, a cut-off end, another device's ledger.
    """
    checkpoints = _checkpoints([*copy.checkpoints, *held], key)
    frontier, kinds = copy.begin, Counter[str]()
    times: list[int] = []
    origin: tuple[str, str] | None = None
    said: Shortened | None = None
    signed = [each for each in checkpoints if each.size >= frontier.size]
    pending = list(reversed(signed))
    _compare(pending, frontier)
    for position, data in copy.entries:
        if position != frontier.size:
            raise VaultError(
                f"ledger: entry {frontier.size}: missing, found {position}: deleted or added; keep this copy"
            )
        try:
            entry = decode(data)
        except VaultError as error:
            raise VaultError(f"ledger: entry {position}: {error}: changed; keep this copy as evidence") from None
        if isinstance(entry, Start):
            if origin not in (None, (entry.site, entry.device)):
                raise VaultError(f"ledger: entry {position}: of another device; keep this copy as evidence")
            origin = (entry.site, entry.device)
        if isinstance(entry, Shortened) and entry.first == copy.begin.size and frontier.size < _size(checkpoints):
            said = entry
        kinds[entry.kind] += 1
        if entry.time_ms is not None:
            times = [*times[:1], entry.time_ms]
        frontier = frontier.append(leaf_hash(data))
        _compare(pending, frontier)
    if pending:
        raise VaultError(
            f"ledger: {frontier.size} entries, but a signed checkpoint covers {pending[-1].size}: the end was cut off"
        )
    if copy.frontier != frontier:
        raise VaultError(f"ledger: the end (of {frontier.size} entries) is not what the store says: changed or cut off")
    if copy.begin.size:
        _by_right(copy.begin, signed, said)
    origins = _one_device(checkpoints, origin, device)
    site, name = next(iter(origins), ("", device or ""))
    return Verified(
        site=site,
        device=name,
        size=frontier.size,
        root=frontier.root().hex(),
        checkpoints=len(checkpoints),
        unsigned=frontier.size - _size(checkpoints),
        kinds=dict(kinds),
        first_ms=times[0] if times else None,
        last_ms=times[-1] if times else None,
        key=checkpoints[-1].key if checkpoints else None,
        dropped=copy.begin.size,
        dropped_days=None if said is None else said.days,
    )


def _checkpoints(signed: Sequence[bytes], key: SignPublic | None) -> list[Checkpoint]:
    """All checkpoints by size, each signed by the one key."""
    found = [read_checkpoint(data) for data in signed]
    wanted = key.hex() if key is not None else (found[0].key if found else None)
    if any(each.key != wanted for each in found):
        raise VaultError("ledger: a checkpoint is signed by another key than the device's; ask who made this copy")
    return sorted(found, key=lambda each: each.size)


def _compare(pending: list[Checkpoint], frontier: Frontier) -> None:
    """Take off the checkpoints of exactly this size; their root must be this one."""
    while pending and pending[-1].size == frontier.size:
        if pending.pop().root != frontier.root().hex():
            raise VaultError(
                f"ledger: the first {frontier.size} entries are not those of the signed checkpoint: changed, added, "
                "deleted or moved; keep this copy as evidence"
            )


def _size(checkpoints: Sequence[Checkpoint]) -> int:
    """How many entries the last checkpoint covers."""
    return checkpoints[-1].size if checkpoints else 0


def _by_right(begin: Frontier, signed: Sequence[Checkpoint], said: Shortened | None) -> None:
    """The first entries are missing: a checkpoint must end where the rest begins, and a signed entry must say why."""
    if not any(each.size == begin.size for each in signed):
        raise VaultError(
            f"ledger: the first {begin.size} entries are missing, and no signed checkpoint ends there: deleted; keep "
            "this copy as evidence"
        )
    if said is None or said.time_ms is None:
        raise VaultError(
            f"ledger: the first {begin.size} entries are missing, and no signed entry says that they were dropped: "
            "deleted; keep this copy as evidence"
        )
    before_ms = said.time_ms - said.days * _DAY_MS
    if not any(each.time_ms is not None and each.time_ms <= before_ms for each in signed if each.size == begin.size):
        raise VaultError(
            f"ledger: the first {begin.size} entries were dropped before their {said.days} days were over; keep this "
            "copy as evidence"
        )


def _one_device(
    checkpoints: Sequence[Checkpoint], origin: tuple[str, str] | None, device: str | None
) -> set[tuple[str, str]]:
    origins = {(each.site, each.device) for each in checkpoints} | ({origin} if origin is not None else set())
    if len(origins) > 1 or (device is not None and any(name != device for _, name in origins)):
        raise VaultError(
            "ledger: entries and checkpoints are not of the one device asked for; give the right file or key"
        )
    return origins
