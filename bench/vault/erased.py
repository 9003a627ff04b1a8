"""What is left of people who were erased, on the disk and in old copies of it; and erasing that is killed.

Part of `scripts/prove vault`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.adapters.keys import KeySource
from agent.errors import VaultError
from agent.gallery.gallery import Gallery
from agent.gallery.retention import Ended
from agent.gallery.vault import Rotation, VaultKeys, unlock
from bench.vault.device import CONTEXT, LENGTH, VaultDevice, person
from tests.adapters.tpm import running_tpm
from tests.gallery.given import MODEL

PEOPLE: Final = 300
ERASED: Final = 100
TOGETHER: Final = 10
FEW: Final = 5
Watch = Callable[[Iterable[int], str, int], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Remains:
    backend: str
    strength: str
    on_disk: int
    """Of the erased: found by a raw scan of every file of the device."""
    found_before: int
    """Of the same people by the same scan, before they were erased."""
    from_old_image: int
    """Of the erased: opened out of an image of the whole state folder from before, with all keys of now and then."""
    from_old_store: int
    """Of the erased: opened out of the store of before, with all keys of now."""
    still_open: bool
    """Everybody else is still recognised."""


@dataclass(frozen=True, slots=True)
class Kills:
    backend: str
    kills: int
    before: int
    """Ended as if nothing had happened."""
    after: int
    """Ended as if it had gone through."""
    faults: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds, and seconds of work on one core."""

    backend: str
    unlock: tuple[float, float]
    erase: tuple[float, float]


@contextmanager
def device_of(backend: str) -> Iterator[VaultDevice]:
    """A new device, with a TPM of its own if need be."""
    with tempfile.TemporaryDirectory(prefix="vault-") as folder, tempfile.TemporaryDirectory(prefix="tpm-") as chip:
        if backend != "tpm2":
            yield VaultDevice(Path(folder), backend)
            return
        with running_tpm(Path(chip)) as tcti:
            yield VaultDevice(Path(folder), backend, tcti)


def remains(backend: str, watch: Watch) -> Remains:
    """Enrol, copy, erase a hundred, and look for them."""
    with device_of(backend) as device:
        device.enrol(watch(range(PEOPLE), f"{backend}: enrolling", PEOPLE))
        device.start()
        image = device.state.with_name("image")
        shutil.copytree(device.state, image)
        gone = range(0, PEOPLE, PEOPLE // ERASED)
        traces = device.traces(gone)
        before = device.remains(traces)
        for at in watch(range(0, ERASED, TOGETHER), f"{backend}: erasing", ERASED // TOGETHER):
            device.erase([gone[number] for number in range(at, at + TOGETHER)])
        _, left = device.start()
        present = device.keys()
        return Remains(
            backend=backend,
            strength=present.erase_strength,
            on_disk=device.remains(traces),
            found_before=before,
            from_old_image=_opened(device, image, gone, [present, device.keys(image)]),
            from_old_store=_opened(device, image, gone, [present]),
            still_open=set(left or ()) == {person(number) for number in range(PEOPLE)} - set(map(person, gone)),
        )


def _opened(device: VaultDevice, image: Path, gone: Iterable[int], sources: Iterable[KeySource]) -> int:
    """How many of these people's rows in an image open with any secret of any of these keys."""
    with closing(device.store(image)) as store:
        rows = [row for row in store.references() if row.subject in set(map(person, gone))]
    secrets = [(keys.gallery_key, keys.epochs.secret(epoch)) for keys in sources for epoch in keys.epochs.known()]
    opened = 0
    for row in rows:
        for gallery, secret in secrets:
            try:
                unlock(row, CONTEXT, VaultKeys(secret, gallery, row.epoch))
            except VaultError:
                continue
            opened += 1
            break
    return opened


def kills(backend: str, count: int, watch: Watch) -> Kills:
    """Kill the erasure of one person after the other at lines spread over it, and look at what the next start finds.

    Whoever is gone is followed by somebody new; with more people nearly every line would be one of wrapping keys.
    """
    with device_of(backend) as device:
        device.enrol(range(FEW + 1))
        total = device.killed([FEW], None)
        epoch, _ = device.start()
        assert total is not None and epoch is not None
        present, before, after, faults = {person(number) for number in range(FEW)}, 0, 0, 0
        for at in watch(range(count), f"{backend}: killing", count):
            leaving = person(after)
            trace = device.traces([after])
            device.killed([after], 1 + at * (total - 1) // count)
            found, people = device.start()
            if found == epoch:
                before += 1
                sound = people is not None and set(people) == present
            else:
                after, epoch = after + 1, epoch + 1
                present -= {leaving}
                sound = people is not None and set(people) == present and found == epoch
                sound &= device.remains(trace) == 0
                device.enrol([FEW + after])
                present.add(person(FEW + after))
            faults += not (sound and device.keys().epochs.known() == {found})
        return Kills(backend, count, before, after, faults)


def speed(backend: str, people: int, watch: Watch) -> Speed:
    """Open a full vault; then erase one person of it, truncation and destruction of the old secret included.

    Each the least of three goes: others share this machine.
    """
    with device_of(backend) as device:
        device.enrol(watch(range(people), f"{backend}: enrolling", people))
        with closing(device.store()) as store:
            erasure = device.erasure(store)
            erasure.settle(None)
            unlocks, erasures = [], []
            for go in range(3):
                began, worked = time.perf_counter(), time.process_time()
                keys = erasure.vault_keys()
                references = [unlock(row, CONTEXT, keys) for row in store.references()]
                Gallery(references, Rotation(keys.gallery, CONTEXT.rotation, LENGTH), MODEL)
                unlocks.append((time.perf_counter() - began, time.process_time() - worked))
                began, worked = time.perf_counter(), time.process_time()
                erasure.erase({person(go): Ended.WITHDRAWN}, None)
                erasures.append((time.perf_counter() - began, time.process_time() - worked))
                assert device.keys().epochs.known() == {store.epochs.present} and len(references) == people - go
        return Speed(backend, min(unlocks), min(erasures))
