"""What the demo says in the terminal while it runs: one line for each thing that happens, with the scene's own time.

Rules: people are called by their pseudonyms; a line says what the device did, then what that means for the door.
Everything comes from what the site may know: opened events, signed telemetry, its own acts, and the scene it plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from agent.demo.judge import Expected, Made
from agent.events.decision import Outcome

_OPEN: Final = "bold green"
_SHUT: Final = "cyan"
_REFUSED: Final = "yellow"
_WRONG: Final = "bold red"
_QUIET: Final = "dim"

_WHY: Final = {
    "sign-missing": "the sign is not in view",
    "in-zone": "the position is in or near a no-recognition zone",
    "location-unknown": "the position is unknown",
    "view-unknown": "a no-recognition zone is near, and how the camera looks is unknown",
    "lease-expired": "the signed lease has run out",
    "clock-untrusted": "the clock is not trusted",
    "no-policy": "there is no policy yet",
    "no-frames": "the camera gives no frames",
    "stopped": "a stop order is in force",
    "model-not-allowed": "a model is not the signed one",
    "model-failed": "a model failed on a frame and rests",
    "policy-not-in-force": "the policy is not in force",
    "ledger-unwritable": "the ledger cannot be written",
}
"""The commonest grounds in words; the wire name stands beside them."""


class Narrator:
    """Prints lines; `began` says where the scene's time starts."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, at_s: float | None, words: str, style: str = "") -> None:
        when = "        " if at_s is None else f"{at_s:6.1f} s"
        self._console.print(Text.assemble((when, _QUIET), "  ", (words, style)), soft_wrap=True)

    def decision(self, made: Made, meant: Expected | None, judged: bool, late_s: float) -> None:
        """One decision.

        Args:
            meant: the scene's expectation that it meets; None: it meets none.
            judged: the scene is known, so a decision that meets no expectation is wrong; a recording judges nothing.
            late_s: how long it waited in the outbox.
        """
        words, style = _outcome(made, meant)
        if late_s > 1.0:
            words += f" [kept in the outbox for {late_s:.1f} s]"
        if judged and meant is None:
            words, style = words + "  <- WRONG", _WRONG
        self.say(made.at_s, words, style)

    def refused(self, at_s: float | None, grounds: Sequence[str], cause: str | None = None) -> None:
        """Recognition ended; `cause` is what the scene knows about it, else the ground in words."""
        cause = cause or "; ".join(_WHY.get(ground, ground) for ground in grounds)
        self.say(at_s, f"{cause}: recognition refused ({', '.join(grounds)}); passes still open the door", _REFUSED)

    def closed(self, grounds: Sequence[str]) -> None:
        """The camera is never opened here."""
        self.say(None, f"the camera stays shut: recognition refused ({', '.join(grounds)})", _REFUSED)

    def permitted(self, at_s: float | None) -> None:
        self.say(at_s, "recognition permitted", _QUIET)

    def fact(self, at_s: float | None, words: str) -> None:
        """Something that the site or the scene did, not the device."""
        self.say(at_s, words, _QUIET)

    def passed(self, at_s: float, who: str, looked_at: bool) -> None:
        """Somebody who never opted in is gone again."""
        if looked_at:
            self.say(at_s, f"{who}: the face WAS looked at", _WRONG)
        else:
            self.say(at_s, f"{who}: the face was not looked at", _QUIET)


def _outcome(made: Made, meant: Expected | None) -> tuple[str, str]:
    who = (made.subject or "").upper()
    if made.outcome is Outcome.MATCH:
        return f"{who} recognised, door opens (face)", _OPEN
    if made.outcome is Outcome.PASS_ACCEPTED:
        return f"pass{' of ' + who if who else ''} accepted, door opens (pass)", _OPEN
    if made.outcome is Outcome.PASS_REFUSED:
        return f"pass refused ({made.ground}), door stays shut", _SHUT
    if made.outcome is Outcome.ATTACK_DENIED:
        who = (meant.person if meant is not None else None) or "a known face"
        return f"{who}: denied ({made.ground}), door stays shut", _SHUT
    if made.outcome is Outcome.TOO_LATE:
        return "decided too late, door stays shut", _WRONG
    stranger = (meant.person if meant is not None else None) or "somebody"
    return f"{stranger} stepped up: not recognised, door stays shut (no-match)", _SHUT
