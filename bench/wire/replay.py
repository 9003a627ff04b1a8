"""Who can publish on the broker plays events again: nothing may be acted on twice, or because it was retained."""

from __future__ import annotations

import random
import time
from typing import Final

from bench.wire.ends import EVENTS
from bench.wire.run import Run
from tests.adapters.mosquitto import Observer

COUNT: Final = 1000


def replay(run: Run) -> tuple[int, int]:
    """How many were played again, and how many of them the consumer acted on.

    A third as they came, a third in another order, a third retained, which a consumer that joins anew finds as well.
    The consumer writes them down elsewhere, so that a run can go on.
    """
    events, chance = list(run.pipe.latest), random.Random(5)
    journal = run.consumer.apart(run.folder / "played.log")
    before, heard, sent = journal.verdicts["act"], journal.messages, 0
    attacker = Observer(run.broker.port, wanted="mark/#")
    try:
        for number in range(COUNT):
            event = events[number % len(events)] if number % 3 == 0 else chance.choice(events)
            attacker.publish(EVENTS, event, retain=number % 3 == 2)
            sent += 1
        run.consumer.kill()
        run.consumer.again()
        ends = time.monotonic() + 60
        while journal.messages < heard + sent and time.monotonic() < ends:
            time.sleep(0.1)
            journal.read()
        attacker.publish(EVENTS, b"", retain=True)
    finally:
        attacker.close()
    return min(COUNT, journal.messages - heard), journal.verdicts["act"] - before
