"""1:N on made-up people: how long one search takes, and what a reference takes of memory.

The templates are random and everybody consents; the search's cost does not depend on whose they are.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np

from agent.bench.figures import Figure, median
from agent.demo.device import Device
from agent.gallery.consent import read_receipt
from agent.gallery.people import People
from agent.gallery.rows import Rows
from agent.site.consents import issue_receipt
from agent.units import SubjectId, Vector

DIMENSIONS: Final = 512
THRESHOLD: Final = 0.45
SIZES: Final = ((100, None), (10_000, 1.0), (100_000, 5.0))
_OWNERS: Final = 2_000
_ROUNDS: Final = 41


def search(device: Device, say: Callable[[str], None]) -> list[Figure]:
    """Medians over searches for people who are there and for strangers, in turn."""
    figures, chance, row_bytes = list[Figure](), np.random.default_rng(1), 0.0
    say(f"1:N, memory of {_OWNERS:,} people")
    owner_bytes = _owner_bytes(device)
    with ThreadPoolExecutor(2) as threads:
        for people, goal in SIZES:
            say(f"1:N, {people:,} people")
            vectors = _unit(chance.standard_normal((people, DIMENSIONS), np.float32))
            rows = Rows(list(vectors), DIMENSIONS, threads.map)
            known = [_unit(0.7 * vectors[place] + 0.7 * _stranger(chance)) for place in range(_ROUNDS)]
            probes = [probe for each in known for probe in (each, _stranger(chance))]
            times = [_timed(partial(rows.best, probe, THRESHOLD)) for probe in probes]
            floats = [_timed(partial(_in_floats, vectors, probe)) for probe in known]
            figures += [
                Figure(f"search_{people}_ms", f"1:N, {people:,} references", median(times), "ms", goal),
                Figure(f"search_{people}_float_ms", f"1:N, {people:,}, all in 32-bit floats", median(floats), "ms"),
            ]
            row_bytes = rows.nbytes / people
    held = row_bytes + owner_bytes
    return [*figures, Figure("reference_bytes", "a reference in memory, its consent included", held, "bytes", 1024.0)]


def _owner_bytes(device: Device) -> float:
    """What a consent takes in a gallery; its receipt stays in the vault."""
    secret, now = device.repository.keys.sign_secret("enrolment"), time.time()
    names = [SubjectId(f"person-{number:05}") for number in range(_OWNERS)]
    receipts = [issue_receipt(device.policy, secret, name, given_s=now - 60, days=30) for name in names]
    keys = device.policy.enrolment_keys
    gc.collect()
    tracemalloc.start()
    owners = People(read_receipt(receipt, keys, now) for receipt in receipts)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / len(owners.subjects)


def _in_floats(vectors: Vector, probe: Vector) -> int:
    return int(np.argmax(vectors @ probe))


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1e3


def _unit(rows: Vector) -> Vector:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def _stranger(chance: np.random.Generator) -> Vector:
    return _unit(chance.standard_normal(DIMENSIONS, np.float32))
