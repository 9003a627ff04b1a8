"""The help of a group: every command once, in the order of the work, none of its first sentences cut off."""

from __future__ import annotations

import click
import pytest

from agent.cli import doorward
from agent.cli.groups import InOrder

GROUPS = ("people", "pass", "device", "site", "models")


@pytest.mark.parametrize("name", GROUPS)
def test_all_commands_are_listed_once_with_whole_sentences(name: str) -> None:
    context = click.Context(doorward, info_name="doorward")
    group = doorward.get_command(context, name)
    assert isinstance(group, InOrder)
    listed = group.list_commands(context)
    assert len(set(listed)) == len(listed) and set(listed) == set(group.commands)
    help_ = group.get_help(click.Context(group, parent=context, info_name=name, terminal_width=200))
    said = help_.partition("Commands:")[2]
    assert "..." not in said and all(f"\n  {each} " in said for each in listed)
