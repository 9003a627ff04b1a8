"""Passphrases of key files: from a file that only its owner can read, or typed at a terminal; never an argument.

A passphrase on the command line or in the environment would stand in the list of processes; there is no option for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from agent.errors import ConfigError
from agent.site.keyfiles import PASSPHRASE_MIN, Ask

_TRIES: Final = 3

PASSPHRASES = click.option(
    "--passphrase-file",
    "passphrases",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is a passphrase to try on locked keys; may be given again. Else it is asked for.",
)


def asker(files: Sequence[Path]) -> Ask:
    """What to try on the locked keys of a folder: the files' passphrases, then what somebody types."""
    given = [_first_line(path) for path in files]

    def ask(folder: Path) -> Iterator[str]:
        yield from given
        for _ in range(_TRIES if sys.stdin.isatty() else 0):
            yield click.prompt(f"Passphrase of {folder}", hide_input=True, err=True)

    return ask


def chooser(files: Sequence[Path], *, plain: bool) -> Callable[[Path], str | None]:
    """The passphrase for each new folder: one file for all, a file each in their order, or typed twice.

    Raises:
        ConfigError: (when it is called) nobody gives one, it is too short, or the files are too few.
    """
    if plain and files:
        raise ConfigError("--plain: writes keys in the clear; leave it out, or leave --passphrase-file out")
    given, used = [_first_line(path) for path in files], list[Path]()

    def choose(folder: Path) -> str | None:
        used.append(folder)
        if plain:
            return None
        if given:
            if 1 < len(given) < len(used):
                raise ConfigError("--passphrase-file: give one for all folders, or one for each in their order")
            return given[0] if len(given) == 1 else given[len(used) - 1]
        if not sys.stdin.isatty():
            raise ConfigError("passphrase: no terminal to ask at; give --passphrase-file, or --plain for keys in clear")
        return str(
            click.prompt(f"New passphrase of {folder}", hide_input=True, confirmation_prompt="Once more", err=True)
        )

    return choose


def _first_line(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this passphrase; run 'chmod 600' on it")
        line = path.read_text("utf-8").partition("\n")[0]
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file with a passphrase") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    if len(line) < PASSPHRASE_MIN:
        raise ConfigError(f"{path}: its first line has less than {PASSPHRASE_MIN} signs; take a longer passphrase")
    return line
