"""What a link's answer to a fetch request comes to."""

from __future__ import annotations

from typing import Final

from agent.errors import LinkError
from agent.events.wire import FetchOutcome, FetchReply

_FAULTS: Final = {
    FetchOutcome.UNREACHABLE: "the site repository cannot be reached; look at its address and the network",
    FetchOutcome.REFUSED: "the site repository's certificate or answer was refused; look at repository and its CA",
    FetchOutcome.TOO_LARGE: "the site repository sent more than this file may hold; publish it again",
}


def fetched(path: str, reply: FetchReply, limit: int) -> bytes | None:
    """The untrusted bytes; None: the repository has no such file.

    Raises:
        LinkError: the link could not fetch it, or it is larger than `limit`.
    """
    if reply.outcome is FetchOutcome.ABSENT:
        return None
    if reply.outcome is not FetchOutcome.BYTES or len(reply.data) > limit:
        raise LinkError(f"{path}: {_FAULTS.get(reply.outcome, _FAULTS[FetchOutcome.TOO_LARGE])}")
    return reply.data
