"""Passes and phones' turning codes that were changed, mixed, moved and shown once more, and whether one was accepted.

Part of `scripts/prove vault`. None of this is drawn: `scripts/prove pass` shows forged and replayed codes to a camera.
What is shown once more was accepted before, and used up as the device uses it up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from agent.crypto import SignSecret, sign
from agent.gallery.passes import Accepted
from agent.gallery.passes_text import CODE, PASS_CONTEXT, PREFIX, SIGNATURE, Pass, base45, text_of, unbase45
from agent.gallery.passes_uses import Uses
from agent.units import DoorId, PassId, SiteId, SubjectId
from bench.people.hostile import Attempt
from tests.gallery.passes_given import DAY, GOOD, ID, ISSUER, KEY, ON_PHONE, OTHER, shown, text, turned
from tests.policy.given import NOW_S

_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_ELSE: Final = replace(GOOD, pass_id=bytes(range(8)), until_quarter=GOOD.until_quarter + 8, uses=9, subject=None)
"""Another good pass."""
_ELSE_ON_PHONE: Final = replace(ON_PHONE, pass_id=bytes(range(8)), subject=SubjectId("p-2"))
_AGO: Final = 20
"""Seconds: a phone's code as old as this is still fresh."""
_FIELDS: Final = ("pass_id", "until_quarter", "uses", "subject")
Way = Callable[[random.Random], bool]
"""Does one thing to a good pass; True if it was accepted."""


def passes(count: int = 5_000) -> Iterator[Attempt]:
    """One way after the other.

    Raises:
        AssertionError: the unharmed passes are not accepted: then the rest proves nothing.
    """
    assert all(isinstance(shown(each), Accepted) for each in (*_printed(), *_phones()))
    chance, ways = random.Random(6), list(_WAYS.items())
    for number in range(count):
        kind, way = ways[number % len(ways)]
        yield Attempt(kind, way(chance))


def _printed() -> list[str]:
    return [text(), text(_ELSE)]


def _phones() -> list[str]:
    return [turned(text(ON_PHONE)), turned(text(_ELSE_ON_PHONE))]


def _opens(data: bytes | str, *unharmed: str) -> bool:
    """Whether a text, or bytes as a text, is accepted although it is not one of these."""
    code = data if isinstance(data, str) else PREFIX + base45(data)
    return code not in unharmed and isinstance(shown(code), Accepted)


def _bytes(code: str) -> bytes:
    data = unbase45(code[len(PREFIX) :])
    assert data is not None
    return data


def _flipped(code: str, chance: random.Random) -> bytes:
    changed = bytearray(_bytes(code))
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _resigned(chance: random.Random) -> str:
    """One sign of the text is another."""
    code = chance.choice([*_printed(), *_phones()])
    at = chance.randrange(len(PREFIX), len(code))
    return code[:at] + chance.choice([sign for sign in _SIGNS if sign != code[at]]) + code[at + 1 :]


def _cut(chance: random.Random) -> bytes:
    data = _bytes(chance.choice([*_printed(), *_phones()]))
    return data[: chance.randrange(len(data))]


def _longer(chance: random.Random) -> bytes:
    data = _bytes(chance.choice([*_printed(), *_phones()]))
    return data + chance.choice((b"\x00", data[:8], chance.randbytes(CODE)))


def _mixed(chance: random.Random) -> bytes:
    one, other = map(_bytes, chance.choice((_printed(), _phones())))
    at = chance.randrange(1, min(len(one), len(other)))
    return one[:at] + other[at:]


def _field(chance: random.Random) -> str:
    """Fields of another good pass over the signature of this one."""
    names = chance.sample(_FIELDS, chance.randrange(1, len(_FIELDS)))
    content = replace(GOOD, **{name: getattr(_ELSE, name) for name in names})
    return text_of(content, sign(ISSUER, PASS_CONTEXT, GOOD.body()))


def _widened(chance: random.Random) -> str:
    """Longer, for more uses, or from earlier on: what a holder would want."""
    content: Pass = chance.choice((
        replace(GOOD, until_quarter=GOOD.until_quarter + chance.randrange(1, 999)),
        replace(GOOD, uses=chance.randrange(3, 256)),
        replace(GOOD, from_quarter=GOOD.from_quarter - chance.randrange(1, 99)),
    ))  # fmt: skip
    return text_of(content, sign(ISSUER, PASS_CONTEXT, GOOD.body()))


def _stranger(chance: random.Random) -> str:
    return text(secret=SignSecret(chance.randbytes(32)))


def _without_phone(chance: random.Random) -> bytes:
    """A phone's pass as if it were printed: its phone's key taken out, or its code cut off."""
    body = ON_PHONE.body()
    signature = sign(ISSUER, PASS_CONTEXT, body)
    return chance.choice((body, replace(ON_PHONE, phone=None).body())) + signature


def _swapped_code(chance: random.Random) -> bytes:
    """The code of another pass of the same phone, or its moment alone."""
    one, other = map(_bytes, _phones())
    if chance.random() < 0.5:
        return one[:-CODE] + other[-CODE:]
    later = (int(NOW_S) + chance.choice([-1, 1]) * chance.randrange(1, 31)).to_bytes(4, "big")
    return one[:-CODE] + later + one[-SIGNATURE:]


def _other_phone(chance: random.Random) -> str:
    return turned(text(ON_PHONE), secret=chance.choice((OTHER, ISSUER, SignSecret(chance.randbytes(32)))))


def _again(chance: random.Random) -> bool:
    """Shown until it is used up, and then once more."""
    content = replace(GOOD, pass_id=chance.randbytes(8), uses=chance.randrange(1, 5))
    uses = Uses()
    for _ in range(content.uses):
        verdict = shown(text(content), uses=uses)
        assert isinstance(verdict, Accepted)
        uses.take(verdict.use)
    return isinstance(shown(text(content), chance.uniform(NOW_S, NOW_S + 900), uses), Accepted)


def _code_again(chance: random.Random) -> bool:
    """A phone's code that was used, and then the same or an older one, within its time."""
    uses = Uses()
    verdict = shown(turned(text(ON_PHONE), int(NOW_S) + chance.randrange(-5, 5)), uses=uses)
    assert isinstance(verdict, Accepted) and verdict.use.code is not None
    uses.take(verdict.use)
    older = turned(text(ON_PHONE), verdict.use.code - chance.choice((0, 0, chance.randrange(1, _AGO))))
    return isinstance(shown(older, uses=uses), Accepted)


def _too_late(chance: random.Random) -> bool:
    moment = int(NOW_S) + chance.choice([-1, 1]) * chance.randrange(32, 10**5)
    return isinstance(shown(turned(text(ON_PHONE), moment)), Accepted)


def _elsewhere(chance: random.Random) -> bool:
    code, name = chance.choice([*_printed(), *_phones()]), f"n-{chance.randrange(10**6)}"
    if chance.random() < 0.5:
        other = KEY.model_copy(update={"doors": ("main", name)})
        return isinstance(shown(code, door=DoorId(name), keys=(other,)), Accepted)
    return isinstance(shown(code, site=SiteId(name)), Accepted)


def _over(chance: random.Random) -> bool:
    """After its end, or before its beginning."""
    moment = chance.choice((NOW_S + chance.uniform(4 * 900, 10**7), NOW_S - chance.uniform(900, 10**7)))
    return isinstance(shown(text(), moment), Accepted)


def _revoked(chance: random.Random) -> bool:
    return isinstance(shown(chance.choice((text(), turned(text(ON_PHONE)))), revoked={ID, PassId("ff" * 8)}), Accepted)


def _beyond_the_day(chance: random.Random) -> bool:
    uses = Uses(days={(KEY.key, DAY): KEY.per_day + chance.randrange(9)})
    return isinstance(shown(chance.choice([*_printed(), *_phones()]), uses=uses), Accepted)


_WAYS: Final[dict[str, Way]] = {
    "printed: a flipped bit": lambda chance: _opens(_flipped(chance.choice(_printed()), chance)),
    "phone's: a flipped bit": lambda chance: _opens(_flipped(chance.choice(_phones()), chance)),
    "a changed sign": lambda chance: _opens(_resigned(chance)),
    "cut off": lambda chance: _opens(_cut(chance)),
    "made longer": lambda chance: _opens(_longer(chance)),
    "two passes joined": lambda chance: _opens(_mixed(chance), *_printed(), *_phones()),
    "fields of another pass": lambda chance: _opens(_field(chance)),
    "widened by its holder": lambda chance: _opens(_widened(chance)),
    "signed by a stranger": lambda chance: _opens(_stranger(chance)),
    "phone's: as if it were printed": lambda chance: _opens(_without_phone(chance)),
    "phone's: another pass's code or moment": lambda chance: _opens(_swapped_code(chance), *_phones()),
    "phone's: another phone's code": lambda chance: _opens(_other_phone(chance)),
    "printed: once more when used up": _again,
    "phone's: the same or an older code again": _code_again,
    "phone's: a code too late or too early": _too_late,
    "at another door or site": _elsewhere,
    "after its end or before its time": _over,
    "revoked": _revoked,
    "beyond its key's number for a day": _beyond_the_day,
}
