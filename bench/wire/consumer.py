"""The site's end: a process that takes events with the consumer library, and what it has written down of them.

It writes a line before it acknowledges, and begins with its lines again after it was killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent import crypto
from agent.adapters.mqtt import Address, Broker, Connection
from agent.events.consume import Consumer, Verdict
from bench.wire.ends import BOX, DEVICE, EVENTS, SIGN, SITE


class Journal:
    """Reads the lines of a consumer as they are written: number, verdict, and how late it came, in milliseconds."""

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._rest = path, 0, b""
        self.taken: set[int] = set()
        self.acted: set[int] = set()
        self.verdicts = Counter[str]()
        self.late_ms: list[int] = []
        """Of first arrivals."""
        self.highest = self.out_of_order = 0
        """First arrivals behind a newer one."""

    def read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            number, verdict, late_ms = line.decode().split()
            self.verdicts[verdict] += 1
            if verdict in (Verdict.ACT, Verdict.RECORD):
                self._first(int(number), int(late_ms))
                if verdict == Verdict.ACT:
                    self.acted.add(int(number))

    def _first(self, number: int, late_ms: int) -> None:
        self.out_of_order += number < self.highest
        self.highest = max(self.highest, number)
        self.taken.add(number)
        self.late_ms.append(late_ms)

    @property
    def messages(self) -> int:
        return self.verdicts.total()

    @property
    def again(self) -> int:
        return self.verdicts[Verdict.AGAIN]

    @property
    def refused(self) -> int:
        return self.verdicts[Verdict.REFUSED]

    @property
    def gaps(self) -> int:
        """Numbers that are missing below the highest."""
        return self.highest - len(self.taken)

    def held(self) -> list[tuple[int, int]]:
        """First and last of each unbroken run, as the consumer library takes it."""
        spans: list[tuple[int, int]] = []
        for number in sorted(self.taken):
            if spans and spans[-1][1] == number - 1:
                spans[-1] = (spans[-1][0], number)
            else:
                spans.append((number, number))
        return spans


class SiteConsumer:
    """The process, started, killed and started again."""

    def __init__(self, port: int, kept: Path) -> None:
        self._port, self._kept = port, kept
        self.journal = Journal(kept)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, __file__, str(self._port), str(self._kept)])

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def again(self) -> None:
        self._process = self._start()

    def apart(self, kept: Path) -> Journal:
        """Kill it; from now on it writes elsewhere, and knows what it has taken."""
        self.kill()
        shutil.copy(self._kept, kept)
        self._kept = kept
        self.again()
        journal = Journal(kept)
        journal.read()
        return journal

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self.journal.read()


class _Site:
    def __init__(self, port: int, kept: Path) -> None:
        before = Journal(kept)
        before.read()
        self._lines = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        key = crypto.sign_public(SIGN)
        self._consumer = Consumer(SITE, BOX, {DEVICE: key}, {f"{DEVICE}/{key.hex()}": before.held()})
        self._unsaid: dict[int, tuple[str, bytes]] = {}
        """Acknowledgements without the broker's word: said again on each connect."""
        self.connection = Connection(
            Address("127.0.0.1", port),
            "bench-consumer",
            subscribe=(EVENTS,),
            received=self._received,
            changed=self._changed,
            published=self._published,
            session_s=3600,
        )

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        now_s = time.time()
        found = self._consumer.take(topic, payload, retained=retained, unix_s=now_s)
        number = 0 if found.event is None else found.event.sequence
        late_ms = round((now_s - getattr(found.event, "unix_s", now_s)) * 1000)
        os.write(self._lines, f"{number} {found.verdict.value} {late_ms}\n".encode())
        if found.acknowledgement is not None:
            self._unsaid[number] = found.acknowledgement
            self._say(number, *found.acknowledgement)

    def _say(self, number: int, topic: str, payload: bytes) -> None:
        self.connection.publish(topic, payload, qos=1, retain=False, token=number)

    def _published(self, token: int) -> None:
        self._unsaid.pop(token, None)

    def _changed(self, state: Broker, detail: str) -> None:
        if state is Broker.CONNECTED:
            for number, word in sorted(self._unsaid.items()):
                self._say(number, *word)


def main() -> None:
    site, stop = _Site(int(sys.argv[1]), Path(sys.argv[2])), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    site.connection.start()
    stop.wait()
    site.connection.close()


if __name__ == "__main__":
    main()
