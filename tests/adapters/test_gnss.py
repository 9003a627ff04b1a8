"""A position receiver: sentences read strictly, positions believed only as far as they can be, over a real pty."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.gnss import SerialLocator
from agent.adapters.gnss.nmea import Errors, NoPosition, Position, parse
from agent.adapters.gnss.receiver import Receiver
from agent.policy.frames import PermittedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.location import moved
from tests.adapters.receivers import GATE, MIDNIGHT_NS, SECOND, Epoch, Line, SimulatedClock, line, sentence
from tests.adapters.test_sandbox import may_leave
from tests.app.running import until
from tests.policy.given import captured, here, law, square

METRE = 1 / 111_320


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "means"),
        [  # as textbooks and receivers' manuals print them
            (
                b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r",
                Position(45_319.0, 48.1173, 11.516666666666667, 0.9),
            ),
            (
                b"$GPGGA,172814.0,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*4F",
                Position(62_894.0, 37.391097950666666, -122.037826310666667, 1.2),
            ),
            (b"$GPGST,172814.0,0.006,0.023,0.020,273.6,0.023,0.020,0.031*6A\r", Errors(62_894.0, 0.03047950130825634)),
            (b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A", None),
            (b"$GPGLL,4916.45,N,12311.12,W,225444,A*31", None),
        ],
    )
    def test_known_ones_mean_what_their_makers_say(self, text: bytes, means: object) -> None:
        found = parse(text)
        assert type(found) is type(means)
        if isinstance(means, Position) and isinstance(found, Position):
            assert (found.time_s, found.hdop) == (means.time_s, means.hdop)
            assert (found.lat_deg, found.lon_deg) == pytest.approx((means.lat_deg, means.lon_deg), abs=1e-9)
        elif isinstance(means, Errors) and isinstance(found, Errors):
            assert (found.time_s, found.sigma_m) == pytest.approx((means.time_s, means.sigma_m))

    def test_one_changed_byte_makes_it_nothing(self) -> None:
        whole = Epoch(5.0).sentences()[2].rstrip()
        assert isinstance(parse(whole), Position)
        for place in range(len(whole)):
            for change in (b"0", b"9", b",", b"*", b"$", b"N", b"\x00", b"\xff", b""):
                broken = whole[:place] + change + whole[place + 1 :]
                if broken.upper() != whole.upper():
                    assert parse(broken) is None, broken

    GGA = "GNGGA,000005.00,4807.03800,N,01131.00000,E,1,09,0.92,545.4,M,46.9,M,,"
    GST = "GNGST,000005.00,24,,,,1.4,1.4,3.4"

    @pytest.mark.parametrize(
        "content",
        [
            GGA.replace("4807", "9100"),
            GGA.replace("4807", "9000").replace(".03800", ".00001"),
            GGA.replace("4807", "4860"),
            GGA.replace("4807", "48-7"),
            GGA.replace("4807", "04807"),
            GGA.replace("01131", "18131"),
            GGA.replace("01131", "1131"),
            GGA.replace(",N,", ",X,"),
            GGA.replace(",N,", ",NS,"),
            GGA.replace(",N,", ",,"),
            GGA.replace(",E,", ",N,"),
            GGA.replace("000005", "240005"),
            GGA.replace("000005", "006005"),
            GGA.replace("000005", "5"),
            GGA.replace(",1,09", ",,09"),
            GGA.replace(",1,09", ",12,09"),
            GGA.replace(",1,09", ",1,nine"),
            GGA.replace("GNGGA", "PUBX"),
            GGA.replace("GNGGA", "XXGGA"),
            GGA.replace("GNGGA", "gngga"),
            GGA + ",",
            GGA[:-1],
            GST.replace("1.4,1.4", "1.4,"),
            GST.replace("1.4,1.4", "0.0,1.4"),
            GST.replace("1.4,1.4", "-1,1.4"),
            GST.replace("1.4,1.4", "1e9,1.4"),
            GST.replace("1.4,1.4", "nan,1.4"),
            GST.replace("000005", ""),
            GST + ",",
            "GNRMC,000005.00,A",
            "GNRMC,000005.00,B,,,,,,,251126,,,A,V",
            "GNRMC,000005.00,V,,,,,,,251126,,,A,V,x",
        ],
    )
    def test_what_is_not_of_its_form_is_nothing(self, content: str) -> None:
        assert parse(sentence(content).rstrip()) is None

    def test_the_form_itself_is_something(self) -> None:
        assert isinstance(parse(sentence(self.GGA).rstrip()), Position)
        assert isinstance(parse(sentence(self.GST).rstrip()), Errors)
        south_west = self.GGA.replace(",N,", ",S,").replace(",E,", ",W,")
        found = parse(sentence(south_west).rstrip())
        assert isinstance(found, Position) and (found.lat_deg, found.lon_deg) == pytest.approx((-48.1173, -11.51666667))

    @pytest.mark.parametrize("changes", [
        {"quality": 0}, {"quality": 6}, {"quality": 7}, {"quality": 8}, {"satellites": "00"}, {"satellites": ""},
    ])  # fmt: skip
    def test_what_was_not_measured_is_no_position(self, changes: dict[str, Any]) -> None:
        assert parse(replace(Epoch(5.0), **changes).sentences()[2].rstrip()) == NoPosition()

    @pytest.mark.parametrize("changes", [{"status": "V"}, {"mode": "E"}, {"mode": "N"}, {"mode": "S"}, {"mode": "M"}])
    def test_a_void_is_no_position(self, changes: dict[str, Any]) -> None:
        assert parse(replace(Epoch(5.0), **changes).sentences()[0].rstrip()) == NoPosition()
        assert parse(Epoch(5.0).sentences()[0].rstrip()) is None

    @given(st.binary(max_size=140))
    def test_any_bytes_are_nothing_or_in_range(self, data: bytes) -> None:
        parse(data)
        fields = "".join(chr(byte % 95 + 32) for byte in data).replace("*", "").replace("$", "")[:90]
        for kind in ("GGA", "RMC", "GST"):
            found = parse(sentence(f"GN{kind},{fields}").rstrip())
            assert found is None or isinstance(found, NoPosition | Position | Errors)

    @given(
        st.lists(st.sampled_from(["", "0", "1", "000005.00", "4807.03800", "01131.00000", "N", "E", "A", "V", "9" * 9]))
    )
    def test_any_order_of_likely_fields_is_nothing_or_in_range(self, fields: list[str]) -> None:
        for kind in ("GGA", "RMC", "GST"):
            match parse(sentence(",".join([f"GN{kind}", *fields])).rstrip()):
                case Position(time_s, lat_deg, lon_deg, hdop):
                    assert 0 <= time_s < 86_400 and abs(lat_deg) <= 90 and abs(lon_deg) <= 180
                    assert hdop is None or hdop > 0
                case Errors(time_s, sigma_m):
                    assert 0 <= time_s < 86_400 and 0 < sigma_m < math.inf


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Line]:
    with line(tmp_path) as made:
        yield made


def at(first: int, last: int, **changes: Any) -> list[Epoch]:
    """One instant a second."""
    return [Epoch(float(t), **changes) for t in range(first, last)]


class TestBelief:
    """Each of these is a log that the receiver says on its line."""

    def test_a_position_with_its_error(self, wire: Line) -> None:
        (fix,) = wire.hear(Epoch(1.0))
        assert fix is not None
        assert (fix.lat_deg, fix.lon_deg) == pytest.approx(GATE, abs=1e-7)
        assert (fix.sigma_m, fix.taken_ns) == (pytest.approx(2.0, abs=1e-3), MIDNIGHT_NS + SECOND)

    def test_a_fix_is_known_from_when_it_came(self, wire: Line) -> None:
        wire.hear(Epoch(1.0), Epoch(2.0), Epoch(3.0))
        taken = [fix and fix.taken_ns for fix in (wire.fix(0.9), wire.fix(1.0), wire.fix(2.5), wire.fix(9.0))]
        assert taken == [None, MIDNIGHT_NS + SECOND, MIDNIGHT_NS + 2 * SECOND, None]

    def test_without_an_error_there_is_no_fix(self, wire: Line) -> None:
        assert wire.hear(*at(1, 4, sigma_m=None)) == [None] * 3
        wire.write(Epoch(4.0).sentences()[-1])
        assert wire.fix() is None, "an error of another instant is none"

    def test_hdop_counts_where_the_installer_states_the_range_error(self, tmp_path: Path) -> None:
        with line(tmp_path, uere_m=5.0) as wire:
            fix, none = wire.hear(Epoch(1.0, sigma_m=None), Epoch(2.0, sigma_m=99.0, hdop=""))
            assert fix is not None and fix.sigma_m == pytest.approx(0.92 * 5)
            assert none == fix, "without HDOP nothing new is known"

    def test_noise_on_the_line_is_passed_over(self, wire: Line) -> None:
        wire.clock.now_ns += SECOND
        said = Epoch(1.0).sentences()
        noise = b"\x00\xff$GNGGA,*\n" + b"x" * 5000 + b"\n" + said[2][:30] + b"\n" + said[2][:-4] + b"00\r\n"
        wire.write(noise)
        assert wire.fix() is None
        wire.write(b"$GN" * 2000 + b"\n" + b"".join(said))
        assert wire.fix() is not None

    def test_a_wrong_checksum_is_no_error_estimate(self, wire: Line) -> None:
        *others, gst = Epoch(1.0).sentences()
        wire.write(b"".join(others) + gst.replace(b"24", b"25"))
        assert wire.fix() is None

    def test_silence_makes_it_stale_after_five_seconds(self, wire: Line) -> None:
        wire.hear(Epoch(1.0))
        assert wire.fix(6.0) is not None
        assert wire.fix(6.001) is None

    def test_a_receiver_that_repeats_itself_goes_stale(self, wire: Line) -> None:
        (first,) = wire.hear(Epoch(1.0))
        for t in range(2, 8):
            wire.clock.now_ns = MIDNIGHT_NS + t * SECOND
            wire.write(b"".join(Epoch(1.0).sentences()))
            assert wire.fix() == (first if t <= 6 else None)

    @pytest.mark.parametrize("changes", [{"quality": 0}, {"satellites": "00"}, {"status": "V"}, {"mode": "S"}])
    def test_losing_the_satellites_ends_it_at_once_and_for_five_seconds(
        self, wire: Line, changes: dict[str, Any]
    ) -> None:
        before = wire.hear(*at(1, 4))
        jammed = wire.hear(Epoch(4.0, **changes), *at(5, 9))
        after = wire.hear(*at(9, 12))
        assert None not in before and set(jammed) == {None} and None not in after

    def test_a_leap_is_not_believed_until_it_has_stood_for_five_seconds(self, wire: Line) -> None:
        """Half a kilometre in a second: somebody forges the signals, or did before."""
        there = {"lat_deg": GATE[0] + 500 * METRE}
        assert None not in wire.hear(*at(1, 4))
        assert set(wire.hear(*at(4, 9, **there))) == {None}
        fix = wire.hear(Epoch(9.0, **there))[0]
        assert fix is not None and fix.lat_deg == pytest.approx(there["lat_deg"], abs=1e-6)

    def test_a_large_error_excuses_three_times_itself(self, wire: Line) -> None:
        for t, metres in ((1.0, 0.0), (2.0, 220.0), (3.0, 0.0), (4.0, 240.0)):  # three times sixty, and fifty metres
            (fix,) = wire.hear(Epoch(t, lat_deg=GATE[0] + metres * METRE, sigma_m=30.0))
            assert (fix is None) is (metres > 230)

    def test_leaping_to_and_fro_is_never_believed(self, wire: Line) -> None:
        wire.hear(Epoch(2.0))
        epochs = [Epoch(float(t), lat_deg=GATE[0] + t % 2 * 900 * METRE) for t in range(3, 20)]
        assert set(wire.hear(*epochs)) == {None}

    def test_a_car_is_believed(self, wire: Line) -> None:
        epochs = [Epoch(float(t), lat_deg=GATE[0] + 30 * t * METRE) for t in range(1, 8)]
        assert None not in wire.hear(*epochs)

    def test_the_speed_is_that_of_the_time_between(self, wire: Line) -> None:
        wire.hear(Epoch(1.0))
        assert wire.hear(Epoch(31.0, lat_deg=GATE[0] + 1400 * METRE))[0] is not None
        assert wire.hear(Epoch(61.0, lat_deg=GATE[0] + 3000 * METRE))[0] is None

    @pytest.mark.parametrize("sigmas", [(2.0, 21.0), (21.0, 2.0), (5.1, 0.01)])
    def test_an_error_that_leaps_is_not_believed(self, wire: Line, sigmas: tuple[float, float]) -> None:
        before, after = sigmas
        assert None not in wire.hear(*at(1, 4, sigma_m=before))
        assert set(wire.hear(*at(4, 9, sigma_m=after))) == {None}
        assert None not in wire.hear(*at(9, 11, sigma_m=after))

    def test_small_errors_may_become_smaller(self, wire: Line) -> None:
        assert None not in wire.hear(Epoch(1.0, sigma_m=0.5), Epoch(2.0, sigma_m=0.02), Epoch(3.0, sigma_m=4.9))

    @pytest.mark.parametrize("t", [1.0, 5.5, 40_000.0, 86_399.0])
    def test_a_clock_that_leaps_is_not_believed(self, wire: Line, t: float) -> None:
        """A log that is played back, or a receiver whose time is forged."""
        wire.hear(*at(1, 3))
        wire.clock.now_ns = MIDNIGHT_NS + 3 * SECOND
        wire.write(b"".join(Epoch(t).sentences()))
        assert wire.fix() is None

    def test_midnight_is_no_leap(self, wire: Line) -> None:
        for t in range(86_396, 86_404):
            wire.clock.now_ns = MIDNIGHT_NS + t * SECOND
            wire.write(b"".join(Epoch(float(t % 86_400)).sentences()))
            assert wire.fix() is not None

    def test_a_burst_that_waited_in_a_buffer_is_no_leap(self, wire: Line) -> None:
        wire.hear(Epoch(1.0))
        wire.clock.now_ns = MIDNIGHT_NS + 3 * SECOND
        wire.write(b"".join(text for t in (2.0, 3.0) for text in Epoch(t).sentences()))
        assert wire.fix() is not None


class TestLine:
    def test_it_is_raw_and_of_the_speed_that_was_asked_for(self, wire: Line) -> None:
        iflag, _, cflag, lflag, ispeed, ospeed, _ = termios.tcgetattr(wire.near)
        assert ispeed == ospeed == termios.B9600
        assert not lflag & (termios.ICANON | termios.ECHO | termios.ISIG)
        assert not iflag & (termios.ICRNL | termios.IXON)
        assert cflag & termios.CSIZE == termios.CS8 and cflag & termios.CREAD and not cflag & termios.CRTSCTS

    def test_a_receiver_that_is_unplugged_is_said_so_once_and_heard_again_when_it_is_back(self, wire: Line) -> None:
        for day_s in (0, 20):
            assert wire.hear(*at(day_s + 1, day_s + 9))[-1] is not None
            wire.unplug()
            tried = wire.clock.asked
            until(lambda asked=tried: wire.clock.asked >= asked + 3, what="three attempts to open it")
            assert wire.fix() is None
            wire.plug()
            wire.wait_open()
        assert len(wire.said) == 2 and all("see to the receiver and position.port" in line for line in wire.said)

    def test_what_waited_before_it_was_opened_is_thrown_away(self, wire: Line) -> None:
        wire.locator.close()
        old = b"".join(Epoch(1.0).sentences())
        os.write(wire.far, old)
        until(lambda: wire.waiting() == len(old), what="the old sentences waiting")
        wire.slow_down()
        wire.locator = SerialLocator(str(wire.port), 9600, wire.clock, wire.said.append)
        wire.wait_open()
        wire.write(b"\n")
        assert (wire.locator.lines, wire.fix()) == (1, None)

    @pytest.mark.parametrize(
        ("name", "reason"), [("missing", "No such file or directory"), ("file", "not a serial line")]
    )
    def test_a_port_that_is_none_is_told_in_one_line(self, tmp_path: Path, name: str, reason: str) -> None:
        (tmp_path / "file").touch()
        said: list[str] = []
        locator = SerialLocator(str(tmp_path / name), 9600, SimulatedClock(), said.append)
        until(lambda: said, what="the fault told")
        locator.close()
        assert said == [
            f"position: {tmp_path / name}: {reason}; see to the receiver and position.port; it is tried again"
        ]
        assert locator.fix(MIDNIGHT_NS) is None

    def test_closing_twice_is_closing_once(self, wire: Line) -> None:
        wire.locator.close()
        wire.locator.close()
        assert wire.fix() is None


_WITHOUT_NETWORK = """
import json, socket, sys
from agent.adapters import sandbox
left = sandbox.leave_network()
from agent.adapters.clock import SystemClock
from agent.adapters.gnss import SerialLocator
clock = SystemClock()
locator = SerialLocator(sys.argv[1], 9600, clock, sys.stderr.write)
fix = None
while fix is None:
    fix = locator.fix(clock.monotonic_ns())
print(json.dumps([left, [name for _, name in socket.if_nameindex()], fix.lat_deg, fix.sigma_m]))
"""


@pytest.mark.skipif(not may_leave(), reason="no network namespaces here")
def test_it_works_in_a_process_without_network(tmp_path: Path, root: Path) -> None:
    with line(tmp_path) as wire:
        wire.locator.close()
        wire.slow_down()
        child = subprocess.Popen(
            [sys.executable, "-c", _WITHOUT_NETWORK, str(wire.port)], cwd=root, stdout=subprocess.PIPE, text=True
        )
        wire.wait_open()
        os.write(wire.far, b"".join(Epoch(1.0).sentences()))
        answer = child.communicate(timeout=30)[0]
    assert json.loads(answer) == [True, ["lo"], pytest.approx(GATE[0]), pytest.approx(2.0, abs=1e-3)]


class TestAtTheGate:
    """From the line to a refusal: the logs of a receiver, its fixes, and what the gate makes of them."""

    def judge(self, wire: Line, gate: Gate, epoch: Epoch | None, t: float) -> PermittedFrame | Refusal:
        if epoch is not None:
            wire.hear(epoch)
        now_ns = wire.clock.now_ns = MIDNIGHT_NS + round(t * SECOND)
        fix = wire.fix()
        assert gate.law is not None
        gone = moved(gate.law.policy.document.location, fix, now_ns)
        return gate.admit(captured(1, now_ns), here(now_ns, fix=fix, moved=gone))

    def test_a_surveyed_device_that_is_carried_off_is_refused_until_it_stands_at_its_place_again(
        self, wire: Line
    ) -> None:
        survey = {"kind": "survey", "lat_deg": GATE[0], "lon_deg": GATE[1], "sigma_m": 1, "anchor_m": 40}
        gate = Gate(law(location=survey))

        def carried(t: int) -> float:
            """Metres from the survey: off at ten seconds at a run, back forty seconds later."""
            return max(0.0, 5.0 * min(t - 10, 50 - t))

        answers = {}
        for t in range(1, 90):
            answers[t] = self.judge(wire, gate, Epoch(float(t), lat_deg=GATE[0] + carried(t) * METRE), float(t))
        refused = [t for t, answer in answers.items() if answer == Refusal((Ground.DEVICE_MOVED,))]
        assert all(isinstance(answer, PermittedFrame) or t in refused for t, answer in answers.items())
        away = [t for t in answers if carried(t) + 3 * (2 + 1) > 40]
        assert refused == list(range(away[0], away[-1] + 31)), "and for thirty seconds after"

    def test_an_anchor_that_falls_silent_does_not_say_that_it_stands_still(self, wire: Line) -> None:
        survey = {"kind": "survey", "lat_deg": GATE[0], "lon_deg": GATE[1], "sigma_m": 1, "anchor_m": 40}
        gate = Gate(law(location=survey))
        assert isinstance(self.judge(wire, gate, Epoch(1.0), 1.0), PermittedFrame)
        assert isinstance(self.judge(wire, gate, None, 6.0), PermittedFrame)
        assert self.judge(wire, gate, None, 6.5) == Refusal((Ground.DEVICE_MOVED,))

    def test_a_device_that_is_jammed_or_led_into_a_zone_is_refused(self, wire: Line) -> None:
        school = square(GATE[1] - 0.001, GATE[0] + 200 * METRE, 0.002)
        pose = {"height_m": 2, "heading_deg": 180, "tilt_deg": 5, "view_deg": 62, "range_m": 10}
        gate = Gate(law(location={"kind": "gnss"}, zones=[school], pose=pose))
        answers = {}
        for t in range(1, 75):
            forged = 0.0 if t < 60 else min(40.0 * (t - 60), 250.0)  # slow enough to be believed
            epoch = Epoch(float(t), lat_deg=GATE[0] + forged * METRE, quality=0 if 10 <= t < 13 else 1)
            answers[t] = self.judge(wire, gate, epoch, float(t))
        assert all(isinstance(answers[t], PermittedFrame) for t in (1, 9, 48, 60, 64))
        jammed = answers[10]
        assert isinstance(jammed, Refusal) and jammed.grounds == (Ground.LOCATION_UNKNOWN, Ground.IN_ZONE)
        assert all(isinstance(answers[t], Refusal) for t in range(10, 47))
        assert all(answers[t] == Refusal((Ground.IN_ZONE,)) for t in range(66, 75))


def test_fixes_are_given_while_sentences_come_in() -> None:
    """Two threads, as in the recogniser."""
    receiver = Receiver()

    def say() -> None:
        for t in range(1, 400):
            for text in Epoch(float(t)).sentences():
                found = parse(text.rstrip())
                if found is not None:
                    receiver.hear(found, MIDNIGHT_NS + t * SECOND)

    thread = Thread(target=say)
    thread.start()
    seen = [receiver.fix(MIDNIGHT_NS + t * SECOND) for t in range(1, 400)]
    thread.join()
    assert all(fix is None or fix.taken_ns <= MIDNIGHT_NS + t * SECOND for t, fix in enumerate(seen, start=1))
    assert receiver.fix(MIDNIGHT_NS + 399 * SECOND) is not None
    receiver.lost(MIDNIGHT_NS + 399 * SECOND)
    assert receiver.fix(MIDNIGHT_NS + 399 * SECOND) is None
