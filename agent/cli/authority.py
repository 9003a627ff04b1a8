"""Reading the authority's folder for commands that sign in its name."""

from __future__ import annotations

from pathlib import Path

from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.site.keys import SiteKeys


def load_site(folder: Path) -> tuple[PolicyDocument, SiteKeys]:
    """The policy as the authority keeps it, and its keys.

    Raises:
        ConfigError: the folder is not one that `doorward site init` made.
        PolicyError: the policy is malformed.
    """
    path = folder / "policy.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make the site with 'doorward site init'") from None
    return read(data, PolicyDocument, str(path)), SiteKeys.load(folder / "keys")
