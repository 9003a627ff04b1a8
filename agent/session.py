"""What the core remembers while recognition is permitted, and drops with the permission."""

from __future__ import annotations

from agent.face.track import Tracker
from agent.gallery.named import Naming
from agent.policy.attempt import Attempts
from agent.policy.bundle import Attempt


class Session:
    """Everything remembered about people in view; lives only while permitted."""

    __slots__ = ("attempts", "named", "tracker")

    def __init__(self, rules: Attempt) -> None:
        self.attempts = Attempts(rules)
        self.tracker = Tracker(rules.leave_s)
        self.named: Naming | None = None
