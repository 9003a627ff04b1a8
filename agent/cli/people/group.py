"""The group, its options, and what its commands share."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.groups import InOrder
from agent.errors import ConfigError

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
CONFIG = click.option("--config", "config_file", required=True, type=FILE, help="The device config (TOML).")


_ORDER = ("consent", "guardian", "receipt", "code", "enrol", "seal", "list", "check", "export", "withdraw", "erased")


@click.group(cls=InOrder, order=_ORDER)
def people() -> None:
    """Those who agreed: consent and enrolment, what is stored on them, and its end.

    The order is that of a person's way. Commands with --config are for a device whose recogniser does not run.
    """


def bytes_of(path: Path) -> bytes:
    """The file's content.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
