"""A decision names nobody it must not name, and opens only for the outcomes that open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.events.decision import LATE_NS, Decision, Outcome, timely
from agent.gallery.passes_uses import PassUse
from agent.units import DoorId, PassId, SubjectId


def decided(outcome: Outcome, subject: SubjectId | None = None) -> Decision:
    return Decision(outcome, DoorId("main"), 1.0, captured_ns=1, frame=1, policy_version=1, subject=subject)


@pytest.mark.parametrize("outcome", [Outcome.NO_MATCH, Outcome.TOO_LATE, Outcome.ATTACK_DENIED, Outcome.EXIT])
def test_a_decision_that_lets_nobody_in_by_the_face_names_nobody(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="names nobody"):
        decided(outcome, SubjectId("p-1"))


@pytest.mark.parametrize("age, late", [(0, False), (LATE_NS, False), (LATE_NS + 1, True), (-1, True)])
@pytest.mark.parametrize("outcome", Outcome)
def test_what_would_open_but_is_older_than_a_second_opens_nothing_and_names_nobody(
    outcome: Outcome, age: int, late: bool
) -> None:
    subject = SubjectId("p-1") if outcome is Outcome.MATCH else None
    use = PassUse(PassId("5" * 32), "6" * 64, 20_000, None)
    decision = replace(decided(outcome, subject), pass_used=use)
    found = timely(decision, decision.captured_ns + age)
    if late and decision.opens:
        assert (found.outcome, found.opens, found.subject, found.pass_used) == (Outcome.TOO_LATE, False, None, None)
        assert (found.captured_ns, found.frame, found.unix_s) == (decision.captured_ns, decision.frame, decision.unix_s)
        assert timely(found, 0) is found
    else:
        assert found is decision


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_match_an_accepted_pass_and_the_button_inside_open(outcome: Outcome) -> None:
    assert decided(outcome).opens is (outcome in (Outcome.MATCH, Outcome.PASS_ACCEPTED, Outcome.EXIT))


def test_a_repr_names_nobody() -> None:
    assert "p-1" not in repr(decided(Outcome.MATCH, SubjectId("p-1")))
