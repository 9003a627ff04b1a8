"""The key for restrictions, and both online keys, in one hand that wants a restriction to end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from agent.policy.bundle import POLICY_PATH
from agent.site.metadata import moment
from agent.site.restrictions import stop_order
from bench.policy.arena import NOW, STOP, Arena, policy
from bench.policy.case import Case
from bench.policy.forge import Forge
from tests.policy.given import square


def restrictions_taken_back(arena: Arena) -> Iterator[Case]:
    """The key for restrictions, and both online keys, in one hand that wants a stop order to end."""

    def stays(change: Callable[[Forge], None]) -> Callable[[], str | None]:
        def run() -> str | None:
            forge = arena.forge()
            change(forge)
            _, stopped = arena.law(arena.second, {**arena.second, **forge.files()})
            return None if stopped else "the stop order has ended"

        return run

    def put(**changes: Any) -> Callable[[Forge], None]:
        return lambda forge: forge.put(STOP, json.dumps(json.loads(arena.stop) | changes).encode())

    past = (moment(NOW) - timedelta(seconds=1)).isoformat()
    zone = square(0, 0, 1)
    yield "dropped", stays(lambda forge: forge.drop(STOP))
    yield "its end put into the past", stays(put(until=past))
    yield "another id under its name", stays(put(id="stop-other", until=past))
    yield "a withdrawal under its name", stays(put(kind="withdraw", subject="p-9"))
    yield "a zone under its name", stays(put(kind="zone", zone=zone))
    yield "an unreadable one under its name", stays(lambda forge: forge.put(STOP, b"{"))
    yield "an empty one under its name", stays(lambda forge: forge.put(STOP, b""))
    yield (
        "the same id under another name, over",
        stays(lambda forge: forge.put("restriction/x.json", stop_order("fair", NOW - 1)[1])),
    )
    yield (
        "a lift in a restriction",
        stays(
            lambda forge: forge.put(
                "restriction/lift.json",
                json.dumps(
                    {"schema": "doorward/restriction/1", "id": "lift", "kind": "lift", "lifts": ["stop-fair"]}
                ).encode(),
            )
        ),
    )
    yield (
        "a lift in a pass target",
        stays(lambda forge: forge.put("pass/policy.json", policy(version=9, lifts=["stop-fair"]))),
    )

    def lifted() -> str | None:
        forge = arena.forge()
        forge.put(POLICY_PATH, policy(version=9, lifts=["stop-fair"]))
        _, stopped = arena.law(arena.second, {**arena.second, **forge.files()})
        return "two holders cannot lift it" if stopped else None

    yield "but two holders lift it", lifted
