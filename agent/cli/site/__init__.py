"""`doorward site …`: the authority's commands, on a folder that holds its own keys and its repository.

DIR/repository/   signed files, for any web server
DIR/policy.json   the policy as its authors work on it
DIR/prepared/     a version that waits for signatures
DIR/keys/         the site's own keys; those of the key holders lie elsewhere
"""

from __future__ import annotations

from agent.cli.site import devices, enrolments, keys, making, restrict, signing, working
from agent.cli.site.group import site

__all__ = ["devices", "enrolments", "keys", "making", "restrict", "signing", "site", "working"]
