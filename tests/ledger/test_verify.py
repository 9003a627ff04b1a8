"""Whatever is done to a ledger is found, and the message says where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies

from agent.crypto import SignSecret, sign_public
from agent.errors import VaultError
from agent.ledger.entry import encode, enrolled, refusal_changed, salt, shortened, started
from agent.ledger.verify import verify_ledger
from agent.units import DeviceId
from tests.ledger.given import DEVICE, KEY, NOW_S, SIGNER, SITE, SUBJECT, Draft, ledger

PUBLIC = sign_public(SIGNER)
OTHER = SignSecret(b"\x0a" * 32)


def test_a_sound_ledger_is_summed_up() -> None:
    draft = ledger()
    found = verify_ledger(draft.copy(), PUBLIC, device=DEVICE)
    assert (found.site, found.device, found.size, found.checkpoints, found.unsigned) == (SITE, DEVICE, 9, 2, 1)
    assert found.root == draft.frontier.root().hex()
    assert found.kinds == {"start": 1, "policy": 1, "enrolment": 1, "decision": 3, "refusal-change": 2, "withdrawal": 1}
    assert (found.first_ms, found.last_ms) == (round(NOW_S * 1000), round(NOW_S * 1000) + 2000)
    assert found.key == PUBLIC.hex()


def test_an_empty_and_an_unsigned_ledger_are_sound() -> None:
    empty = verify_ledger(Draft().copy())
    assert (empty.size, empty.site, empty.key, empty.first_ms, empty.last_ms) == (0, "", None, None, None)
    draft = ledger()
    draft.checkpoints.clear()
    assert verify_ledger(draft.copy()).unsigned == 9
    draft = Draft()
    draft.sign()
    assert verify_ledger(draft.copy(), PUBLIC, device=DEVICE).checkpoints == 1


def changed_bit(draft: Draft) -> None:
    position, data = draft.entries[3]
    draft.entries[3] = (position, data[:40] + bytes((data[40] ^ 1,)) + data[41:])


def changed_entry(draft: Draft) -> None:
    draft.entries[6] = (6, encode(refusal_changed((), NOW_S)))


def deleted(draft: Draft) -> None:
    del draft.entries[2]


def inserted(draft: Draft) -> None:
    draft.entries.insert(4, (4, encode(refusal_changed((), NOW_S))))


def moved(draft: Draft) -> None:
    draft.entries[6], draft.entries[7] = (6, draft.entries[7][1]), (7, draft.entries[6][1])


def cut(draft: Draft) -> None:
    del draft.entries[7:]


def cut_and_continued(draft: Draft) -> None:
    del draft.entries[7:]
    draft.renumber()
    for _ in range(4):
        draft.add(refusal_changed((), NOW_S))


def beheaded(draft: Draft) -> None:
    del draft.entries[0]


TAMPERINGS: list[Callable[[Draft], None]] = [
    changed_bit,
    changed_entry,
    deleted,
    inserted,
    moved,
    cut,
    cut_and_continued,
    beheaded,
]


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_tampering_is_found(tamper: Callable[[Draft], None], careful: bool) -> None:
    draft = ledger()
    tamper(draft)
    if careful:
        draft.renumber()
    with pytest.raises(VaultError, match=r"^ledger: [^\n]+$"):
        verify_ledger(draft.copy(), PUBLIC)


def test_an_end_behind_the_last_checkpoint_is_found_by_the_frontier() -> None:
    draft = ledger()
    draft.entries.pop()
    with pytest.raises(VaultError, match="the end"):
        verify_ledger(draft.copy(), PUBLIC)
    draft = ledger()
    draft.entries[8] = (8, encode(refusal_changed((), NOW_S)))
    with pytest.raises(VaultError, match="the end"):
        verify_ledger(draft.copy(), PUBLIC)


def test_a_ledger_rolled_back_with_its_checkpoints_is_found_by_a_held_one() -> None:
    held = ledger().checkpoints[-1]
    draft = ledger()
    del draft.entries[6:], draft.checkpoints[1:]
    draft.renumber()
    assert verify_ledger(draft.copy(), PUBLIC).size == 6, "by itself it looks sound"
    with pytest.raises(VaultError, match="cut off"):
        verify_ledger(draft.copy(), PUBLIC, [held])


def test_a_resigned_tail_is_found() -> None:
    draft = ledger()
    del draft.entries[5:]
    draft.renumber()
    draft.add(refusal_changed((), NOW_S))
    draft.checkpoints.pop()
    draft.sign(OTHER)
    with pytest.raises(VaultError, match="another key"):
        verify_ledger(draft.copy(), PUBLIC)
    with pytest.raises(VaultError, match="another key"):
        verify_ledger(draft.copy())


def test_a_ledger_signed_anew_by_another_key_is_found_when_the_key_is_given() -> None:
    draft = ledger()
    draft.checkpoints.clear()
    draft.sign(OTHER)
    assert verify_ledger(draft.copy()).key == sign_public(OTHER).hex()
    with pytest.raises(VaultError, match="another key"):
        verify_ledger(draft.copy(), PUBLIC)


def test_another_devices_ledger_is_found() -> None:
    draft = ledger()
    with pytest.raises(VaultError, match="one device"):
        verify_ledger(draft.copy(), PUBLIC, device="gate-2")
    draft.checkpoints.clear()
    draft.sign(device=DeviceId("gate-2"))
    with pytest.raises(VaultError, match="one device"):
        verify_ledger(draft.copy(), PUBLIC)
    draft = ledger()
    draft.add(started(SITE, DeviceId("gate-2"), "0.1.0", None))
    with pytest.raises(VaultError, match="of another device"):
        verify_ledger(draft.copy(), PUBLIC)


def test_a_second_start_of_the_same_device_is_sound() -> None:
    draft = ledger()
    draft.add(started(SITE, DEVICE, "0.1.1", NOW_S))
    assert verify_ledger(draft.copy(), PUBLIC).kinds["start"] == 2


def test_people_may_be_enrolled_before_the_first_start() -> None:
    draft = Draft()
    draft.add(enrolled(SUBJECT, "c-1", NOW_S, salt(KEY, 0)))
    assert verify_ledger(draft.copy(), device=DEVICE).device == DEVICE
    draft.sign()
    found = verify_ledger(draft.copy(), PUBLIC)
    assert (found.site, found.device) == (SITE, DEVICE)


def test_a_changed_checkpoint_is_found() -> None:
    draft = ledger()
    draft.checkpoints[0] = draft.checkpoints[0].replace(b'"size":5', b'"size":6')
    with pytest.raises(VaultError, match="signature"):
        verify_ledger(draft.copy(), PUBLIC)


@settings(max_examples=400)
@given(
    entry=strategies.integers(0, 8),
    at=strategies.integers(min_value=0),
    mask=strategies.integers(1, 255),
    careful=strategies.booleans(),
)
def test_no_changed_byte_is_missed(entry: int, at: int, mask: int, careful: bool) -> None:
    draft = ledger()
    position, data = draft.entries[entry]
    changed = bytearray(data)
    changed[at % len(changed)] ^= mask
    draft.entries[entry] = (position, bytes(changed))
    if careful and entry < 8:  # behind the last checkpoint a careful forger is not found; the summary says so
        draft.renumber()
    with pytest.raises(VaultError):
        verify_ledger(draft.copy(), PUBLIC)


def test_the_copys_own_frontier_must_fit() -> None:
    copy = ledger().copy()
    with pytest.raises(VaultError, match="the end"):
        verify_ledger(replace(copy, frontier=Draft().frontier), PUBLIC)


# What was dropped by right.

DAYS = 365
LATER_S = NOW_S + DAYS * 86_400


def shorter(*, said_s: float = LATER_S, first: int = 5, days: int = DAYS, again: bool = True) -> Draft:
    """A ledger whose first five entries were dropped a year later, under a signed entry that says so."""
    draft = ledger()
    draft.drop(5)
    draft.add(shortened(first, days, said_s))
    if again:
        draft.sign(unix_s=said_s)
    draft.add(refusal_changed((), LATER_S))
    return draft


def test_what_was_dropped_by_right_is_said_and_the_rest_is_sound() -> None:
    draft = shorter()
    found = verify_ledger(draft.copy(), PUBLIC, device=DEVICE)
    assert (found.size, found.dropped, found.dropped_days, found.checkpoints, found.unsigned) == (11, 5, DAYS, 3, 1)
    assert found.kinds == {"decision": 1, "refusal-change": 3, "withdrawal": 1, "shortening": 1}
    assert (found.site, found.device) == (SITE, DEVICE)
    full = ledger()
    full.add(shortened(5, DAYS, LATER_S))
    full.add(refusal_changed((), LATER_S))
    assert found.root == full.frontier.root().hex(), "the root is that of all entries that ever were"
    assert verify_ledger(ledger().copy(), PUBLIC).dropped == 0


def test_it_may_be_dropped_again() -> None:
    draft = shorter()
    second_s = LATER_S + DAYS * 86_400
    draft.drop(10)
    draft.add(shortened(10, DAYS, second_s))
    draft.sign(unix_s=second_s)
    found = verify_ledger(draft.copy(), PUBLIC)
    assert (found.size, found.dropped) == (12, 10)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (shorter(again=False), "no signed entry says"),
        (shorter(first=4), "no signed entry says"),
        (shorter(said_s=LATER_S - 1), "before their 365 days were over"),
        (shorter(days=DAYS + 1), "before their 366 days were over"),
    ],
)
def test_entries_that_are_missing_without_right_are_found(draft: Draft, words: str) -> None:
    with pytest.raises(VaultError, match=words):
        verify_ledger(draft.copy(), PUBLIC)


def test_more_than_was_said_cannot_be_dropped() -> None:
    draft = shorter()
    draft.drop(6)
    with pytest.raises(VaultError, match="no signed checkpoint ends there"):
        verify_ledger(draft.copy(), PUBLIC)
    draft = shorter()
    draft.drop(8)  # there is a checkpoint, but nothing says that so many were dropped
    with pytest.raises(VaultError, match="no signed entry says"):
        verify_ledger(draft.copy(), PUBLIC)
    draft = shorter()
    draft.checkpoints[0] = draft.checkpoints[1]
    with pytest.raises(VaultError, match="no signed checkpoint ends there"):
        verify_ledger(draft.copy(), PUBLIC)


def test_a_drop_that_was_said_without_a_time_does_not_count() -> None:
    draft = ledger()
    draft.drop(5)
    draft.add(shortened(5, DAYS, LATER_S).model_copy(update={"time_ms": None}))
    draft.sign(unix_s=LATER_S)
    with pytest.raises(VaultError, match="no signed entry says"):
        verify_ledger(draft.copy(), PUBLIC)


def test_a_forged_edge_of_what_was_dropped_is_found() -> None:
    copy = shorter().copy()
    peaks = (copy.begin.peaks[0], bytes(32))
    with pytest.raises(VaultError, match="not those of the signed checkpoint"):
        verify_ledger(replace(copy, begin=replace(copy.begin, peaks=peaks)), PUBLIC)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("tamper", [*TAMPERINGS])
def test_tampering_with_the_rest_is_found_as_before(tamper: Callable[[Draft], None], careful: bool) -> None:
    draft = ledger()
    for number in range(9):
        draft.add(refusal_changed((), NOW_S + 10 + number))
    draft.sign()
    draft.drop(8)
    draft.add(shortened(8, DAYS, LATER_S))
    draft.sign(unix_s=LATER_S)
    assert verify_ledger(draft.copy(), PUBLIC).dropped == 8
    tamper(draft)
    if careful:
        draft.renumber()
    with pytest.raises(VaultError, match=r"^ledger: [^\n]+$"):
        verify_ledger(draft.copy(), PUBLIC)
