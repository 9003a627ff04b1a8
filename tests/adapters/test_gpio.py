"""Relay, contacts and filter on gpiozero's mock pins: the door rests whenever nobody opens it, however things end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from agent.adapters.gpio import PinContacts, PinFilter, Relay, pins
from agent.errors import DeviceError
from agent.units import DoorId
from tests.app.running import until

DOOR = DoorId("main")
PULSE_S = 0.3


class HandClock:
    def __init__(self) -> None:
        self.now_ns = 10**12

    def monotonic_ns(self) -> int:
        return self.now_ns

    def unix_s(self) -> float:
        return 0.0


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    made = MockFactory()
    yield made
    made.close()


def relay(factory: Any, said: list[str] | None = None, **more: Any) -> Relay:
    given: dict[str, Any] = {"lock": "fail-secure", "active_low": False, "pulse_s": PULSE_S} | more
    return Relay(17, report=(said if said is not None else []).append, factory=factory, **given)


@pytest.mark.parametrize(
    ("lock", "active_low", "rest"),
    [("fail-secure", False, 0), ("fail-secure", True, 1), ("fail-safe", False, 1), ("fail-safe", True, 0)],
)
def test_it_rests_opens_for_one_pulse_and_rests_again(
    factory: MockFactory, lock: str, active_low: bool, rest: int
) -> None:
    door = relay(factory, lock=lock, active_low=active_low)
    pin = factory.pin(17)
    assert (pin.function, pin.state) == ("output", rest)
    began = time.monotonic()
    door.pulse(DOOR)
    assert pin.state == 1 - rest and time.monotonic() - began < 0.1, "it opens at once and keeps nobody waiting"
    until(lambda: pin.state == rest)
    assert PULSE_S * 0.9 < time.monotonic() - began < PULSE_S + 0.3
    door.close()
    door.close()
    assert pin.function == "input", "the pin is given back"


def test_a_second_pulse_begins_the_time_anew(factory: MockFactory) -> None:
    door = relay(factory)
    began = time.monotonic()
    door.pulse(DOOR)
    time.sleep(0.2)
    door.pulse(DOOR)
    until(lambda: factory.pin(17).state == 0)
    assert 0.2 + PULSE_S * 0.9 < time.monotonic() - began < 0.2 + PULSE_S + 0.3
    door.close()


def test_closing_ends_a_pulse_and_nothing_opens_after(factory: MockFactory) -> None:
    door = relay(factory, pulse_s=30.0)
    door.pulse(DOOR)
    pin = factory.pin(17)
    states: list[tuple[float, int]] = []
    assert pin.state == 1
    door.close()
    door.pulse(DOOR)
    states = [each.state for each in pin.states]
    assert states[-2:] == [True, False] and pin.function == "input"


def test_a_pin_that_cannot_be_moved_is_said_once_and_tried_until_it_rests(factory: MockFactory) -> None:
    said: list[str] = []

    class Sticky(MockFactory):
        """Its pins can be told to stick."""

    door = relay(Sticky(), said, pulse_s=0.2)
    device = door._device

    class Stuck:
        def __init__(self) -> None:
            self.fails, self.told = True, list[bool]()

        @property
        def value(self) -> bool:
            return self.told[-1]

        @value.setter
        def value(self, on: bool) -> None:
            self.told.append(on)
            if self.fails and not on:
                raise OSError("GPIO busy")

        def close(self) -> None:
            device.close()

    stuck = Stuck()
    door._device = stuck
    door.pulse(DOOR)
    until(lambda: len(stuck.told) >= 4)
    stuck.fails = False
    tried = len(stuck.told)
    time.sleep(0.3)
    assert len(stuck.told) <= tried + 1 and stuck.told[-1] is False
    assert said == ["door: pin 17: cannot be moved (OSError); see to door.pin"]
    door.close()


def test_a_door_closes_though_a_pin_fails_once_and_nobody_hears_of_it(factory: MockFactory) -> None:
    """The output to which faults are told may be gone: the thread that ends pulses goes on."""
    told: list[str] = []

    def gone(line: str) -> None:
        told.append(line)
        raise BrokenPipeError

    door = Relay(17, lock="fail-secure", active_low=False, pulse_s=0.2, report=gone, factory=factory)
    device, fails = door._device, [True]

    class Failing:
        @property
        def value(self) -> bool:
            return bool(device.value)

        @value.setter
        def value(self, on: bool) -> None:
            if not on and fails:
                fails.pop()
                raise OSError("GPIO busy")
            device.value = on

        def close(self) -> None:
            device.close()

    door._device = Failing()
    door.pulse(DOOR)
    assert factory.pin(17).state == 1
    until(lambda: factory.pin(17).state == 0, 3)
    assert len(told) == 1
    door.pulse(DOOR)
    until(lambda: factory.pin(17).state == 0, 3)
    door.close()


SCRIPT = """
import os, sys, signal, threading
from gpiozero.pins.mock import MockFactory, MockPin
from agent.adapters.gpio import Relay
class Telling(MockPin):
    def _set_state(self, value):
        super()._set_state(value)
        os.write(1, b"1" if value else b"0")
door = Relay(17, lock="fail-secure", active_low=False, pulse_s=30.0, report=print,
    factory=MockFactory(pin_class=Telling))
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
try:
    door.pulse("main")
    os.write(1, b"|")
    if sys.argv[1] == "raise":
        raise RuntimeError
    stop.wait(20)
finally:
    if sys.argv[1] != "forget":
        door.close()
"""


@pytest.mark.parametrize("end", ["raise", "terminate", "forget"])
def test_on_sigterm_on_an_exception_and_even_forgotten_it_rests(end: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=os.getcwd()
    )
    assert process.stdout is not None
    seen = b""
    while b"|" not in seen:
        seen += os.read(process.stdout.fileno(), 10)
    if end != "raise":
        process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    moves = (seen + rest).replace(b"|", b"")
    assert moves.startswith(b"01") and moves.endswith(b"0"), moves


def test_pins_that_cannot_be_used_are_one_line(factory: MockFactory) -> None:
    first = relay(factory)
    for make, words in (
        (lambda: relay(factory), r"^door: pin 17: \w+; see to door\.pin and who else uses it"),
        (lambda: PinContacts(17, None, HandClock(), print, factory), r"^contacts: pin 17: \w+; see to contacts\.exit"),
        (lambda: PinContacts(4, 17, HandClock(), print, factory), r"^contacts: pin 17: \w+; see to contacts\.tamper"),
        (lambda: PinFilter(17, factory), r"^camera: pin 17: \w+; see to camera\.ir_cut_pin"),
    ):
        with pytest.raises(DeviceError, match=words):
            make()
    first.close()


def test_a_machine_without_pins_says_so() -> None:
    if os.path.exists("/dev/gpiochip0"):
        pytest.skip("this machine has pins")
    with pytest.raises(DeviceError, match=r"^pins: "):
        pins()


class TestContacts:
    def test_one_press_is_given_once_while_it_is_young(self, factory: MockFactory) -> None:
        clock = HandClock()
        contacts, pin = PinContacts(5, None, clock, print, factory), factory.pin(5)
        assert contacts.exit_asked(clock.now_ns) is None and not contacts.tampered
        pressed_ns = press(clock, pin)
        assert contacts.exit_asked(clock.now_ns + 200_000_000) == pressed_ns
        assert contacts.exit_asked(clock.now_ns + 200_000_000) is None
        clock.now_ns += 2_000_000_000
        press(clock, pin)
        assert contacts.exit_asked(clock.now_ns + 1_000_000_001) is None, (
            "whoever pressed it has pressed again, or left"
        )
        contacts.close()
        contacts.close()

    def test_a_button_that_is_stuck_or_bounces_opens_once_a_second_at_most(self, factory: MockFactory) -> None:
        clock = HandClock()
        contacts, pin, given = PinContacts(5, None, clock, print, factory), factory.pin(5), 0
        for _ in range(50):
            press(clock, pin)
            given += contacts.exit_asked(clock.now_ns) is not None
            clock.now_ns += 100_000_000
        assert given == 5
        pin.drive_low()
        time.sleep(0.05)
        contacts.exit_asked(clock.now_ns)
        clock.now_ns += 5_000_000_000
        assert contacts.exit_asked(clock.now_ns) is None, "held down it asks no more"
        contacts.close()

    def test_an_open_housing_and_a_cut_wire_are_the_same(self, factory: MockFactory) -> None:
        contacts, pin = PinContacts(None, 6, HandClock(), print, factory), factory.pin(6)
        assert contacts.tampered, "pulled up: nothing closes it"
        pin.drive_low()
        until(lambda: not contacts.tampered)
        pin.drive_high()
        until(lambda: contacts.tampered)
        contacts.close()

    def test_what_cannot_be_read_counts_as_tampered(self, factory: MockFactory) -> None:
        said: list[str] = []
        contacts = PinContacts(None, 6, HandClock(), said.append, factory)
        factory.pin(6).drive_low()
        until(lambda: not contacts.tampered)
        contacts._opened[0].close()  # the pin is gone
        assert contacts.tampered and contacts.tampered
        assert len(said) == 1 and said[0].startswith("contacts: cannot be read (")
        contacts.close()


def press(clock: HandClock, pin: Any) -> int:
    """Press and let go; when it was pressed."""
    pin.drive_low()
    time.sleep(0.05)
    pin.drive_high()
    time.sleep(0.05)
    return clock.now_ns


def test_the_filter_is_in_by_day(factory: MockFactory) -> None:
    ir_cut, pin = PinFilter(22, factory), factory.pin(22)
    assert pin.state == 1
    ir_cut.by_day(False)
    assert pin.state == 0
    ir_cut.by_day(True)
    assert pin.state == 1
    ir_cut.close()
    assert pin.function == "input"
