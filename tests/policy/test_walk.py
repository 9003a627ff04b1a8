"""For any sequence of circumstances, the gate permits a frame exactly when an independent oracle calls it lawful."""

from __future__ import annotations

from hypothesis import example, given, settings

from agent.policy.circumstances import Circumstances
from agent.policy.frames import CodeFrame, PermittedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.signage import SignWatch
from tests.policy.given import SimulatedMarkers
from tests.policy.oracle import EXCLUDED, LAWS, MARKS, Facts, Oracle, Walk, frame_of, frames_of, surroundings, walks

GNSS = Facts(law="gnss")


@settings(derandomize=True, max_examples=200)
@given(walks)
@example([(Facts(), 3, 100), (Facts(stopped=True), 1, 100), (Facts(), 30, 100)])
@example([(GNSS, 3, 100), (Facts(law="gnss", fix=None), 1, 100), (GNSS, 12, 3000), (GNSS, 3, 100)])
@example([(Facts(), 3, 100), (Facts(marks=()), 12, 67), (Facts(), 4, 3000), (Facts(), 2, 67)])
def test_a_frame_is_permitted_exactly_when_it_is_lawful(walk: Walk) -> None:
    gate, watch, oracle = Gate(None), SignWatch(), Oracle()
    law = "none"
    x0, y0, x1, y1 = EXCLUDED
    for number, at_ns, facts in frames_of(walk):
        if facts.law != law:
            law = facts.law
            gate.adopt(LAWS[law])
        frame = frame_of(number, at_ns, facts)
        codes, in_force = gate.codes(frame), gate.law
        sign = None
        if isinstance(codes, CodeFrame) and in_force is not None:
            assert (codes.luma[y0:y1, x0:x1] == 0).all()
            reader = SimulatedMarkers(tuple(MARKS[mark] for mark in facts.marks))
            sign = watch.see(codes, reader, in_force.policy, [], due=True)
        answer = gate.admit(frame, Circumstances(at_ns, surroundings(facts, at_ns), sign))
        assert isinstance(answer, PermittedFrame) is oracle.lawful(at_ns, facts), (number, facts, answer)
        if isinstance(answer, Refusal):
            assert answer.grounds
        else:
            assert answer.number == number
            assert (answer.pixels[y0:y1, x0:x1] == 0).all()
            assert (answer.pixels[: y0 - 1] == 200).all()
