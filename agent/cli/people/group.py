"""The group, its options, and what its commands share."""

from __future__ import annotations

from pathlib import Path

import click

from agent.errors import ConfigError

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
CONFIG = click.option("--config", "config_file", required=True, type=FILE, help="The device config (TOML).")


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder)
def people() -> None:
    """Sign consent receipts, enrol people on a stopped device, and end it: list, withdraw, export."""


def bytes_of(path: Path) -> bytes:
    """The file's content.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
