"""A backlog: what a row takes of the disk, how fast it drains by PUBACK, and what deciding costs meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.app.link_settings import LinkSettings
from bench.wire.consumer import SiteConsumer
from bench.wire.ends import DEVICE, SITE, Door
from bench.wire.run import DURABLE, free_port
from tests.adapters.mosquitto import Mosquitto
from tests.app.running import LinkProcess

_MEANWHILE_S = 0.01
"""Between two decisions while it drains."""
_ALONE = 500


@dataclass(frozen=True, slots=True)
class Drained:
    rows: int
    row_bytes: float
    """Of the file: pages of the outbox."""
    rate: float
    """Rows freed a second."""
    alone_p99_ms: float
    """What a decision costs while nothing drains."""
    enqueue_p99_ms: float
    disk_p99_ms: float
    """What syncing one page of a file costs on this disk, with nothing else to do."""


def _disk_p99_ms(folder: Path) -> float:
    spent_s = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(300):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            spent_s.append(time.perf_counter() - began)
            time.sleep(_MEANWHILE_S)
    return _p99_ms(spent_s)


def drain(folder: Path, rows: int, acknowledge: Literal["consumer", "puback"]) -> Drained:
    """Decide without a broker, then let one come, and a consumer where one acknowledges."""
    folder.mkdir(parents=True)
    port = free_port()
    broker, door = Mosquitto(folder, port, DURABLE[:1] + DURABLE[-1:]), Door(folder / "state", acknowledge)
    door.store._db.execute("PRAGMA synchronous=OFF")  # a backlog of days, in a minute
    for _ in range(rows - _ALONE):
        door.decide()
    door.store._db.execute("PRAGMA synchronous=FULL")
    door.store.purge()
    door.spent_s.clear()
    for _ in range(_ALONE):
        door.decide()
        time.sleep(_MEANWHILE_S)
    alone_ms = _p99_ms(door.spent_s)
    door.spent_s.clear()
    (size,) = door.store._db.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'outbox'").fetchone()
    broker.start()
    consumer = None
    if acknowledge == "consumer":
        consumer = SiteConsumer(port, folder / "taken.log")
        broker.wait_said("Sending SUBACK to bench-consumer", timeout_s=60)
    link = LinkProcess(LinkSettings(folder / "state" / "link.sock", SITE, DEVICE, broker_port=port, tls=False,
                                    acknowledge=acknowledge))  # fmt: skip
    stop = threading.Event()

    def decide() -> None:
        while not stop.wait(_MEANWHILE_S):
            door.decide()

    meanwhile = threading.Thread(target=decide)
    try:
        link.wait_said("the recogniser is there")
        while door.store.rows.count == rows:
            time.sleep(0.005)
        begun = time.monotonic()
        meanwhile.start()
        while door.store.rows.count > rows // 20:
            time.sleep(0.005)
        spent_s = time.monotonic() - begun
    finally:
        stop.set()
        if meanwhile.is_alive():
            meanwhile.join()
        link.end()
        if consumer is not None:
            consumer.close()
        door.close()
        broker.stop(signal.SIGTERM)
    rate, deciding_ms = (rows - rows // 20) / spent_s, _p99_ms(door.spent_s)
    return Drained(rows, size / rows, rate, alone_ms, deciding_ms, _disk_p99_ms(folder))


def _p99_ms(spent_s: list[float]) -> float:
    ordered = sorted(spent_s)
    return 1000 * ordered[len(ordered) * 99 // 100] if ordered else 0.0
