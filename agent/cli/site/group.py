"""The group, its options, and how its commands open a site."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.groups import InOrder
from agent.cli.passphrase import asker
from agent.site.repository import SiteRepository
from agent.site.version import Missing

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
DIR = click.argument("folder", metavar="DIR", type=FOLDER)
KEYS = click.option(
    "--keys", "holders", multiple=True, type=FOLDER, help="Folder with a key holder's keys; may be given again."
)


_ORDER = (
    *("init", "show", "renew", "edit", "diff", "prepare", "sign", "publish", "discard"),
    *("add-device", "remove-device", "add-key", "rotate", "revoke"),
    *("enrol", "withdraw", "revoke-pass", "stop", "zone", "incident", "lift"),
)


@click.group(cls=InOrder, order=_ORDER)
def site() -> None:
    """The authority: make, publish and restrict a site's policy.

    Two of the key holders must agree to whatever permits more; one key is enough to restrict.
    """


def open_site(folder: Path, holders: Sequence[Path] = (), passphrases: Sequence[Path] = ()) -> SiteRepository:
    """The site in a folder, with the keys of the folders named; raises as `SiteRepository.open` does."""
    return SiteRepository.open(folder, clock=time.time, holders=holders, ask=asker(passphrases))


def utc_text(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M")


def still_missing(missing: Sequence[Missing], folder: Path) -> str:
    """What a prepared version waits for, in words."""
    listed = ", ".join(f"{each.role} has {each.have} of {each.need}" for each in missing)
    return f"signatures are missing ({listed}); each holder runs 'doorward site sign {folder} --keys FOLDER'"
