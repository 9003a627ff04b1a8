"""A door in a real Home Assistant: every entity as it is described, alive again after each outage, gone when retired.

A recogniser with its link and Debian's mosquitto with the ready access list on one side; on the other a released Home
Assistant in a Debian of its own (made once, some minutes, kept in ~/.cache/doorward), set up through its own HTTP
interface as a user does it. Ends with 1 if anything is not as promised, with 3 if it could not be run.

    scripts/prove homeassistant                            # as root; reaches Debian's archive and Python's index once
    scripts/prove homeassistant --picture=docs/pictures/homeassistant.webp
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.events import wire
from agent.events.command import Result
from bench.homeassistant.chroot import NotRun, made
from bench.homeassistant.gate import PREFIX, Gate
from bench.homeassistant.instance import INTEGRATIONS, HomeAssistant
from tests.app.running import until

CONSOLE = Console(highlight=False, width=140)
BACK_S: Final = 5.0
NOT_RUN: Final = 3
_QUIET_S: Final = 12.0
"""Somebody comes to the gate every six seconds."""
_ABSENT: Final = ("unavailable", "unknown")
_CONNECTION: Final = "homeassistant.components.mqtt.client"
"""What it says about the broker that we kill is no fault of the description."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An entity while all is well; `state` None: any but those that say nothing."""

    kind: str
    state: Callable[[str], bool]
    device_class: str | None = None
    unit: str | None = None


def _is(wanted: str) -> Callable[[str], bool]:
    return lambda state: state == wanted


def _between(least: int, most: int) -> Callable[[str], bool]:
    return lambda state: state.isdecimal() and least <= int(state) <= most


ENTITIES: Final = {
    "Recognition allowed": Expected("binary_sensor", _is("on")),
    "Grounds": Expected("sensor", _is("none")),
    "Sign": Expected("binary_sensor", _is("off"), "problem"),
    "Zone": Expected("binary_sensor", _is("off"), "problem"),
    "Camera": Expected("binary_sensor", _is("off"), "problem"),
    "Consents": Expected("sensor", _is("1")),
    "Next purge": Expected("sensor", _between(28, 30), unit="d"),
    "Impact assessment days left": Expected("sensor", _between(299, 300), unit="d"),
    "People until the filing duty": Expected("sensor", _is("9999")),
    "Events not acknowledged": Expected("sensor", _between(0, 5)),
    "Last decision": Expected("sensor", _is("match"), "enum"),
    "Stop recognition": Expected("button", lambda state: state != "unavailable"),
}
"""By name behind the device's. A button's state is when it was last pressed: unknown until then."""


class Proof:
    """The two sides, and what was found."""

    def __init__(self, gate: Gate, assistant: HomeAssistant) -> None:
        self.gate, self.assistant = gate, assistant
        self.name = f"Doorward {gate.device.id}"
        self.identifier = f"doorward:{gate.device.site}:{gate.device.id}"
        self.rows: list[tuple[str, str, str, bool]] = []
        """What, found, goal, whether it was met."""

    def found(self, what: str, value: str, goal: str, good: bool) -> None:
        self.rows.append((what, value, goal, good))
        CONSOLE.print(f"{what}: {value}" + ("" if good else f"   [bold red]goal: {goal}[/]"))

    def entities(self) -> dict[str, dict[str, Any]]:
        """State of each entity of this door, by its name without the device's."""
        return {
            each["attributes"]["friendly_name"].removeprefix(f"{self.name} "): each
            for each in self.assistant.get("/api/states")
            if each["attributes"].get("friendly_name", "").startswith(f"{self.name} ")
        }

    def alive(self, *, decided: bool = True) -> bool:
        """Each says something; the last decision only where there was one since Home Assistant came up."""
        states = {name: each["state"] for name, each in self.entities().items()}
        silent = {"Stop recognition"} if decided else {"Stop recognition", "Last decision"}
        return states.keys() == ENTITIES.keys() and all(
            state != "unavailable" and (state != "unknown" or name in silent) for name, state in states.items()
        )

    def wait_alive(self, timeout_s: float = 60.0, *, decided: bool = True) -> float:
        """Monotonic time at which all were."""
        until(lambda: self.alive(decided=decided), timeout_s, "every entity alive")
        return time.monotonic()

    # The parts ----------------------------------------------------------------------------------------------------

    def described(self) -> None:
        """Every entity is there as it should be."""
        with contextlib.suppress(AssertionError):  # the table tells
            until(self._all_right, 60, "every entity as expected")
        table = Table(title=f"{self.name} in Home Assistant {self.assistant.version}")
        for head in ("entity", "name", "class", "unit", "state"):
            table.add_column(head)
        there = self.entities()
        for name, each in there.items():
            about = each["attributes"]
            good = name in ENTITIES and _right(ENTITIES[name], each)
            shown = (
                each["entity_id"],
                name,
                about.get("device_class"),
                about.get("unit_of_measurement"),
                each["state"],
            )
            table.add_row(*(str(value or "") for value in shown), style=None if good else "bold red")
        CONSOLE.print(table)
        right = sum(name in ENTITIES and _right(ENTITIES[name], each) for name, each in there.items())
        self.found("entities as described", f"{right} of {len(there)}", f"{len(ENTITIES)}",
                   right == len(there) == len(ENTITIES))  # fmt: skip
        ours = self.assistant.device(self.identifier)
        count = 0 if ours is None else len(self.assistant.states(ours))
        self.found("one device with all of them", str(count), f"{len(ENTITIES)}", count == len(ENTITIES))

    def _all_right(self) -> bool:
        there = self.entities()
        return there.keys() == ENTITIES.keys() and all(_right(ENTITIES[name], there[name]) for name in there)

    def pictured(self, file: Path) -> None:
        """Its page of this door, for people to look at."""
        from bench.homeassistant.picture import take

        self.assistant.finish_onboarding()
        self.wait_alive()
        device = self.assistant.device(self.identifier)
        assert device is not None
        take(self.assistant, device, file)

    def rendered(self) -> None:
        """Words that are seldom heard, as its templates read them."""
        about = json.loads(self.gate.description())
        online = about["availability"][0]["value_template"]
        by_key = {key: each.get("value_template", "") for key, each in about["components"].items()}
        shown, unknown = {"state": "match"}, {"obligations": [{"ground": "sign-missing", "state": "unknown"}]}
        met = {"obligations": [{"ground": "sign-missing", "state": "met"}], "assessment_until_s": None}
        ends = {"obligations": [{"ground": "sign-missing", "state": "expiring"}]}
        lost = json.loads(wire.RECOGNISER_LOST)
        cases: list[tuple[str, dict[str, Any], str]] = [
            (online, {}, "offline"),
            (online, {"value_json": lost}, "offline"),
            (by_key["sign"], {"value_json": {"body": unknown}}, "ON"),
            (by_key["sign"], {"value_json": {"body": met}}, "OFF"),
            (by_key["sign"], {"value_json": {"body": ends}}, "OFF"),
            (by_key["assessment"], {"value_json": {"body": met}}, "None"),
            (by_key["decision"], {"value_json": {"sequence": 9}, "this": shown}, "match"),
            (by_key["decision"], {"value_json": {"sequence": 9}, "this": {"state": "unavailable"}}, "None"),
            *((each, {}, "None") for key, each in by_key.items() if key not in ("stop", "decision")),
            *((by_key[key], {"value_json": lost}, "None") for key in ("recognition", "grounds", "camera")),
        ]
        wrong = [case for case in cases if self.assistant.render(case[0], **case[1]) != case[2]]
        for template, given, wanted in wrong:
            CONSOLE.print(f"   {given} -> not {wanted}: {template}", style="red", markup=False)
        self.found(
            "seldom words read as they are meant", f"{len(cases) - len(wrong)} of {len(cases)}", "all", not wrong
        )

    def link_killed(self) -> None:
        began = time.monotonic()
        self.gate.kill_link()
        until(self._all_unavailable, 30, "every entity unavailable")
        self.found("link killed: all unavailable after", f"{time.monotonic() - began:.1f} s", "they are", True)
        began = time.monotonic()
        self.gate.start_link()
        took_s = self.wait_alive() - began
        self.found("link started: all alive after", f"{took_s:.1f} s", f"{BACK_S:.0f} s", took_s <= BACK_S)

    def _all_unavailable(self) -> bool:
        there = self.entities()
        return len(there) == len(ENTITIES) and all(each["state"] == "unavailable" for each in there.values())

    def restarted(self) -> None:
        """Home Assistant says that it is there, and is told again what there is."""
        self.assistant.stop()
        self.gate.heard.clear()
        self.assistant.start()
        self.wait_alive(decided=False)
        born = (f"{PREFIX}/status", b"online")
        until(lambda: born in self.gate.heard, 60, "the birth message")
        until(lambda: self._described_since(born) > 0, 10, "the description")
        count = self._described_since(born)
        self.found("described again after its birth message", f"{count} times", "1", count == 1)
        self.wait_alive()
        self.found("after its restart", "all alive", "all alive", True)

    def _described_since(self, born: tuple[str, bytes]) -> int:
        behind = self.gate.heard[self.gate.heard.index(born) :]
        return sum(topic == self.gate.description_topic for topic, _ in behind)

    def broker_restarted(self) -> None:
        """It is killed and forgets all; Home Assistant comes back in its own time."""
        self.gate.broker.stop(signal.SIGKILL)
        until(self._all_unavailable, 30, "every entity unavailable")
        began = time.monotonic()
        self.gate.broker.start()
        entered = until(self._entered, 60, "Home Assistant at the broker")
        alive_at = self.wait_alive()
        until(lambda: self.gate.online_at > began, 60, "the door's word")
        door_s = self.gate.online_at - began
        self.found("broker started: the door's word there after", f"{door_s:.1f} s", f"{BACK_S:.0f} s",
                   door_s <= BACK_S)  # fmt: skip
        self.found("Home Assistant itself there after", f"{entered - began:.1f} s", "its own", True)
        ours_s = alive_at - max(entered, self.gate.online_at)
        self.found("all alive after both are", f"{ours_s:.1f} s", f"{BACK_S:.0f} s", ours_s <= BACK_S)
        self.found("all alive after the broker's start", f"{alive_at - began:.1f} s", "-", True)

    def _entered(self) -> float | None:
        words = ("New client connected", f"u'{PREFIX}'")
        lines = [line for line in list(self.gate.broker.said) if all(word in line for word in words)]
        return time.monotonic() if any(" as bench-" not in line for line in lines) else None

    def pressed(self) -> None:
        """The button stops, and nothing that Home Assistant may publish ends the stop."""
        came = len(self.gate.decisions)
        until(lambda: len(self.gate.decisions) > came, 30, "somebody recognised before the button is pressed")
        button = self.entities()["Stop recognition"]["entity_id"]
        began = time.monotonic()
        self.assistant.post("/api/services/button/press", {"entity_id": button})
        until(self._stopped, 20, "recognition off in Home Assistant")
        took_s = time.monotonic() - began
        self.found("button pressed: recognition off, grounds say so, after", f"{took_s:.1f} s", "2 s", took_s <= 2)
        came = len(self.gate.decisions)
        time.sleep(_QUIET_S)
        more = self.gate.decisions[came:]
        self.found(f"decisions at the gate in the {_QUIET_S:.0f} s after it", str(len(more)), "0", not more)
        self.gate.answers.clear()
        payload = self.gate.forge_resume().decode()
        topic = self.gate.command_topic
        self.assistant.post("/api/services/mqtt/publish", {"topic": topic, "payload": payload, "qos": 1})
        until(lambda: self.gate.answers, 10, "an answer to the forged command")
        result = json.loads(self.gate.answers[-1])["body"]["result"]
        self.found("a command from there to go on", result, Result.NOT_PERMITTED.value,
                   result == Result.NOT_PERMITTED and self._stopped())  # fmt: skip

    def _stopped(self) -> bool:
        there = self.entities()
        return (there["Recognition allowed"]["state"], there["Grounds"]["state"]) == ("off", "stopped")

    def retired(self) -> None:
        self.gate.retire()
        until(lambda: not self.entities(), 20, "no entity left")
        device = self.assistant.device(self.identifier)
        self.found("retired: entities, devices left", f"{len(self.entities())}, {int(device is not None)}", "0, 0",
                   not self.entities() and device is None)  # fmt: skip

    def complaints(self) -> None:
        """What its log has against us."""
        lines = [line.rstrip() for line in self.assistant.said if " WARNING " in line or " ERROR " in line]
        ours = [line for line in lines if _CONNECTION not in line and any(word in line.lower() for word in (
            "mqtt", "doorward", "template"))]  # fmt: skip
        for line in lines:
            CONSOLE.print(f"   its log: {line[:300]}", style="red" if line in ours else "dim", markup=False)
        self.found("warnings and errors about what we publish", str(len(ours)), "0", not ours)


def _right(expected: Expected, each: dict[str, Any]) -> bool:
    about = each["attributes"]
    return (
        each["entity_id"].startswith(f"{expected.kind}.")
        and about.get("device_class") == expected.device_class
        and about.get("unit_of_measurement") == expected.unit
        and expected.state(each["state"])
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prove(root: Path, picture: Path | None = None) -> bool:
    with tempfile.TemporaryDirectory(prefix="doorward-homeassistant-") as scratch:
        assistant = HomeAssistant(root, root / "srv" / f"run-{os.getpid()}", _free_port())
        gate = Gate(Path(scratch), _free_port())
        proof = Proof(gate, assistant)
        try:
            with CONSOLE.status("Home Assistant starts and is set up"):
                assistant.start()
                assistant.set_up(gate.entering)
            if picture is not None:
                proof.pictured(picture)
            parts = (proof.described, proof.rendered, proof.link_killed, proof.restarted, proof.broker_restarted)
            for part in (*parts, proof.pressed, proof.retired):
                part()
            proof.complaints()
        finally:
            gate.close()
            assistant.remove()
    return all(good for *_, good in proof.rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="also take a picture (WebP) of its page of the door")
    given = parser.parse_args()
    try:
        root = made(INTEGRATIONS)
    except NotRun as error:
        CONSOLE.print(f"not run: {error}", style="bold red", markup=False)
        return NOT_RUN
    return 0 if prove(root, given.picture) else 1


if __name__ == "__main__":
    sys.exit(main())
