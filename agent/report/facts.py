"""The facts of a report: no words, no drawing, and nobody's pseudonym.

Rules: what the ledger does not say is None or absent, never guessed. Decisions are counted by the hour of the day only
in steps of five, and their totals below five are not told, so that a report does not say who came when; refusals by
ground concern the place and are exact. Times are Unix milliseconds; entries without a trusted time count at the last
time known before them. Leaves out: counting them (counting.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.ledger.checkpoint import Checkpoint
from agent.ledger.merkle import Frontier
from agent.ledger.verify import Verified
from agent.policy.bundle import PolicyDocument
from agent.policy.grounds import Ground
from agent.report.period import Period
from agent.report.timeline import Condition, Span

FEW: Final = 5
"""Counts of people's acts below this are not told."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What checking the ledger found."""

    verified: Verified | None
    fault: str | None
    """Why it does not verify; None when it does."""
    last: Checkpoint | None
    """The latest signed checkpoint; None: none was found, or none can be read."""
    named: bool
    """Whoever asked named the key, by a policy or by itself; False: the ledger's own word for it."""
    held: int
    """Checkpoints that were kept elsewhere and were checked against."""


@dataclass(frozen=True, slots=True)
class Source:
    """One device's ledger as it was read and checked."""

    site: str
    device: str
    entries: Sequence[tuple[int, bytes]]
    begin: Frontier
    """The edge of what was dropped by right; empty if nothing was."""
    checkpoints: Sequence[Checkpoint]
    """In the order of their sizes."""
    proof: Proof


@dataclass(frozen=True, slots=True)
class Adopted:
    position: int
    time_ms: int | None
    version: int
    sha256: str
    document: PolicyDocument | None
    """None: the ledger holds its hash only, and the document was not at hand."""


@dataclass(frozen=True, slots=True)
class Started:
    position: int
    time_ms: int | None
    version: str


@dataclass(frozen=True, slots=True)
class Ending:
    """Somebody withdrew, or their time was over."""

    position: int
    time_ms: int | None
    reason: str
    """Wire name: `withdrawn`, or why the time was over."""
    erased: int | None
    """Position of the entry that says that this person was erased; None: there is none for a withdrawal."""
    erased_ms: int | None
    receipt: str | None
    """SHA-256 of the erasure receipt."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which an obligation was in one state; None: nothing is recorded."""

    start_ms: int
    end_ms: int
    state: Met | None
    position: int | None
    """The entry that began it."""


@dataclass(frozen=True, slots=True)
class Obliged:
    """One obligation over the period."""

    ground: Ground
    stretches: tuple[Stretch, ...]

    def length_ms(self, state: Met | None) -> int:
        return sum(each.end_ms - each.start_ms for each in self.stretches if each.state is state)

    @property
    def unmet(self) -> tuple[Stretch, ...]:
        return tuple(each for each in self.stretches if each.state is Met.UNMET)


@dataclass(frozen=True, slots=True)
class RefusedFor:
    ground: Ground
    times: int
    length_ms: int
    positions: tuple[int, ...]
    """Entries with which it began, in their order."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    site: str
    device: str
    proof: Proof
    first: int | None
    """Position of the period's first entry; None: it has none."""
    last: int | None
    spans: tuple[Span, ...]
    obligations: tuple[Obliged, ...]
    refusals: tuple[RefusedFor, ...]
    """Longest first."""
    outcomes: Mapping[Outcome, int | None]
    """Decisions in the period; None: some, but fewer than `FEW`."""
    pass_faults: Mapping[str, int | None]
    """Why passes were refused, by wire name; None as above."""
    hours: tuple[int, ...]
    """Decisions by hour of the day, each rounded down to a multiple of `FEW`."""
    enrolments: int
    endings: tuple[Ending, ...]
    stock: tuple[tuple[int, int], ...]
    """Enrolments less endings in the whole ledger: time and figure, from the period's start at each change."""
    starts: tuple[Started, ...]
    policies: tuple[Adopted, ...]
    """Adopted in the period, and the one in force when it began; one row for each document, at its first entry."""
    checkpoints: tuple[Checkpoint, ...]
    """Made in the period."""
    other: Mapping[str, int]
    """Entries of kinds that this version does not know."""
    dropped: int
    """So many first entries were dropped by right; the figures are of the rest."""
    undated: int
    """Entries of the whole ledger without a trusted time."""
    steps_back: int

    def length_ms(self, condition: Condition) -> int:
        return sum(span.length_ms for span in self.spans if span.condition is condition)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one site."""

    site: str
    period: Period
    devices: tuple[DeviceFacts, ...]
    agent: str
    """Version of the software that made the report."""
