"""The beginning of a site: its keys, in folders for different hands, and the first version of its repository.

Rules: the folders are made before anything is signed, and each is told which root its keys are for. Leaves out: writing
the repository (repository.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from agent.errors import ConfigError
from agent.site import roles
from agent.site.keyfiles import ROLES, pin
from agent.site.keys import HELD, OWN, SiteKeys
from agent.site.metadata import ONLINE
from agent.site.version import Version


@dataclass(frozen=True, slots=True)
class Founded:
    keys: SiteKeys
    """All of them, as they are on disk now."""
    root_sha256: str
    version: Version
    """Signed, but not published."""


def found_site(
    own_folder: Path,
    site: str,
    holders: Sequence[Path],
    lease_s: float,
    now: datetime,
    passphrase: Callable[[Path], str | None],
) -> Founded:
    """Make keys and a first version. For the arguments see `SiteRepository.init`.

    Raises:
        ConfigError: a folder is named twice or in use, there are too few holders, or a passphrase is too short.
    """
    folders = [own_folder, *holders]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("--keys: name a folder of its own for each person")
    if holders:
        own, people = SiteKeys.fresh_for(OWN), [SiteKeys.fresh_for(HELD) for _ in holders]
        who = roles.of_several(own, people)
    else:
        own, people = SiteKeys.fresh(), []
        who = roles.of_one(own)
    for folder, keys in zip(folders, [own, *people], strict=True):
        keys.save(folder, passphrase(folder))
    every = sum(people, own)
    version = Version(None, roles.found(site, timedelta(seconds=int(lease_s)), who, now), set(ROLES) - set(ONLINE))
    version.close(now)
    version.sign(every)
    root_sha256 = sha256(version.state.root.to_bytes()).hexdigest()
    for folder in folders:
        pin(folder, root_sha256)
    return Founded(every, root_sha256, version)
