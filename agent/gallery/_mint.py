"""The key to every value that says somebody consented. Only this room imports it (import contract).

It is the policy room's device once more, with a key of its own: the gallery cannot make a permit, and the gate cannot
make a consent.
"""

from __future__ import annotations

from typing import Final, NoReturn, final


@final
class Mint:
    """The type of the key; constructors compare by identity with `MINT`."""

    __slots__ = ()


MINT: Final = Mint()


class Unforgeable:
    """Refuses the ways in which Python would make a second one: subclass, copy, pickle, a telling repr."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        if not cls.__module__.startswith("agent.gallery."):
            raise TypeError(f"only agent.gallery may extend {cls.__mro__[1].__name__}")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")

    def __copy__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def demand(key: Mint, name: str) -> None:
    """Raise TypeError unless `key` is the one key."""
    if key is not MINT:
        raise TypeError(f"only the gallery makes a {name}")
