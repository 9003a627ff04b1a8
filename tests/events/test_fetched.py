"""What a link's answer to a fetch request comes to."""

from __future__ import annotations

import pytest

from agent.errors import LinkError
from agent.events.fetched import fetched
from agent.events.wire import FetchOutcome, FetchReply


def test_bytes_are_handed_on_and_what_is_absent_is_none() -> None:
    assert fetched("a.json", FetchReply(1, FetchOutcome.BYTES, b"four"), 4) == b"four"
    assert fetched("a.json", FetchReply(1, FetchOutcome.ABSENT), 4) is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (FetchReply(1, FetchOutcome.BYTES, b"fives"), "sent more than this file may hold"),
        (FetchReply(1, FetchOutcome.TOO_LARGE), "sent more than this file may hold"),
        (FetchReply(1, FetchOutcome.UNREACHABLE), "cannot be reached"),
        (FetchReply(1, FetchOutcome.REFUSED), "was refused"),
    ],
)
def test_every_other_answer_is_one_line(reply: FetchReply, why: str) -> None:
    with pytest.raises(LinkError, match=f"^a.json: the site repository.*{why}.*; "):
        fetched("a.json", reply, 4)
