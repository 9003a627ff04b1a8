"""The door is told only of what is on disk and younger than a second, and what came too late is said."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.store import Store
from agent.app.opening import Opening
from agent.demo.device import Device
from agent.events.decision import LATE_NS, UNREACHABLE, Decision, Outcome
from agent.units import DoorId, SubjectId
from tests.app.door import ledger, opened, site

MATCH, TOO_LATE = Outcome.MATCH, Outcome.TOO_LATE


class Watch:
    """`ports.Clock` that says one time after the other: first before the decision is written, then after."""

    def __init__(self, *times_ns: int) -> None:
        self._times = list(times_ns)

    def monotonic_ns(self) -> int:
        return self._times.pop(0)

    def unix_s(self) -> float:
        return 0.0


class CountingDoor:
    def __init__(self) -> None:
        self.told: list[DoorId] = []

    def pulse(self, door: DoorId) -> None:
        self.told.append(door)

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return site(tmp_path_factory.mktemp("opening") / "site")


@pytest.fixture
def store(device: Device, tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(opened(device)) as found:
        yield found


def decided(outcome: Outcome, captured_ns: int = 0) -> Decision:
    subject = SubjectId("p1") if outcome is MATCH else None
    return Decision(outcome, DoorId("main"), 1.7e9, captured_ns=captured_ns, frame=1, policy_version=1, subject=subject)


@pytest.mark.parametrize(
    "outcome, times, written, told",
    [
        (MATCH, (0, LATE_NS), [MATCH], 1),
        (Outcome.PASS_ACCEPTED, (0, LATE_NS), [Outcome.PASS_ACCEPTED], 1),
        (MATCH, (LATE_NS + 1, LATE_NS + 2), [TOO_LATE], 0),
        (Outcome.PASS_ACCEPTED, (LATE_NS + 1, LATE_NS + 2), [TOO_LATE], 0),
        (MATCH, (LATE_NS, LATE_NS + 1), [MATCH, TOO_LATE], 0),  # the disk was slow
        (MATCH, (-1, 0), [TOO_LATE], 0),  # a frame from the future
        (Outcome.EXIT, (0, LATE_NS), [Outcome.EXIT], 1),
        (Outcome.EXIT, (LATE_NS + 1, LATE_NS + 2), [TOO_LATE], 0),
        (Outcome.NO_MATCH, (9 * LATE_NS, 9 * LATE_NS), [Outcome.NO_MATCH], 0),
        (Outcome.PASS_REFUSED, (9 * LATE_NS, 9 * LATE_NS), [Outcome.PASS_REFUSED], 0),
    ],
)
def test_only_what_is_young_opens(
    device: Device, store: Store, outcome: Outcome, times: tuple[int, int], written: list[Outcome], told: int
) -> None:
    door, before = CountingDoor(), len(ledger(device))
    opening = Opening(
        store, door, Watch(*times), site=device.site, device=device.id, sign_secret=device.keys.sign_secret
    )
    found = opening.decide(decided(outcome), device.policy)
    assert [each.outcome for each in found] == written
    assert [each.outcome for each in ledger(device)[before:]] == written
    assert door.told == [DoorId("main")] * told
    assert all(entry.subject is None for entry in ledger(device)[before:] if entry.outcome is TOO_LATE)


class DistantDoor:
    """Implements `ports.DistantDoor`."""

    def __init__(self, *reachable: bool) -> None:
        self._reachable = list(reachable)
        self.told: list[tuple[DoorId, int, int]] = []

    def reachable(self) -> bool:
        return self._reachable.pop(0)

    def order(self, door: DoorId, number: int, until_ns: int) -> None:
        self.told.append((door, number, until_ns))


@pytest.mark.parametrize(
    "outcome, reachable, written, told",
    [
        (MATCH, (True, True), [MATCH], True),
        (Outcome.EXIT, (True, True), [Outcome.EXIT], True),
        (MATCH, (False, False), [TOO_LATE], False),
        (Outcome.PASS_ACCEPTED, (False, False), [TOO_LATE], False),
        (MATCH, (True, False), [MATCH, TOO_LATE], False),  # lost while it was written
        (Outcome.NO_MATCH, (), [Outcome.NO_MATCH], False),  # nobody asks
    ],
)
def test_a_distant_door_is_told_number_and_end_and_one_that_cannot_be_told_stays_shut(
    device: Device, store: Store, outcome: Outcome, reachable: tuple[bool, ...], written: list[Outcome], told: bool
) -> None:
    door, before = DistantDoor(*reachable), len(ledger(device))
    about = {"site": device.site, "device": device.id, "sign_secret": device.keys.sign_secret}
    opening = Opening(store, door, Watch(5, 6), **about)
    found = opening.decide(decided(outcome, captured_ns=3), device.policy)
    assert [each.outcome for each in found] == written
    entries = ledger(device)[before:]
    assert [each.outcome for each in entries] == written
    assert door.told == ([(DoorId("main"), entries[0].event, 3 + LATE_NS)] if told else [])
    late = [each for each in entries if each.outcome is TOO_LATE]
    assert all((each.ground, each.subject) == (UNREACHABLE, None) for each in late)


class Pressed:
    """Implements `ports.Contacts`."""

    tampered = True

    def exit_asked(self, now_ns: int) -> int | None:
        return now_ns - 5

    def close(self) -> None:
        """There is nothing to close."""


def test_without_a_policy_the_button_opens_nothing_and_without_contacts_nobody_asks(
    device: Device, store: Store
) -> None:
    about = {"site": device.site, "device": device.id, "sign_secret": device.keys.sign_secret}
    opening = Opening(store, CountingDoor(), Watch(7), contacts=Pressed(), **about)
    assert opening.exit_asked(None, 1.7e9) is None and opening.tampered
    without = Opening(store, CountingDoor(), Watch(), **about)
    assert without.exit_asked(None, 1.7e9) is None and not without.tampered
