"""A gate's ledger over a week, written as a device writes it: refusals, decisions, people, a night without power."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from agent.crypto import sha256, sign_public
from agent.events.decision import Decision, Outcome
from agent.gallery.retention import Ended
from agent.ledger.entry import decided, enrolled, erased, policy_adopted, refusal_changed, salt, started, withdrawn
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.policy.grounds import Ground
from agent.report.counting import facts_of
from agent.report.facts import Facts, Source
from agent.report.period import Period
from agent.report.source import source_of
from agent.units import DoorId, SubjectId
from tests.ledger.given import DEVICE, KEY, SIGNER, SITE, Draft
from tests.policy.given import document

WEEK = Period(date(2030, 3, 11), date(2030, 3, 17), "Asia/Shanghai")
POLICY: bytes = json.dumps(document(site=SITE, profile="cn-2025")).encode()
DOCUMENTS = {sha256(POLICY): read(POLICY, PolicyDocument, "policy.json")}
KEYS = {DEVICE: sign_public(SIGNER)}
PEOPLE = tuple(SubjectId(f"someone-{number}") for number in range(1, 9))


def at(day: int, hour: int, minute: int = 0, second: float = 0.0) -> float:
    """Unix seconds of a time in Shanghai on a day of March 2030."""
    return datetime(2030, 3, day, tzinfo=UTC).timestamp() + (hour - 8) * 3600 + minute * 60 + second


class Book(Draft):
    """A ledger that is written from the first entry on, in the order of the times."""

    events: int = 0

    def start(self, unix_s: float | None, version: str = "0.1.0") -> None:
        self.add(started(SITE, DEVICE, version, unix_s))

    def adopt(self, unix_s: float, policy: bytes = POLICY, version: int = 3) -> None:
        self.add(policy_adopted(version, sha256(policy), unix_s))

    def refuse(self, unix_s: float | None, *grounds: Ground) -> None:
        """No ground: permitted again."""
        self.add(refusal_changed(grounds, unix_s))

    def enrol(self, unix_s: float, subject: SubjectId) -> None:
        self.add(enrolled(subject, f"consent-of-{subject}", unix_s, self._salt()))

    def withdraw(self, unix_s: float, subject: SubjectId) -> None:
        """As the store does it: withdrawal and erasure side by side."""
        self.add(withdrawn(subject, unix_s, self._salt()))
        self.erase(unix_s, Ended.WITHDRAWN)

    def erase(self, unix_s: float, reason: Ended) -> None:
        self.add(erased(reason, b"receipt", unix_s))

    def decide(self, unix_s: float, outcome: Outcome, ground: str | None = None) -> None:
        self.events += 1
        subject = PEOPLE[self.events % len(PEOPLE)] if outcome is Outcome.MATCH else None
        made = Decision(outcome, DoorId("main"), unix_s, 1, 1, 3, subject=subject, ground=ground)
        self.add(decided(made, self.events, self._salt()))

    def check(self, unix_s: float) -> None:
        """A signed checkpoint, made at this time."""
        self.sign(unix_s=unix_s)

    def _salt(self) -> bytes:
        return salt(KEY, self.frontier.size)


def week() -> Book:
    """Seven days: refused for four reasons, off for a night, seven people enrolled before, two of them go."""
    book = Book()
    book.start(at(8, 9))
    for place, subject in enumerate(PEOPLE[:7]):
        book.enrol(at(8, 9, 5 + place), subject)
    book.start(at(11, 7, 50))
    book.adopt(at(11, 7, 50, 2))
    book.refuse(at(11, 7, 50, 3), Ground.SIGN_MISSING)
    book.refuse(at(11, 7, 50, 5))
    for day in range(11, 18):
        if day == 16:
            book.erase(at(16, 0, 5), Ended.IDLE)
        if day == 13:
            book.refuse(at(13, 6), Ground.LEASE_EXPIRED)
            book.refuse(at(13, 6, 40))
        for number in range(14):
            book.decide(at(day, 8, 3 * number, 11), Outcome.MATCH)
        book.decide(at(day, 9, 20), Outcome.NO_MATCH)
        if day in (12, 15):
            book.refuse(at(day, 11), Ground.SIGN_MISSING)
            book.refuse(at(day, 13, 25), Ground.SIGN_MISSING, Ground.SIGN_FORBIDS)
            book.refuse(at(day, 13, 26), Ground.SIGN_MISSING)
            book.refuse(at(day, 13, 40 + day))
        book.decide(at(day, 17, 2), Outcome.PASS_ACCEPTED)
        if day == 14:
            book.decide(at(day, 17, 3), Outcome.PASS_REFUSED, "pass-expired")
            book.withdraw(at(14, 17, 30), PEOPLE[0])
        for number in range(11):
            book.decide(at(day, 18, 4 * number, 30), Outcome.MATCH if number % 3 else Outcome.PASS_ACCEPTED)
        book.check(at(day, 19))
        if day == 14:  # off for the night, and a camera that comes late
            book.start(at(15, 6, 30), "0.1.1")
            book.adopt(at(15, 6, 30, 2))
            book.refuse(at(15, 6, 30, 4), Ground.NO_FRAMES)
            book.refuse(at(15, 6, 34))
    book.enrol(at(17, 22, 30), PEOPLE[7])
    return book


def source(book: Draft) -> Source:
    return source_of(book.copy(), KEYS)


def facts(
    book: Draft | None = None, period: Period = WEEK, documents: dict[str, PolicyDocument] | None = None
) -> Facts:
    """The facts of one device, with the policy's document at hand unless told otherwise."""
    found = facts_of(source(book or week()), period, DOCUMENTS if documents is None else documents)
    return Facts(SITE, period, (found,), "0.1.0")
