"""A decision names nobody it must not name, and opens only for the outcomes that open."""

from __future__ import annotations

import pytest

from agent.events.decision import Decision, Outcome
from agent.units import DoorId, SubjectId


def decided(outcome: Outcome, subject: SubjectId | None = None) -> Decision:
    return Decision(outcome, DoorId("main"), 1.0, captured_ns=1, frame=1, policy_version=1, subject=subject)


def test_a_strangers_decision_names_nobody() -> None:
    with pytest.raises(ValueError, match="names nobody"):
        decided(Outcome.NO_MATCH, SubjectId("p-1"))


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_match_and_an_accepted_pass_open(outcome: Outcome) -> None:
    assert decided(outcome).opens is (outcome in (Outcome.MATCH, Outcome.PASS_ACCEPTED))


def test_a_repr_names_nobody() -> None:
    assert "p-1" not in repr(decided(Outcome.MATCH, SubjectId("p-1")))
