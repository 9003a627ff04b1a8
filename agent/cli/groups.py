"""A group of commands whose help reads from the first thing that one does to the last."""

from __future__ import annotations

from typing import Any, Final

import click

_SENTENCE: Final = 200
"""Signs: more than any first sentence has, so that none is cut off."""


class InOrder(click.Group):
    """Lists its commands in the order that it is given, each with its whole first sentence.

    Args:
        order: names of all commands of the group.
    """

    def __init__(self, *args: Any, order: tuple[str, ...], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._order = order

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._order)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(_SENTENCE)) for name in self._order])
