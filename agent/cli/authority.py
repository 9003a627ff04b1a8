"""Reading the authority's folder for commands that sign in its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.cli.passphrase import asker
from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.site.keys import SiteKeys


def load_site(folder: Path, passphrases: Sequence[Path] = ()) -> tuple[PolicyDocument, SiteKeys]:
    """The policy as the authority keeps it, and its own keys; a passphrase is asked for when a locked one is used.

    Raises:
        ConfigError: the folder is not one that `doorward site init` made.
        PolicyError: the policy is malformed.
    """
    path = folder / "policy.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make the site with 'doorward site init'") from None
    return read(data, PolicyDocument, str(path)), SiteKeys.load(folder / "keys", ask=asker(passphrases))
